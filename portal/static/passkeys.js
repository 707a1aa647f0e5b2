// data-passkey: creation options; the form's button asks the device, and what it answers is sent as the field "credential".
"use strict";
document.addEventListener("DOMContentLoaded", () => document.querySelectorAll("form[data-passkey]").forEach(askDevice));

function askDevice(form) {
  form.addEventListener("submit", async (event) => {
    if (form.elements.credential.value) return;
    event.preventDefault();
    const failed = form.parentElement.querySelector("[data-failed]");
    failed.hidden = true;
    try {
      form.elements.credential.value = JSON.stringify(await create(JSON.parse(form.dataset.passkey)));
      form.submit();
    } catch (error) {
      failed.hidden = false;
      form.removeAttribute("data-sent");
    }
  });
}

// Written out by hand: parseCreationOptionsFromJSON() and toJSON() are younger than browsers that people still have.
async function create(options) {
  const user = { ...options.user, id: bytes(options.user.id) };
  const excludeCredentials = (options.excludeCredentials || []).map((one) => ({ ...one, id: bytes(one.id) }));
  const publicKey = { ...options, challenge: bytes(options.challenge), user, excludeCredentials };
  const { id, rawId, type, response } = await navigator.credentials.create({ publicKey });
  const answer = { attestationObject: text(response.attestationObject), clientDataJSON: text(response.clientDataJSON) };
  return { id, rawId: text(rawId), type, response: answer, clientExtensionResults: {} };
}

const bytes = (base64url) => Uint8Array.from(atob(base64url.replace(/-/g, "+").replace(/_/g, "/")), (c) => c.charCodeAt(0));
const text = (buffer) => btoa(String.fromCharCode(...new Uint8Array(buffer))).replace(/\+/g, "-").replace(/\//g, "_").replace(/=+$/, "");
