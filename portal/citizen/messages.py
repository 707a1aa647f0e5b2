"""消息: what the platform has told the visitor, and how they want to be told. Officers have an inbox, too: their department's."""

from __future__ import annotations

import uuid
from typing import Any

from flask import redirect, render_template, request, url_for

from portal.api import Problem, path
from portal.citizen.room import CITIZEN, for_citizens
from portal.session import OFFICER, PERSON, api, for_kind
from portal.words import refusal

for_readers = for_kind(PERSON, OFFICER)
PAGE = 20


@CITIZEN.get("/messages")
@for_readers
def messages() -> Any:
    """消息."""
    page = api().get(path("messages"), before=request.args.get("before"), limit=PAGE)
    return render_template(
        "citizen/messages.html", page=page, more=len(page["messages"]) == PAGE, key=str(uuid.uuid4())
    )


@CITIZEN.get("/messages/unread")
@for_readers
def unread() -> Any:
    """The link in the header with how many wait. It comes after the page, which need not wait for it."""
    try:
        count = api().get(path("messages"), limit=1)["unread"]
    except Problem:
        count = 0
    return render_template("citizen/_unread.html", count=count)


@CITIZEN.post("/messages/<uuid:message_id>/read")
@for_readers
def read(message_id: Any) -> Any:
    """标为已读."""
    api().post(path("messages", str(message_id), "read"), None, key=request.form.get("key") or str(uuid.uuid4()))
    return redirect(url_for("citizen.messages"), 303)


@CITIZEN.get("/messages/preferences")
@for_citizens
def message_preferences() -> Any:
    """消息偏好."""
    return _preferences_page(api().get(path("message-preferences")), {})


@CITIZEN.post("/messages/preferences")
@for_citizens
def choose_messages() -> Any:
    """保存消息偏好."""
    known, form = api().get(path("message-preferences")), request.form
    switches = [f"{kind}.{channel}" for kind in known["kinds"] for channel in known["channels"]]
    chosen = {
        "language": form.get("language", "zh"),
        "off": [switch for switch in switches if switch not in form.getlist("on")],
        "quiet_from": form.get("quiet_from") or None,
        "quiet_until": form.get("quiet_until") or None,
    }
    try:
        api().put(path("message-preferences"), chosen)
    except Problem as problem:
        if problem.status != 422:
            raise
        field = "quiet_from" if problem.code == "message_choice_invalid" else "channels"
        return _preferences_page(known | chosen, {field: refusal(problem)}), 422
    return redirect(url_for("citizen.message_preferences", saved=1), 303)


def _preferences_page(chosen: dict[str, Any], errors: dict[str, str]) -> str:
    return render_template(
        "citizen/message_preferences.html", chosen=chosen, errors=errors, saved=bool(request.args.get("saved"))
    )
