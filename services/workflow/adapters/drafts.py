"""Rows of drafts (草稿). Whose they are is a column of every statement."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from contracts.rights import Caller
from services.workflow.adapters.rights import own_drafts
from services.workflow.models import drafts

_BY_ID = sa.select(drafts).where(drafts.c.draft_id == sa.bindparam("draft_id"))


def draft_row(connection: sa.Connection, draft_id: str, caller: Caller, *, lock: bool = False) -> Any:
    """The caller's draft. Raises Refusal ``draft_unknown``: someone else's is as unknown as none."""
    own = _BY_ID.where(own_drafts(caller))
    row = connection.execute(own.with_for_update() if lock else own, {"draft_id": draft_id}).one_or_none()
    if row is None:
        raise draft_unknown(draft_id)
    return row


def draft_exists(tx: Tx, draft_id: str) -> bool:
    """Whether anyone has this draft."""
    return tx.execute(_BY_ID, {"draft_id": draft_id}).first() is not None


def delete_draft(tx: Tx, draft_id: str, owner_id: str, item_code: str) -> None:
    """Delete the owner's draft of an application for this item, if there is one."""
    d = drafts.c
    tx.execute(sa.delete(drafts).where(d.draft_id == draft_id, d.owner_id == owner_id, d.item_code == item_code))


def delete_package_draft(tx: Tx, draft_id: str, owner_id: str, package_code: str) -> None:
    """The same of an application for this package."""
    d = drafts.c
    tx.execute(sa.delete(drafts).where(d.draft_id == draft_id, d.owner_id == owner_id, d.package_code == package_code))


def discard_own_draft(tx: Tx, draft_id: str, caller: Caller) -> bool:
    """Delete the draft if it is the caller's; whether there was one."""
    return tx.execute(sa.delete(drafts).where(drafts.c.draft_id == draft_id, own_drafts(caller))).rowcount == 1


def draft_unknown(draft_id: str) -> Refusal:
    """The refusal to raise."""
    return Refusal("draft_unknown", "没有此草稿 / there is no such draft", draft_id=draft_id)
