// Small comforts. Every page works without this file.
"use strict";
document.documentElement.classList.add("js");

// What is wrong with a form is read first.
document.addEventListener("DOMContentLoaded", () => {
  document.querySelector("[data-focus]")?.focus();
  document.querySelectorAll("[data-live]").forEach(follow);
  document.querySelectorAll("form[data-upload]").forEach(showProgress);
  document.querySelectorAll("form").forEach(sendOnce);
  document.querySelectorAll("button[data-print]").forEach((button) => button.addEventListener("click", () => window.print()));
});

// data-live: address of server-sent events; each "changed" reloads the element from data-fragment. Without events, poll.
function follow(element) {
  const refresh = () => htmx.ajax("GET", element.dataset.fragment, { target: element, swap: "innerHTML" });
  let poll = null;
  const source = new EventSource(element.dataset.live);
  source.addEventListener("open", () => { clearInterval(poll); poll = null; });
  source.addEventListener("changed", refresh);
  source.addEventListener("ended", () => source.close());
  source.addEventListener("error", () => { if (!poll) poll = setInterval(refresh, 5000); });
}

// data-upload: send the chosen file in the background and show how far it is.
function showProgress(form) {
  form.addEventListener("submit", (event) => {
    const file = form.querySelector("input[type=file]")?.files[0];
    const bar = form.querySelector("progress");
    if (!file || !bar) return;
    event.preventDefault();
    const request = new XMLHttpRequest();
    bar.hidden = false;
    request.upload.addEventListener("progress", (step) => { bar.max = step.total; bar.value = step.loaded; });
    request.addEventListener("load", () => { document.open(); document.write(request.responseText); document.close(); if (request.status < 400) history.replaceState(null, "", request.responseURL); });
    request.addEventListener("error", () => { bar.hidden = true; form.querySelector("[data-failed]").hidden = false; form.removeAttribute("data-sent"); });
    request.open("POST", form.action);
    request.send(new FormData(form));
  });
}

// Who types is still there, although nothing is sent: the sign-in goes on.
function sayStillHere(everyMs) {
  let told = Date.now();
  document.addEventListener("input", () => {
    if (Date.now() - told < everyMs) return;
    told = Date.now();
    fetch("/sign-in/still-here").catch(() => {});
  });
}
sayStillHere(120000);

// A second click on a button that works is not a second request.
function sendOnce(form) {
  form.addEventListener("submit", (event) => {
    if (form.hasAttribute("data-sent")) event.preventDefault();
    form.setAttribute("data-sent", "");
    setTimeout(() => form.removeAttribute("data-sent"), 4000);
  });
}
