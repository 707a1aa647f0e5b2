"""Signing in and out, and the choice of the language."""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from flask import Blueprint, redirect, render_template, request, session, url_for

from portal import session as sessions
from portal.api import Problem
from portal.language import LANGUAGES

ACCOUNT = Blueprint("account", __name__)
HOMES = {
    sessions.PERSON: "citizen.home",
    sessions.OFFICER: "desk.tasks",
    sessions.SUPERVISOR: "supervision.board",
}


@ACCOUNT.get("/sign-in")
def sign_in() -> Any:
    """登录."""
    return render_template("account/sign_in.html", wanted=_local(request.args.get("next")))


@ACCOUNT.post("/sign-in")
def enter() -> Any:
    """登录: to where the visitor wanted to go, or to the home of their kind."""
    username, password = request.form.get("username", "").strip(), request.form.get("password", "")
    wanted = _local(request.form.get("next"))
    if not username or not password:
        return render_template("account/sign_in.html", wanted=wanted, username=username, missing=True), 422
    try:
        sessions.sign_in(username, password)
    except Problem as problem:
        if problem.status >= 500:
            raise
        page = render_template("account/sign_in.html", wanted=wanted, username=username, problem=problem)
        return page, problem.status
    return redirect(wanted or url_for(HOMES.get(sessions.visitor().kind, "public.home")), 303)


@ACCOUNT.post("/sign-out")
def leave() -> Any:
    """退出."""
    sessions.sign_out()
    return redirect(url_for("public.home"), 303)


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
