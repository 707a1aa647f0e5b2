"""Reads of the information-sharing catalogue: resources, applications for them, and what was used."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from sqlalchemy.engine import Connection, Row

from chassis.errors import Refusal
from services.catalog.domain.codes import looks_like_item_code
from services.catalog.domain.sharing import CODE
from services.catalog.models import item_versions, shared_resources, sharing_applications, sharing_uses

Fits = sa.ColumnElement[bool]


@dataclass(frozen=True, kw_only=True)
class ResourceFilter:
    """What a list asks for; empty text means anything. ``after`` is the last code of the page before."""

    words: str = ""
    provider: str = ""
    sharing_type: str = ""
    after: str = ""
    page_size: int = 50


def find_resources(connection: Connection, wanted: ResourceFilter) -> list[Row[Any]]:
    """What stands in the catalogue, by code; at most one more than the page."""
    r = shared_resources.c
    query = sa.select(shared_resources).where(r.withdrawn_at.is_(None)).order_by(r.resource_code)
    for column, value in ((r.provider, wanted.provider), (r.sharing_type, wanted.sharing_type)):
        if value:
            query = query.where(column == value)
    if wanted.words:
        query = query.where(sa.or_(*(c.icontains(wanted.words, autoescape=True) for c in (r.name, r.resource_code))))
    if wanted.after:
        query = query.where(r.resource_code > wanted.after)
    return list(connection.execute(query.limit(wanted.page_size + 1)))


def resource(connection: Connection, resource_code: str) -> Row[Any]:
    """One resource, withdrawn or not. Raises Refusal ``resource_not_found``."""
    wanted = sa.select(shared_resources).where(shared_resources.c.resource_code == resource_code)
    found = connection.execute(wanted).first() if CODE.fullmatch(resource_code) else None
    if found is None:
        raise resource_not_found(resource_code)
    return found


def find_applications(connection: Connection, mine: Fits, *, state: str, before: str, most: int) -> list[Row[Any]]:
    """Newest first; at most one more than ``most``. Their ids are in the order of time."""
    a = sharing_applications.c
    query = sa.select(sharing_applications).where(mine).order_by(a.application_id.desc()).limit(most + 1)
    if state:
        query = query.where(a.state == state)
    if before:
        query = query.where(a.application_id < before)
    return list(connection.execute(query))


def application(connection: Connection, application_id: str, mine: Fits, *, for_update: bool = False) -> Row[Any]:
    """One application that the caller may see. Raises Refusal ``application_not_found``."""
    wanted = sa.select(sharing_applications).where(sharing_applications.c.application_id == application_id, mine)
    found = connection.execute(wanted.with_for_update() if for_update else wanted).first()
    if found is None:
        raise Refusal("application_not_found", "没有这份共享申请 / there is no such application")
    return found


def uses_of(connection: Connection, application_id: str, most: int) -> list[Row[Any]]:
    """What was used under a grant, newest first."""
    u = sharing_uses.c
    wanted = sa.select(sharing_uses).where(u.application_id == application_id)
    return list(connection.execute(wanted.order_by(u.use_id.desc()).limit(most)))


def newest_definition(connection: Connection, item_code: str) -> dict[str, Any] | None:
    """The newest version's document; None when there is no such item."""
    if not looks_like_item_code(item_code):
        return None
    v = item_versions.c
    wanted = sa.select(v.definition).where(v.item_code == item_code).order_by(v.version.desc()).limit(1)
    found: dict[str, Any] | None = connection.execute(wanted).scalar()
    return found


def resource_not_found(resource_code: str) -> Refusal:
    """Nothing in the catalogue has this code."""
    return Refusal("resource_not_found", "没有这项信息资源 / there is no such resource", resource_code=resource_code)
