"""The service's own copy of published items. A version never changes, so it is decoded once per process."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import date, datetime
from weakref import WeakKeyDictionary

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from chassis.among import among
from chassis.db import Tx
from chassis.errors import Refusal
from contracts.item import Item
from services.workflow.models import db, items, retirements, suspensions

_decoder = msgspec.json.Decoder(Item)
_decoded: WeakKeyDictionary[sa.Engine, dict[tuple[str, int], Item]] = WeakKeyDictionary()

ItemKey = tuple[str, int]

_VERSIONS_OF = sa.select(items).where(among(items.c.item_code, "codes"))

_NEWEST = (
    sa.select(items.c.version, retirements.c.retired_on, suspensions.c.suspended, suspensions.c.reason)
    .select_from(
        items.outerjoin(retirements, retirements.c.item_code == items.c.item_code).outerjoin(
            suspensions, suspensions.c.item_code == items.c.item_code
        )
    )
    .where(items.c.item_code == sa.bindparam("item_code"), items.c.effective_from <= sa.bindparam("today"))
    .order_by(items.c.version.desc())
    .limit(1)
)


def items_of(connection: sa.Connection, keys: Iterable[ItemKey]) -> dict[ItemKey, Item]:
    """Items by code and version."""
    cache = _decoded.setdefault(db.engine, {})
    wanted = set(keys)
    if missing := wanted - cache.keys():
        found = connection.execute(_VERSIONS_OF, {"codes": sorted({code for code, _ in missing})})
        read = {(row.item_code, row.version): row.definition for row in found}
        cache.update({key: _decoder.decode(read[key]) for key in missing})
    return {key: cache[key] for key in wanted}


def item_in_force(connection: sa.Connection, item_code: str, today: date) -> Item:
    """The newest version in force on ``today``. Raises Refusal ``item_unknown``, ``item_retired`` or ``item_suspended``."""
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
    if row.suspended:
        raise Refusal(
            "item_suspended", "该事项暂停受理 / the item is suspended", item_code=item_code, reason=row.reason
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


def suspend_item(tx: Tx, item_code: str, *, suspended: bool, reason: str, told_at: datetime) -> None:
    """Store a suspension or its end; of news in whatever order, the latest counts."""
    insert = (postgresql.insert if db.is_postgresql else sqlite.insert)(suspensions)
    news = insert.excluded
    statement = insert.on_conflict_do_update(
        index_elements=[suspensions.c.item_code],
        set_={"suspended": news.suspended, "reason": news.reason, "told_at": news.told_at},
        where=news.told_at > suspensions.c.told_at,
    )
    row = {"item_code": item_code, "suspended": suspended, "reason": reason, "told_at": told_at}
    tx.execute(statement, row)
