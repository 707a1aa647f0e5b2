"""Drafts of applications over HTTP: begin, save at every step, come back, throw away."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask_smorest import Blueprint

from chassis.auth import principal, requires
from chassis.db import Tx
from chassis.idempotency import once
from services.workflow import queries
from services.workflow.api.draft_schemas import (
    DraftListSchema,
    DraftQuerySchema,
    DraftSchema,
    SaveDraftSchema,
    StartDraftSchema,
)
from services.workflow.models import db
from services.workflow.use_cases.discard_draft import discard_draft
from services.workflow.use_cases.party import require_item
from services.workflow.use_cases.save_draft import SaveDraft, save_draft
from services.workflow.use_cases.start_draft import start_draft

DRAFTS = Blueprint("drafts", __name__, url_prefix="/api/v1/drafts", description="草稿 / drafts of applications")


@DRAFTS.post("")
@requires("cases:submit")
@DRAFTS.arguments(StartDraftSchema)
@DRAFTS.response(201, DraftSchema)
def start(body: dict[str, Any]) -> Any:
    """起草: begin an empty draft for an item in force (Idempotency-Key required)."""
    caller = principal()
    require_item(caller, body["item_code"])

    def begin(tx: Tx) -> dict[str, Any]:
        draft_id = start_draft(
            tx, owner_id=caller.party, item_code=body["item_code"], item_version=body["item_version"]
        )
        return queries.draft_of(tx.connection, caller, draft_id)

    return once(db, begin)


@DRAFTS.get("")
@requires("cases:submit")
@DRAFTS.arguments(DraftQuerySchema, location="query")
@DRAFTS.response(200, DraftListSchema)
def list_mine(query: dict[str, Any]) -> dict[str, Any]:
    """我的草稿: the caller's drafts, the last touched first."""
    found = queries.package_drafts_of if query["of"] == "package" else queries.drafts_of
    return {"drafts": found(principal())}


@DRAFTS.get("/<uuid:draft_id>")
@requires("cases:submit")
@DRAFTS.response(200, DraftSchema)
def show(draft_id: UUID) -> dict[str, Any]:
    """草稿详情: all that was saved."""
    with db.read() as connection:
        return queries.draft_of(connection, principal(), str(draft_id))


@DRAFTS.put("/<uuid:draft_id>")
@requires("cases:submit")
@DRAFTS.arguments(SaveDraftSchema)
@DRAFTS.response(200, DraftSchema)
def save(body: dict[str, Any], draft_id: UUID) -> dict[str, Any]:
    """暂存: replace all that the draft holds. ``version`` is the one read; the same save may be sent again."""
    caller = principal()
    with db.transaction() as tx:
        save_draft(tx, SaveDraft(draft_id=str(draft_id), **body), caller)
        return queries.draft_of(tx.connection, caller, str(draft_id))


@DRAFTS.delete("/<uuid:draft_id>")
@requires("cases:submit")
@DRAFTS.response(204)
def discard(draft_id: UUID) -> None:
    """删除草稿: may be repeated."""
    with db.transaction() as tx:
        discard_draft(tx, str(draft_id), principal())
