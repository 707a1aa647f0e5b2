"""Signing in and out, and the choice of the language."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, jsonify, redirect, render_template, request, session, url_for

from portal import session as sessions
from portal.api import Problem
from portal.language import LANGUAGES

ACCOUNT = Blueprint("account", __name__)
HOMES = {
    sessions.PERSON: "citizen.home",
    sessions.OFFICER: "desk.tasks",
    sessions.SUPERVISOR: "supervision.board",
    "system_admin": "administration.accounts",
    "security_admin": "administration.accounts",
    "audit_admin": "auditing.acts",
}


@ACCOUNT.get("/sign-in")
def sign_in() -> Any:
    """登录: at the provider. Whoever came by another name of this machine goes on at the one that the provider sends back to,
    for there the browser's cookie will be asked for.
    """
    here = urlsplit(sessions.relying_party().public_url)
    if here.hostname != urlsplit(f"//{request.host}").hostname:
        return redirect(f"{here.scheme}://{here.netloc}{request.full_path.rstrip('?')}", 303)
    return sessions.begin_sign_in(_local(request.args.get("next")))


@ACCOUNT.get("/sign-in/return")
def come_back() -> Any:
    """登录返回: to where the visitor wanted to go, or to the home of their kind."""
    begun = sessions.take_begun(request.args.get("state", ""))
    if begun is None or request.args.get("iss") != sessions.relying_party().issuer or "code" not in request.args:
        raise Problem(
            400, "sign_in_failed", "登录未完成，请重新登录 / the sign-in was not completed; sign in again", {}
        )
    sessions.finish_sign_in(request.args["code"], begun)
    if sessions.is_limited():
        return redirect(url_for("security.overview"), 303)
    return redirect(begun.wanted or url_for(HOMES.get(sessions.visitor().kind, "public.home")), 303)


@ACCOUNT.get("/sign-in/keys")
def show_keys() -> Any:
    """门户公钥: what the provider verifies the portal with."""
    return jsonify(sessions.relying_party().jwks())


@ACCOUNT.get("/sign-in/done")
def signed_in() -> Any:
    """登录完成: in a window of its own, beside the page that waits."""
    return render_template("signed_in.html")


@ACCOUNT.get("/sign-in/still-here")
def still_here() -> Any:
    """在线: somebody writes in a form; the sign-in goes on."""
    return "", 204


@ACCOUNT.post("/sign-out")
def leave() -> Any:
    """退出: here and at the provider."""
    return redirect(sessions.sign_out() or url_for("public.home"), 303)


@ACCOUNT.post("/language")
def choose_language() -> Any:
    """语言."""
    if (chosen := request.form.get("language")) in LANGUAGES:
        session["language"] = chosen
    return redirect(_local(request.form.get("next")) or url_for("public.home"), 303)


def _local(address: str | None) -> str:
    """``address`` if it leads to a page of this portal: nobody is sent elsewhere after signing in."""
    if not address or not address.startswith("/") or address.startswith(("//", "/\\")):
        return ""
    parts = urlsplit(address)
    return "" if parts.netloc or parts.scheme else address
