"""起草: a department writes the next version of one of its items, for as long as it takes."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa
import uuid_utils

from chassis.db import Tx
from chassis.errors import Refusal
from contracts.rights import Caller, permits
from services.catalog import queries
from services.catalog.adapters.draft_store import draft_row, move_draft, own_drafts, record
from services.catalog.domain.codes import looks_like_item_code
from services.catalog.domain.drafting import DraftState, require_being_written
from services.catalog.models import drafts


def start_draft(tx: Tx, definition: dict[str, Any], *, why: str, caller: Caller) -> str:
    """The id of a new draft. Raises Refusal ``draft_unidentified``, ``draft_not_own`` or ``item_retired``."""
    row = _columns(definition)
    _require_own(tx, row, caller)
    draft_id = str(uuid_utils.uuid7())
    row |= {
        "draft_id": draft_id, "state": DraftState.DRAFT.value, "revision": 1, "authors": [caller.subject],
        "created_at": tx.now, "changed_at": tx.now,
    }  # fmt: skip
    tx.insert(drafts, [row])
    record(tx, row["item_code"], "drafted", by=caller.subject, why=why, draft_id=draft_id)
    return draft_id


def change_draft(tx: Tx, draft_id: str, definition: dict[str, Any], *, revision: int, caller: Caller) -> None:
    """Replace what the draft says; a repeat changes nothing. ``revision`` is the one that the writer had before them.

    Raises Refusal ``draft_not_found``, ``draft_state``, ``draft_changed``, ``draft_item_fixed``, ``draft_unidentified`` or
    ``draft_not_own``.
    """
    draft = draft_row(tx.connection, draft_id, own_drafts(caller), lock=True)
    if draft.revision == revision + 1 and draft.definition == definition:
        return
    require_being_written(draft.state)
    require_revision(draft, revision)
    row = _columns(definition)
    if row["item_code"] != draft.item_code:
        raise Refusal(
            "draft_item_fixed",
            "草稿的实施编码不得更改，请另起草稿 / a draft keeps its item code; begin another",
            item_code=draft.item_code,
        )
    _require_own(tx, row, caller)
    authors = [*draft.authors, *({caller.subject} - set(draft.authors))]
    row |= {"revision": revision + 1, "authors": authors, "changed_at": tx.now}
    tx.execute(sa.update(drafts).where(drafts.c.draft_id == draft_id).values(row))
    record(tx, draft.item_code, "changed", by=caller.subject, draft_id=draft_id)


def discard_draft(tx: Tx, draft_id: str, *, why: str, caller: Caller) -> None:
    """作废 a draft that nobody reviews. Raises Refusal ``draft_not_found`` or ``draft_state``."""
    draft = draft_row(tx.connection, draft_id, own_drafts(caller), lock=True)
    move_draft(tx, draft, DraftState.DISCARDED, by=caller.subject, why=why, action="discarded")


def require_revision(draft: Any, revision: int) -> None:
    """Raises Refusal ``draft_changed`` if somebody has changed the draft since ``revision``."""
    if draft.revision != revision:
        raise Refusal(
            "draft_changed",
            "草稿已由他人修改，请重新打开 / the draft was changed meanwhile; open it again",
            draft_id=draft.draft_id,
            revision=draft.revision,
        )


def _columns(definition: dict[str, Any]) -> dict[str, Any]:
    """What a draft is found by. Only this much has to be right while it is being written."""
    code, name, department = (definition.get(key) for key in ("item_code", "name", "lead_department"))
    fits = isinstance(name, str) and 0 < len(name) <= 200 and isinstance(department, str) and 0 < len(department) <= 64
    if not fits or not isinstance(code, str) or not looks_like_item_code(code):
        raise Refusal(
            "draft_unidentified",
            "草稿应有实施编码、名称和牵头部门 / a draft needs item code, name and lead department",
        )
    return {"item_code": code, "name": name, "department": department, "definition": definition}


def _require_own(tx: Tx, row: dict[str, Any], caller: Caller) -> None:
    """The caller's department leads the item, as the draft says and as it is published now."""
    leads = {row["department"], *queries.lead_departments(tx.connection, row["item_code"])}
    if not all(permits(caller, "catalog:write", department=department) for department in leads):
        raise Refusal(
            "draft_not_own",
            "只能起草本部门牵头的事项 / a department writes the items that it leads",
            departments=sorted(leads),
        )
    if queries.is_retired(tx.connection, row["item_code"]):
        raise Refusal("item_retired", "该事项已取消 / the item is retired", item_code=row["item_code"])
