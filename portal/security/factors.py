"""动态口令与恢复码: what is shown once, and the password before each change."""

from __future__ import annotations

from typing import Any

from flask import request
from flask_babel import gettext as _

from portal.api import Problem, path
from portal.security.room import SECURITY, done, errors_of, for_signed_in, given_key, missing, page
from portal.session import own_api


@SECURITY.get("/totp")
@for_signed_in
def totp() -> Any:
    """The password first."""
    return page("totp")


@SECURITY.post("/totp")
@for_signed_in
def begin_totp() -> Any:
    """A secret as a picture, which is not kept anywhere: whoever reloads begins anew."""
    if errors := missing("password"):
        return page("totp", errors)
    try:
        secret = own_api().put(path("account", "totp"), {"password": request.form["password"]})
    except Problem as problem:
        return page("totp", errors_of(problem))
    return page("totp_code", secret=secret)


@SECURITY.post("/totp/code")
@for_signed_in
def confirm_totp() -> Any:
    """The first code."""
    if errors := missing("code"):
        return page("totp_code", errors)
    try:
        body = {"code": request.form["code"]}
        own_api().post(path("account", "totp", "confirmation"), body, key=given_key())
    except Problem as problem:
        [text] = errors_of(problem).values()
        return page("totp_code", {"code": text})
    return done(_("动态口令已启用"))


@SECURITY.get("/totp/removal")
@for_signed_in
def totp_removal() -> Any:
    """What it means, and the password."""
    return page("totp_removal")


@SECURITY.post("/totp/removal")
@for_signed_in
def remove_totp() -> Any:
    """移除动态口令."""
    if errors := missing("password"):
        return page("totp_removal", errors)
    try:
        own_api().post(path("account", "totp", "removal"), {"password": request.form["password"]}, key=given_key())
    except Problem as problem:
        return page("totp_removal", errors_of(problem))
    return done(_("动态口令已移除"))


@SECURITY.get("/recovery-codes")
@for_signed_in
def recovery_codes() -> Any:
    """What they are for, and the password."""
    return page("recovery_codes", codes=())


@SECURITY.post("/recovery-codes")
@for_signed_in
def make_recovery_codes() -> Any:
    """Ten codes, shown once."""
    if errors := missing("password"):
        return page("recovery_codes", errors, codes=())
    try:
        made = own_api().put(path("account", "recovery-codes"), {"password": request.form["password"]})
    except Problem as problem:
        return page("recovery_codes", errors_of(problem), codes=())
    return page("recovery_codes", codes=made["codes"])
