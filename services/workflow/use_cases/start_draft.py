"""起草: begin an application that is saved while it is being written."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
import uuid_utils

from chassis.db import Tx
from chassis.errors import Refusal
from services.workflow.adapters.items import item_in_force
from services.workflow.adapters.packages import package_in_force
from services.workflow.domain.application import require_version
from services.workflow.domain.deadline import law_date
from services.workflow.models import drafts

MOST = 50


def start_draft(tx: Tx, *, owner_id: str, item_code: str, item_version: int | None) -> str:
    """Begin an empty draft; returns its id. Raises Refusal ``too_many_drafts``, or like ``submit_case`` for the item."""
    item = item_in_force(tx.connection, item_code, law_date(tx.now))
    require_version(item, item_version)
    return _start(tx, owner_id, item_code=item.item_code, item_version=item.version, package_code=None)


def start_package_draft(tx: Tx, *, owner_id: str, package_code: str) -> str:
    """The same for a package (一件事). Raises Refusal ``too_many_drafts`` or ``package_unknown``."""
    package = package_in_force(tx.connection, package_code, law_date(tx.now))
    return _start(tx, owner_id, item_code="", item_version=package.version, package_code=package.package_code)


def _start(tx: Tx, owner_id: str, **of: str | int | None) -> str:
    _require_room(tx, owner_id)
    draft_id = str(uuid_utils.uuid7())
    row: dict[str, Any] = {
        "draft_id": draft_id,
        "owner_id": owner_id,
        "form": {},
        "materials": {},
        "choices": {},
        "step": "",
        "created_at": tx.now,
        "updated_at": tx.now,
        "version": 1,
        **of,
    }
    tx.insert(drafts, [row])
    return draft_id


def _require_room(tx: Tx, owner_id: str) -> None:
    d = drafts.c
    own = sa.select(d.draft_id).where(d.owner_id == owner_id)
    tx.execute(
        own.order_by(d.draft_id).with_for_update()
    ).fetchall()  # two that start at once count one after the other
    if len(tx.execute(own).fetchall()) >= MOST:
        raise Refusal(
            "too_many_drafts", f"草稿最多 {MOST} 份，请先删除 / at most {MOST} drafts; delete one first", most=MOST
        )
