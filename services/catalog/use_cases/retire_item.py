"""Retire an item (取消)."""

from __future__ import annotations

from datetime import date

import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from contracts.item import ItemRetired
from services.catalog.adapters.draft_store import record
from services.catalog.domain.codes import looks_like_item_code
from services.catalog.models import item_versions, items
from services.catalog.queries import item_not_found


def retire_item(tx: Tx, item_code: str, *, retired_on: date, reason: str, by: str) -> None:
    """No new case from ``retired_on`` (Asia/Shanghai) on; running cases go on.

    Raises Refusal ``item_not_found``, ``item_retired`` or ``retirement_before_effect``.
    """
    mine = items.c.item_code == item_code
    row = (
        tx.execute(sa.select(items.c.retired_on).where(mine).with_for_update()).first()
        if looks_like_item_code(item_code)
        else None
    )
    if row is None:
        raise item_not_found(item_code)
    if row.retired_on is not None:
        raise Refusal(
            "item_retired",
            f"该事项已于 {row.retired_on} 取消 / the item is retired from {row.retired_on}",
            item_code=item_code,
            retired_on=row.retired_on.isoformat(),
        )
    begins = tx.execute(
        sa.select(sa.func.min(item_versions.c.effective_from)).where(item_versions.c.item_code == item_code)
    ).scalar_one()
    if retired_on < begins:
        raise Refusal(
            "retirement_before_effect",
            f"取消日期不得早于生效日期 {begins} / an item cannot end before it begins ({begins})",
            effective_from=begins.isoformat(),
        )
    tx.execute(sa.update(items).where(mine).values(retired_on=retired_on, retired_reason=reason))
    record(tx, item_code, "retired", by=by, why=reason)
    tx.tell(ItemRetired(item_code=item_code, retired_on=retired_on, reason=reason))
