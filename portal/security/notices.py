"""安全提醒: what the owner of the account was told of its locks and sign-ins."""

from __future__ import annotations

from typing import Any

from flask import redirect, request, url_for

from portal.api import path
from portal.security.room import SECURITY, for_signed_in, given_key, page
from portal.session import own_api

PAGE = 20


@SECURITY.get("/notices")
@for_signed_in
def notices() -> Any:
    """安全提醒."""
    found = own_api().get(path("account", "notices"), before=request.args.get("before"), limit=PAGE)
    return page("notices", found=found, more=len(found["notices"]) == PAGE)


@SECURITY.post("/notices/<uuid:message_id>/read")
@for_signed_in
def read_notice(message_id: Any) -> Any:
    """标为已读."""
    own_api().post(path("account", "notices", str(message_id), "read"), None, key=given_key())
    return redirect(url_for("security.notices"), 303)
