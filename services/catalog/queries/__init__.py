"""Reads: items in force, their guides, and what a publication must know of what is there."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from chassis.errors import Refusal
from services.catalog.domain.codes import looks_like_item_code
from services.catalog.models import departments, item_versions, items

State = Literal["in_force", "suspended", "retired"]
IN_FORCE: State = "in_force"
SUSPENDED: State = "suspended"
RETIRED: State = "retired"


@dataclass(frozen=True, kw_only=True)
class ItemFilter:
    """What a list asks for; empty text means anything. ``after`` is the last item code of the page before."""

    words: str = ""
    item_type: str = ""
    lead_department: str = ""
    person_topic: str = ""
    organisation_topic: str = ""
    state: str = IN_FORCE
    after: str = ""
    page_size: int = 50


@dataclass(frozen=True, kw_only=True)
class Guide:
    """A version with the state of its item. ``definition`` is the stored document."""

    item_code: str
    version: int
    state: State
    retired_on: date | None
    retired_reason: str | None
    suspended_reason: str | None
    content_hash: str
    published_at: Any
    definition: dict[str, Any]

    @property
    def etag(self) -> str:
        """Changes with the words and with the state."""
        return f"{self.version}-{self.state}-{self.content_hash}"


def find_items(connection: Connection, today: date, wanted: ItemFilter) -> list[Row[Any]]:
    """The current version of each item that fits, by item code; at most one more than the page, to tell that it goes on."""
    v = item_versions.c
    query = (
        sa.select(
            v.item_code, items.c.basic_code, v.version, v.name, v.name_en, v.item_type, v.lead_department,
            v.person_topics, v.organisation_topics, v.effective_from, items.c.retired_on, state_on(today).label("state"),
        )
        .join(items, items.c.item_code == v.item_code)
        .where(v.version == current_version(today))
        .order_by(v.item_code)
        .limit(wanted.page_size + 1)
    )  # fmt: skip
    if wanted.state:
        query = query.where(state_on(today) == wanted.state)
    if wanted.item_type:
        query = query.where(v.item_type == wanted.item_type)
    if wanted.lead_department:
        query = query.where(v.lead_department == wanted.lead_department)
    for topics, topic in ((v.person_topics, wanted.person_topic), (v.organisation_topics, wanted.organisation_topic)):
        if topic:
            query = query.where(sa.cast(topics, sa.String).contains(f'"{topic}"'))
    if wanted.after:
        query = query.where(v.item_code > wanted.after)
    if wanted.words:
        columns = (v.name, v.name_en, v.item_code)
        query = query.where(sa.or_(*(c.icontains(wanted.words, autoescape=True) for c in columns)))
    return list(connection.execute(query))


def current_guide(connection: Connection, today: date, item_code: str) -> Guide:
    """The version in force. Raises Refusal ``item_not_found``, or ``item_not_yet_in_force``."""
    row = _guide_row(connection, today, item_code, item_versions.c.version == current_version(today))
    if row is not None:
        return row
    known = sa.select(sa.func.min(item_versions.c.effective_from)).where(item_versions.c.item_code == item_code)
    begins = connection.execute(known).scalar_one() if looks_like_item_code(item_code) else None
    if begins is None:
        raise item_not_found(item_code)
    raise Refusal(
        "item_not_yet_in_force",
        f"该事项自 {begins} 起实施 / the item is in force from {begins}",
        item_code=item_code,
        effective_from=begins.isoformat(),
    )


def version_guide(connection: Connection, today: date, item_code: str, version: int) -> Guide:
    """One version, whether in force or not. Raises Refusal ``item_not_found`` or ``version_not_found``."""
    found = _guide_row(connection, today, item_code, item_versions.c.version == version)
    if found is not None:
        return found
    known = sa.select(items.c.item_code).where(items.c.item_code == item_code)
    if not looks_like_item_code(item_code) or connection.execute(known).first() is None:
        raise item_not_found(item_code)
    raise Refusal(
        "version_not_found",
        f"该事项没有第{version}版 / the item has no version {version}",
        item_code=item_code,
        version=version,
    )


def known_departments(connection: Connection, codes: frozenset[str]) -> frozenset[str]:
    """Those of ``codes`` that are registered."""
    query = sa.select(departments.c.code).where(departments.c.code.in_(codes))
    return frozenset(connection.execute(query).scalars())


def latest_version(connection: Connection, item_code: str) -> Any | None:
    """Version, content hash and effective date of the newest version."""
    v = item_versions.c
    query = sa.select(v.version, v.content_hash, v.effective_from).where(v.item_code == item_code)
    return connection.execute(query.order_by(v.version.desc()).limit(1)).first()


def has_content(connection: Connection, item_code: str, content_hash: str) -> bool:
    """True if some version of the item says exactly this."""
    v = item_versions.c
    query = sa.select(v.version).where(v.item_code == item_code, v.content_hash == content_hash)
    return connection.execute(query).first() is not None


def lead_departments(connection: Connection, item_code: str) -> frozenset[str]:
    """The department that leads the newest version of the item; none if there is no such item."""
    v = item_versions.c
    newest = sa.select(v.lead_department).where(v.item_code == item_code).order_by(v.version.desc()).limit(1)
    return frozenset(connection.execute(newest).scalars())


def is_retired(connection: Connection, item_code: str) -> bool:
    """True if the item's end is recorded, be it today or to come."""
    query = sa.select(items.c.retired_on).where(items.c.item_code == item_code)
    return connection.execute(query).scalar() is not None


def item_not_found(item_code: str) -> Refusal:
    """No item has this code."""
    return Refusal("item_not_found", "没有这个事项 / there is no such item", item_code=item_code)


def _guide_row(connection: Connection, today: date, item_code: str, which: sa.ColumnElement[bool]) -> Guide | None:
    if not looks_like_item_code(item_code):
        return None
    v = item_versions.c
    query = (
        sa.select(
            v.item_code, v.version, state_on(today).label("state"), items.c.retired_on, items.c.retired_reason,
            items.c.suspended_reason, v.content_hash, v.published_at, v.definition,
        )
        .join(items, items.c.item_code == v.item_code)
        .where(v.item_code == item_code, which)
    )  # fmt: skip
    row = connection.execute(query).first()
    return None if row is None else Guide(**row._mapping)


def current_version(today: date) -> sa.ScalarSelect[int]:
    """Of the item of the query around it. Versions come in the order of their dates: the newest that has begun is in force."""
    other = item_versions.alias("other")
    return (
        sa.select(sa.func.max(other.c.version))
        .where(other.c.item_code == item_versions.c.item_code, other.c.effective_from <= today)
        .correlate(item_versions)
        .scalar_subquery()
    )


def state_on(today: date) -> sa.ColumnElement[str]:
    """Of the joined item."""
    return sa.case(
        (items.c.retired_on <= today, RETIRED), (items.c.suspended_at.is_not(None), SUSPENDED), else_=IN_FORCE
    )
