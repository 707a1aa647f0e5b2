// Passkeys need a script; everything else on these pages does without.
"use strict";
(() => {
  const form = document.getElementById("passkey");
  if (!form || !window.PublicKeyCredential || !PublicKeyCredential.parseRequestOptionsFromJSON) return;
  const said = form.querySelector("[role=alert]");
  form.hidden = false;
  form.querySelector("button").addEventListener("click", async () => {
    said.hidden = true;
    try {
      const answer = await fetch("/oauth2/passkey/options", { method: "POST", body: new URLSearchParams(new FormData(form)) });
      if (!answer.ok) throw new Error(String(answer.status));
      const publicKey = PublicKeyCredential.parseRequestOptionsFromJSON(await answer.json());
      const credential = await navigator.credentials.get({ publicKey });
      form.elements.credential.value = JSON.stringify(credential.toJSON());
      form.submit();
    } catch {
      said.hidden = false;
    }
  });
})();
