"""A write that may be sent again: one transaction under the request's ``Idempotency-Key``."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from chassis.db import Tx
from chassis.idempotency import once
from services.catalog.models import db

IDEMPOTENCY_HEADER = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "schema": {"type": "string", "maxLength": 200},
}


def repeatable(write: Callable[[Tx], Mapping[str, Any]]) -> Any:
    """What ``write`` answers, or what it answered the first time."""
    return once(db, write)
