"""The desk's blueprint, and what several of its pages need."""

from __future__ import annotations

import uuid
from typing import Any

from flask import Blueprint, request

from portal.session import OFFICER, for_kind

DESK = Blueprint("desk", __name__, url_prefix="/desk")
for_officers = for_kind(OFFICER)


def given(name: str) -> str:
    """A field of the sent form."""
    return request.form.get(name, "").replace("\r\n", "\n").strip()


def given_key() -> str:
    """The Idempotency-Key of the form that was sent."""
    return request.form.get("key") or fresh_key()


def fresh_key() -> str:
    """For a form that is made now."""
    return str(uuid.uuid4())


def shown_tasks(case: dict[str, Any]) -> list[dict[str, Any]]:
    """The open tasks of a case, the most urgent first."""
    waiting = [task for task in case["tasks"] if task["state"] == "open"]
    return sorted(waiting, key=lambda task: (task["due_on"], task["task_id"]))
