"""The caller's drafts."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from chassis import clock
from chassis.auth import Principal
from services.workflow.adapters.drafts import draft_row
from services.workflow.adapters.items import items_of
from services.workflow.adapters.packages import package_retirement, package_version
from services.workflow.adapters.rights import own_drafts
from services.workflow.domain.deadline import law_date
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
    return [_draft_summary(row, items[row.item_code, row.item_version].name, None) for row in rows]


def package_drafts_of(caller: Principal, package_code: str | None = None) -> list[dict[str, Any]]:
    """The caller's drafts for this package, or for any, the last touched first."""
    d = drafts.c
    wanted = d.package_code.is_not(None) if package_code is None else d.package_code == package_code
    with db.read() as connection:
        rows = connection.execute(_LATEST.where(own_drafts(caller), wanted)).fetchall()
        return [_draft_summary(row, _name(connection, row), _retirement(connection, row)) for row in rows]


def draft_of(connection: sa.Connection, caller: Principal, draft_id: str) -> dict[str, Any]:
    """One draft of the caller with all that it holds, in JSON's types. Raises Refusal ``draft_unknown``."""
    row = draft_row(connection, draft_id, caller)
    return _draft_summary(row, _name(connection, row), _retirement(connection, row)) | {
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


def _retirement(connection: sa.Connection, row: Any) -> Any | None:
    """Of the package that the draft is for, if it is retired."""
    if row.package_code is None:
        return None
    return package_retirement(connection, row.package_code, law_date(clock.now()))


def _draft_summary(row: Any, item_name: str, retirement: Any | None) -> dict[str, Any]:
    return {
        "retired_on": None if retirement is None else retirement.retired_on.isoformat(),
        "retired_because": None if retirement is None else retirement.reason,
        "draft_id": row.draft_id,
        "item_code": row.item_code,
        "item_version": row.item_version,
        "package_code": row.package_code,
        "item_name": item_name,
        "step": row.step,
        "updated_at": row.updated_at.isoformat(),
    }
