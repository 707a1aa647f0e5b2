"""Reads of packages (一件事) and of the items that they are made of."""

from __future__ import annotations

from collections.abc import Collection
from datetime import date
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from chassis.errors import Refusal
from contracts.item import Item
from services.catalog.adapters.definition_document import definition_of
from services.catalog.domain.definition import to_item
from services.catalog.models import item_versions, items, package_versions
from services.catalog.queries import current_version, state_on


def items_on(connection: Connection, day: date, codes: Collection[str]) -> dict[str, Item]:
    """Those of the items that are in force on ``day`` and not retired by then, by code."""
    v = item_versions.c
    query = (
        sa.select(v.item_code, v.version, v.definition)
        .join(items, items.c.item_code == v.item_code)
        .where(v.item_code.in_(sorted(codes)), v.version == current_version(day))
        .where(sa.or_(items.c.retired_on.is_(None), items.c.retired_on > day))
    )
    rows = connection.execute(query).all()
    return {row.item_code: to_item(definition_of(row.definition), row.version) for row in rows}


def parts_shown(connection: Connection, day: date, codes: Collection[str]) -> dict[str, Row[Any]]:
    """What a guide says of the items that make up a package, by code."""
    v = item_versions.c
    query = (
        sa.select(
            v.item_code, v.version, v.name, v.name_en, v.lead_department, v.definition, state_on(day).label("state")
        )
        .join(items, items.c.item_code == v.item_code)
        .where(v.item_code.in_(sorted(codes)), v.version == current_version(day))
    )
    return {row.item_code: row for row in connection.execute(query)}


def latest_package(connection: Connection, package_code: str) -> Row[Any] | None:
    """The newest version."""
    p = package_versions.c
    query = sa.select(package_versions).where(p.package_code == package_code).order_by(p.version.desc())
    return connection.execute(query.limit(1)).first()


def is_published(connection: Connection, package_code: str, definition: dict[str, Any]) -> bool:
    """True if some version says exactly this."""
    p = package_versions.c
    said = connection.execute(sa.select(p.definition).where(p.package_code == package_code)).scalars()
    return any(one == definition for one in said)


def package_codes(connection: Connection, today: date) -> list[str]:
    """Packages of which some version is in force, in order."""
    p = package_versions.c
    query = sa.select(p.package_code).where(p.effective_from <= today).distinct().order_by(p.package_code)
    return list(connection.execute(query).scalars())


def packages_in_force(connection: Connection, today: date) -> list[Row[Any]]:
    """The current version of each, by code."""
    p = package_versions.c
    query = sa.select(package_versions).where(p.version == _current(today)).order_by(p.package_code)
    return list(connection.execute(query))


def current_package(connection: Connection, today: date, package_code: str) -> Row[Any]:
    """The version in force. Raises Refusal ``package_not_found``."""
    p = package_versions.c
    query = sa.select(package_versions).where(p.package_code == package_code, p.version == _current(today))
    row = connection.execute(query).first()
    if row is None:
        raise Refusal("package_not_found", "没有这个一件事 / there is no such package", package_code=package_code)
    return row


def _current(today: date) -> sa.ScalarSelect[int]:
    other = package_versions.alias("other")
    return (
        sa.select(sa.func.max(other.c.version))
        .where(other.c.package_code == package_versions.c.package_code, other.c.effective_from <= today)
        .correlate(package_versions)
        .scalar_subquery()
    )
