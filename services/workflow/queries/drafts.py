"""The caller's drafts."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from chassis.auth import Principal
from services.workflow.adapters.drafts import draft_row
from services.workflow.adapters.items import items_of
from services.workflow.adapters.packages import package_version
from services.workflow.adapters.rights import own_drafts
from services.workflow.models import db, drafts

_LATEST = sa.select(
    drafts.c.draft_id,
    drafts.c.item_code,
    drafts.c.item_version,
    drafts.c.package_code,
    drafts.c.step,
    drafts.c.updated_at,
).order_by(drafts.c.updated_at.desc(), drafts.c.draft_id.desc())


def drafts_of(caller: Principal) -> list[dict[str, Any]]:
    """The caller's drafts of applications for one item, the last touched first."""
    with db.read() as connection:
        rows = connection.execute(_LATEST.where(own_drafts(caller), drafts.c.package_code.is_(None))).fetchall()
        items = items_of(connection, {(row.item_code, row.item_version) for row in rows})
    return [_draft_summary(row, items[row.item_code, row.item_version].name) for row in rows]


def package_drafts_of(caller: Principal, package_code: str) -> list[dict[str, Any]]:
    """The caller's drafts for this package, the last touched first."""
    with db.read() as connection:
        rows = connection.execute(_LATEST.where(own_drafts(caller), drafts.c.package_code == package_code)).fetchall()
        return [_draft_summary(row, _name(connection, row)) for row in rows]


def draft_of(connection: sa.Connection, caller: Principal, draft_id: str) -> dict[str, Any]:
    """One draft of the caller with all that it holds, in JSON's types. Raises Refusal ``draft_unknown``."""
    row = draft_row(connection, draft_id, caller)
    return _draft_summary(row, _name(connection, row)) | {
        "form": row.form,
        "materials": row.materials,
        "choices": row.choices,
        "version": row.version,
    }


def _name(connection: sa.Connection, row: Any) -> str:
    """Of the item or the package that is applied for."""
    if row.package_code is not None:
        return package_version(connection, row.package_code, row.item_version).name
    return items_of(connection, [(row.item_code, row.item_version)])[row.item_code, row.item_version].name


def _draft_summary(row: Any, item_name: str) -> dict[str, Any]:
    return {
        "draft_id": row.draft_id,
        "item_code": row.item_code,
        "item_version": row.item_version,
        "package_code": row.package_code,
        "item_name": item_name,
        "step": row.step,
        "updated_at": row.updated_at.isoformat(),
    }
