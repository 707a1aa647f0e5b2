"""The whole catalogue, page after page, for those who take it away."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from chassis.db import Database
from services.catalog.models import item_versions, items
from services.catalog.queries import IN_FORCE, current_version, state_on

AT_ONCE = 100


def every_item(database: Database, today: date) -> Iterator[Row[Any]]:
    """The current version of each item, retired ones too, by code. A page is read at a time: whoever takes it slowly holds no
    connection.
    """
    after = ""
    while True:
        with database.read() as connection:
            page = connection.execute(_page(today, after)).all()
        yield from page
        if len(page) < AT_ONCE:
            return
        after = page[-1].item_code


def edition(connection: Connection, today: date) -> str:
    """Changes whenever what ``every_item`` gives does."""
    v = item_versions.c
    counted = sa.select(sa.func.count(), sa.func.max(v.published_at), sa.func.count(sa.distinct(v.item_code))).where(
        v.effective_from <= today
    )
    state = state_on(today)
    out = sa.select(items.c.item_code, state.label("state")).where(state != IN_FORCE).order_by(items.c.item_code)
    facts = [*connection.execute(counted).one(), *map(tuple, connection.execute(out))]
    return hashlib.sha256(repr(facts).encode()).hexdigest()[:32]


def _page(today: date, after: str) -> sa.Select[Any]:
    v = item_versions.c
    return (
        sa.select(
            v.item_code, v.version, v.definition, v.published_at, v.content_hash, items.c.retired_on, items.c.retired_reason,
            state_on(today).label("state"),
        )
        .join(items, items.c.item_code == v.item_code)
        .where(v.version == current_version(today), v.item_code > after)
        .order_by(v.item_code)
        .limit(AT_ONCE)
    )  # fmt: skip
