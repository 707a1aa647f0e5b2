"""Reads of versions: an item's list of them, what former codes stand for, whose results a material is, planned ends."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from services.catalog.domain.codes import looks_like_item_code
from services.catalog.models import former_codes, history, item_versions, items
from services.catalog.queries import current_version, item_not_found


def versions_of(connection: Connection, item_code: str) -> list[Row[Any]]:
    """Every version, the newest first. Raises Refusal ``item_not_found``."""
    v = item_versions.c
    query = sa.select(v.version, v.effective_from, v.cancel_on, v.published_at, v.content_hash, v.name, v.name_en)
    rows = list[Row[Any]](connection.execute(query.where(v.item_code == item_code).order_by(v.version.desc())))
    if not rows or not looks_like_item_code(item_code):
        raise item_not_found(item_code)
    return rows


def history_of(connection: Connection, item_code: str) -> list[Row[Any]]:
    """Who did what to the item and its drafts, when and why; the latest first."""
    query = sa.select(history).where(history.c.item_code == item_code).order_by(history.c.position.desc())
    return list(connection.execute(query.limit(500)))


def history_of_draft(connection: Connection, draft_id: str, item_code: str) -> list[Row[Any]]:
    """The same for one draft."""
    mine = (history.c.item_code == item_code, history.c.draft_id == draft_id)
    return list(connection.execute(sa.select(history).where(*mine).order_by(history.c.position.desc())))


def basic_code_of(connection: Connection, former_code: str) -> str | None:
    """Today's basic code for one of the 2016 generation, None if nobody has named it."""
    query = sa.select(former_codes.c.basic_code).where(former_codes.c.former_code == former_code)
    return connection.execute(query).scalar()


def results_named(
    connection: Connection, today: date, types: Collection[str], names: Collection[str]
) -> list[Row[Any]]:
    """Items in force whose result is of one of the licence ``types`` or has one of the ``names``: code, name, type, result."""
    v = item_versions.c
    if not types and not names:
        return []
    query = (
        sa.select(v.item_code, v.name, v.name_en, v.result_type, v.result_name)
        .join(items, items.c.item_code == v.item_code)
        .where(v.version == current_version(today), sa.or_(items.c.retired_on.is_(None), items.c.retired_on > today))
        .where(sa.or_(v.result_type.in_(sorted(types)), v.result_name.in_(sorted(names))))
        .order_by(v.item_code)
    )
    return list(connection.execute(query.limit(200)))


def due_cancellations(connection: Connection, today: date, most: int) -> list[tuple[str, date]]:
    """Items that end today or should have, and are not retired: code and planned date. They are locked."""
    v = item_versions.c
    query = (
        sa.select(v.item_code, v.cancel_on)
        .join(items, items.c.item_code == v.item_code)
        .where(v.version == current_version(today), v.cancel_on <= today, items.c.retired_on.is_(None))
        .order_by(v.item_code)
        .limit(most)
        .with_for_update(of=items, skip_locked=True)
    )
    return [(row.item_code, row.cancel_on) for row in connection.execute(query)]
