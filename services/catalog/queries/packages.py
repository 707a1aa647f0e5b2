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
from services.catalog.models import item_versions, items, package_versions, packages
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


def is_package_retired(connection: Connection, package_code: str) -> bool:
    """True if the package's end is recorded, be it today or to come."""
    query = sa.select(packages.c.retired_on).where(packages.c.package_code == package_code)
    return connection.execute(query).scalar() is not None


def is_published(connection: Connection, package_code: str, definition: dict[str, Any]) -> bool:
    """True if some version says exactly this."""
    p = package_versions.c
    said = connection.execute(sa.select(p.definition).where(p.package_code == package_code)).scalars()
    return any(one == definition for one in said)


def package_codes(connection: Connection, today: date) -> list[str]:
    """Packages of which some version is in force and that have not ended, in order."""
    p = package_versions.c
    query = sa.select(p.package_code).join(packages, packages.c.package_code == p.package_code)
    alive = query.where(p.effective_from <= today, ~_retired(today)).distinct().order_by(p.package_code)
    return list(connection.execute(alive).scalars())


def packages_in_force(connection: Connection, today: date) -> list[Row[Any]]:
    """The current version of each that is not retired, by code."""
    p = package_versions.c
    query = _WITH_END.where(p.version == _current(today), ~_retired(today)).order_by(p.package_code)
    return list(connection.execute(query))


def current_package(connection: Connection, today: date, package_code: str) -> Row[Any]:
    """The version in force, with the package's end if it is retired. Raises Refusal ``package_not_found``."""
    p = package_versions.c
    row = connection.execute(_WITH_END.where(p.package_code == package_code, p.version == _current(today))).first()
    if row is None:
        raise package_not_found(package_code)
    return row


def package_not_found(package_code: str) -> Refusal:
    """No package has this code."""
    return Refusal("package_not_found", "没有这个一件事 / there is no such package", package_code=package_code)


def package_retired(package_code: str, retired_on: date) -> Refusal:
    """What has an end gets no other, and no further version."""
    return Refusal(
        "package_retired",
        f"该一件事已于 {retired_on} 取消 / the package is retired from {retired_on}",
        package_code=package_code,
        retired_on=retired_on.isoformat(),
    )


_WITH_END = sa.select(package_versions, packages.c.retired_on, packages.c.retired_reason).join(
    packages, packages.c.package_code == package_versions.c.package_code
)


def _retired(today: date) -> sa.ColumnElement[bool]:
    return sa.and_(packages.c.retired_on.is_not(None), packages.c.retired_on <= today)


def _current(today: date) -> sa.ScalarSelect[int]:
    other = package_versions.alias("other")
    return (
        sa.select(sa.func.max(other.c.version))
        .where(other.c.package_code == package_versions.c.package_code, other.c.effective_from <= today)
        .correlate(package_versions)
        .scalar_subquery()
    )
