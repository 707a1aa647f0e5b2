"""The service's own copy of published items. A version never changes, so it is decoded once per process."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date
from weakref import WeakKeyDictionary

import msgspec
import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from contracts.item import Item
from services.workflow.models import db, items, retirements

_decoder = msgspec.json.Decoder(Item)
_decoded: WeakKeyDictionary[sa.Engine, dict[tuple[str, int], Item]] = WeakKeyDictionary()

ItemKey = tuple[str, int]

_NEWEST = (
    sa.select(items.c.version, retirements.c.retired_on)
    .select_from(items.outerjoin(retirements, retirements.c.item_code == items.c.item_code))
    .where(items.c.item_code == sa.bindparam("item_code"), items.c.effective_from <= sa.bindparam("today"))
    .order_by(items.c.version.desc())
    .limit(1)
)


def items_of(connection: sa.Connection, keys: Iterable[ItemKey]) -> dict[ItemKey, Item]:
    """Items by code and version."""
    cache = _decoded.setdefault(db.engine, {})
    wanted = set(keys)
    for code, version in wanted - cache.keys():
        statement = sa.select(items.c.definition).where(items.c.item_code == code, items.c.version == version)
        cache[code, version] = _decoder.decode(connection.execute(statement).scalar_one())
    return {key: cache[key] for key in wanted}


def item_in_force(connection: sa.Connection, item_code: str, today: date) -> Item:
    """The newest version in force on ``today``. Raises Refusal ``item_unknown`` or ``item_retired``."""
    row = connection.execute(_NEWEST, {"item_code": item_code, "today": today}).one_or_none()
    if row is None:
        raise Refusal("item_unknown", "没有此事项 / there is no such item", item_code=item_code)
    if row.retired_on is not None and row.retired_on <= today:
        raise Refusal(
            "item_retired",
            "该事项已取消，不再受理 / the item is retired",
            item_code=item_code,
            retired_on=row.retired_on.isoformat(),
        )
    return items_of(connection, [(item_code, row.version)])[item_code, row.version]


def keep_item(tx: Tx, item: Item, effective_from: date) -> None:
    """Store a published version; a repeat changes nothing."""
    row = {
        "item_code": item.item_code,
        "version": item.version,
        "effective_from": effective_from,
        "definition": msgspec.json.encode(item),
    }
    tx.insert_new(items, [row], [items.c.version])


def retire_item(tx: Tx, item_code: str, retired_on: date, reason: str) -> None:
    """Store a retirement; a repeat changes nothing."""
    row = {"item_code": item_code, "retired_on": retired_on, "reason": reason}
    tx.insert_new(retirements, [row], [retirements.c.item_code])
