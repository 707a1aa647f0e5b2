"""通行密钥: a name and the password, then the browser asks the device; renamed and removed."""

from __future__ import annotations

from typing import Any

import msgspec
from flask import request
from flask_babel import gettext as _

from portal.api import Problem, path
from portal.security.room import SECURITY, done, errors_of, for_signed_in, given_key, missing, page
from portal.session import own_api

LONGEST_NAME = 100


@SECURITY.get("/passkeys/new")
@for_signed_in
def new_passkey() -> Any:
    """Name and password."""
    return page("passkey_new")


@SECURITY.post("/passkeys/new")
@for_signed_in
def ask_device() -> Any:
    """The options, for the script of the page to hand to the browser."""
    name = request.form.get("name", "").strip()[:LONGEST_NAME]
    if errors := missing("name", "password"):
        return page("passkey_new", errors, name=name)
    try:
        body = {"password": request.form["password"]}
        options = own_api().call("POST", path("account", "passkeys", "options"), json=body).json()["options"]
    except Problem as problem:
        return page("passkey_new", errors_of(problem), name=name)
    return page("passkey_device", options=msgspec.json.encode(options).decode(), name=name)


@SECURITY.post("/passkeys")
@for_signed_in
def register_passkey() -> Any:
    """What the browser made."""
    try:
        credential = msgspec.json.decode(request.form.get("credential", ""), type=dict[str, Any])
    except msgspec.DecodeError:
        return page("passkey_new", {"name": _("设备没有完成登记，请重试")})
    body = {"name": request.form.get("name", "").strip()[:LONGEST_NAME], "credential": credential}
    own_api().post(path("account", "passkeys"), body, key=given_key())
    return done(_("通行密钥已登记"))


@SECURITY.get("/passkeys/<passkey_id>")
@for_signed_in
def passkey(passkey_id: str) -> Any:
    """One passkey: another name, or away with it."""
    return _page(passkey_id)


@SECURITY.post("/passkeys/<passkey_id>")
@for_signed_in
def rename_passkey(passkey_id: str) -> Any:
    """重命名."""
    if errors := missing("name"):
        return _page(passkey_id, errors)
    own_api().put(path("account", "passkeys", passkey_id), {"name": request.form["name"].strip()[:LONGEST_NAME]})
    return done(_("通行密钥已重命名"))


@SECURITY.post("/passkeys/<passkey_id>/removal")
@for_signed_in
def remove_passkey(passkey_id: str) -> Any:
    """移除."""
    if errors := missing("password"):
        return _page(passkey_id, errors)
    try:
        body = {"password": request.form["password"]}
        own_api().post(path("account", "passkeys", passkey_id, "removal"), body, key=given_key())
    except Problem as problem:
        return _page(passkey_id, errors_of(problem))
    return done(_("通行密钥已移除"))


def _page(passkey_id: str, errors: dict[str, str] | None = None) -> Any:
    known = own_api().get(path("account", "factors"))["passkeys"]
    found = next((one for one in known if one["passkey_id"] == passkey_id), None)
    if found is None:
        raise Problem(404, "not_found", "", {})
    return page("passkey", errors, passkey=found)
