"""``/api/v1/items/{item_code}/…``: versions and what changed between them; suspension; older codes; the history."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask_smorest import Blueprint
from marshmallow.validate import Range

from chassis import clock
from chassis.auth import principal, public, requires
from chassis.db import Tx
from chassis.errors import Refusal
from chassis.web import API_PREFIX
from contracts.rights import permits
from services.catalog import queries
from services.catalog.api.draft_schemas import (
    DifferencesSchema,
    FormerCodeSchema,
    ItemHistorySchema,
    PublicReasonSchema,
    StandingSchema,
    VersionListSchema,
    shown_changes,
)
from services.catalog.api.repeatable import IDEMPOTENCY_HEADER, repeatable
from services.catalog.domain.diff import differences
from services.catalog.domain.law_date import law_date
from services.catalog.models import db
from services.catalog.queries.versions import basic_code_of, history_of, versions_of
from services.catalog.use_cases.suspend_item import resume_item, suspend_item

versions_api = Blueprint("versions", __name__, url_prefix=API_PREFIX, description="事项版本 / versions of items")


class _BetweenSchema(ma.Schema):
    """Two versions."""

    before = ma.fields.Integer(required=True, validate=Range(1, 2**31 - 1))
    after = ma.fields.Integer(required=True, validate=Range(1, 2**31 - 1))


@versions_api.get("/items/<string:item_code>/versions")
@public
@versions_api.response(200, VersionListSchema)
@versions_api.alt_response(404, description="item_not_found")
def list_versions(item_code: str) -> dict[str, Any]:
    """Every version, the newest first, those to come too. Public."""
    with db.read() as connection:
        return {"item_code": item_code, "versions": versions_of(connection, item_code)}


@versions_api.get("/items/<string:item_code>/differences")
@public
@versions_api.arguments(_BetweenSchema, location="query")
@versions_api.response(200, DifferencesSchema)
@versions_api.alt_response(404, description="item_not_found, version_not_found")
def show_differences(asked: dict[str, int], item_code: str) -> dict[str, Any]:
    """What changed between two versions, path by path and in words. Public."""
    today = law_date(clock.now())
    with db.read() as connection:
        old, new = (queries.version_guide(connection, today, item_code, asked[n]) for n in ("before", "after"))
    changes = differences(old.definition, new.definition)
    return {"item_code": item_code, **asked, "changes": shown_changes(changes)}


@versions_api.get("/items/former-codes/<string:former_code>")
@public
@versions_api.response(200, FormerCodeSchema)
@versions_api.alt_response(404, description="former_code_unknown")
def show_former_code(former_code: str) -> dict[str, Any]:
    """Today's basic code for one of the 2016 generation (10 digits). Public."""
    with db.read() as connection:
        basic_code = basic_code_of(connection, former_code) if former_code.isascii() and former_code.isdigit() else None
    if basic_code is None:
        raise Refusal("former_code_unknown", "没有这个2016年版编码 / there is no such code", former_code=former_code)
    return {"former_code": former_code, "basic_code": basic_code}


@versions_api.get("/item-history/<string:item_code>")
@requires("history:read")
@versions_api.response(200, ItemHistorySchema)
@versions_api.alt_response(404, description="item_not_found")
def show_history(item_code: str) -> dict[str, Any]:
    """Who did what to the item and its drafts, when and why; for the leading department, supervision and administration."""
    with db.read() as connection:
        leads = queries.lead_departments(connection, item_code)
        if not any(permits(principal(), "history:read", department=lead) for lead in leads):
            raise queries.item_not_found(item_code)
        return {"item_code": item_code, "history": history_of(connection, item_code)}


@versions_api.post("/items/<string:item_code>/suspension")
@requires("catalog:publish")
@versions_api.doc(parameters=[IDEMPOTENCY_HEADER])
@versions_api.arguments(PublicReasonSchema)
@versions_api.response(201, StandingSchema)
@versions_api.alt_response(404, description="item_not_found")
@versions_api.alt_response(409, description="item_suspended, item_retired")
def suspend(asked: dict[str, Any], item_code: str) -> Any:
    """暂停: no new case until the item is resumed; running cases go on."""

    def write(tx: Tx) -> dict[str, Any]:
        suspend_item(tx, item_code, reason=asked["reason"], by=principal().subject)
        return {"item_code": item_code, "state": queries.SUSPENDED}

    return repeatable(write)


@versions_api.post("/items/<string:item_code>/resumption")
@requires("catalog:publish")
@versions_api.doc(parameters=[IDEMPOTENCY_HEADER])
@versions_api.arguments(PublicReasonSchema)
@versions_api.response(201, StandingSchema)
@versions_api.alt_response(404, description="item_not_found")
@versions_api.alt_response(409, description="item_not_suspended, item_retired")
def resume(asked: dict[str, Any], item_code: str) -> Any:
    """恢复: applications are taken in again."""

    def write(tx: Tx) -> dict[str, Any]:
        resume_item(tx, item_code, reason=asked["reason"], by=principal().subject)
        return {"item_code": item_code, "state": queries.IN_FORCE}

    return repeatable(write)
