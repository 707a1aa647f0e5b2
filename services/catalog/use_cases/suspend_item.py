"""暂停 and 恢复: no new case is opened on a suspended item; running cases go on."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from contracts.item import ItemResumed, ItemSuspended
from services.catalog.adapters.draft_store import record
from services.catalog.domain.codes import looks_like_item_code
from services.catalog.models import items
from services.catalog.queries import item_not_found


def suspend_item(tx: Tx, item_code: str, *, reason: str, by: str) -> None:
    """Raises Refusal ``item_not_found``, ``item_retired`` or ``item_suspended``."""
    row = _living_item(tx, item_code)
    if row.suspended_at is not None:
        raise Refusal("item_suspended", "该事项已暂停 / the item is suspended already", item_code=item_code)
    _note(tx, item_code, suspended_at=tx.now, suspended_reason=reason)
    record(tx, item_code, "suspended", by=by, why=reason)
    tx.tell(ItemSuspended(item_code=item_code, reason=reason))


def resume_item(tx: Tx, item_code: str, *, reason: str, by: str) -> None:
    """Raises Refusal ``item_not_found``, ``item_retired`` or ``item_not_suspended``."""
    row = _living_item(tx, item_code)
    if row.suspended_at is None:
        raise Refusal("item_not_suspended", "该事项没有暂停 / the item is not suspended", item_code=item_code)
    _note(tx, item_code, suspended_at=None, suspended_reason=None)
    record(tx, item_code, "resumed", by=by, why=reason)
    tx.tell(ItemResumed(item_code=item_code))


def _living_item(tx: Tx, item_code: str) -> sa.Row[Any]:
    mine = sa.select(items.c.retired_on, items.c.suspended_at).where(items.c.item_code == item_code)
    row = tx.execute(mine.with_for_update()).first() if looks_like_item_code(item_code) else None
    if row is None:
        raise item_not_found(item_code)
    if row.retired_on is not None:
        raise Refusal(
            "item_retired",
            f"该事项已于 {row.retired_on} 取消 / the item is retired from {row.retired_on}",
            item_code=item_code,
            retired_on=row.retired_on.isoformat(),
        )
    return row


def _note(tx: Tx, item_code: str, **columns: Any) -> None:
    tx.execute(sa.update(items).where(items.c.item_code == item_code).values(columns))
