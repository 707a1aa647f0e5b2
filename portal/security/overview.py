"""安全设置 on one page, and the sessions, which are ended from there."""

from __future__ import annotations

from typing import Any

from flask import session
from flask_babel import gettext as _

from portal.api import path
from portal.security.room import DONE, SECURITY, done, for_signed_in, given_key, page
from portal.session import is_limited, own_api


@SECURITY.get("")
@for_signed_in
def overview() -> Any:
    """安全设置."""
    caller = own_api()
    return page(
        "overview",
        done=session.pop(DONE, ""),
        limited=is_limited(),
        password=caller.get(path("account", "password")),
        factors=caller.get(path("account", "factors")),
        unread=caller.get(path("account", "notices"), limit=1)["unread"],
        sessions=caller.get(path("account", "sessions"))["sessions"],
    )


@SECURITY.post("/sessions/<session_id>/end")
@for_signed_in
def end_session(session_id: str) -> Any:
    """结束会话."""
    own_api().post(path("account", "sessions", session_id, "end"), {}, key=given_key())
    return done(_("会话已结束"))


@SECURITY.post("/sessions/end-others")
@for_signed_in
def end_others() -> Any:
    """结束其他会话."""
    own_api().post(path("account", "sessions", "end-others"), {}, key=given_key())
    return done(_("其他会话已结束"))
