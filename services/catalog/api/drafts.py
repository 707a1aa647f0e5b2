"""``/api/v1/item-drafts``: a department writes, a second person reviews, an administrator publishes."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import url_for
from flask_smorest import Blueprint
from sqlalchemy.engine import Connection, Row

from chassis import clock
from chassis.auth import principal, requires
from chassis.db import Tx
from chassis.web import API_PREFIX
from services.catalog import queries
from services.catalog.adapters.draft_store import draft_row, own_drafts
from services.catalog.api.draft_schemas import (
    CheckSchema,
    DraftChangeSchema,
    DraftInputSchema,
    DraftListSchema,
    DraftMovedSchema,
    DraftPublishedSchema,
    DraftQuerySchema,
    DraftSchema,
    FindingsSchema,
    ReviewSchema,
    SubmissionSchema,
    WhySchema,
    draft_body,
    shown_findings,
)
from services.catalog.api.repeatable import IDEMPOTENCY_HEADER, repeatable
from services.catalog.domain.diff import Change, differences
from services.catalog.domain.law_date import law_date
from services.catalog.models import db
from services.catalog.queries.checks import stored_findings
from services.catalog.queries.drafts import DraftFilter, find_drafts
from services.catalog.queries.versions import history_of_draft
from services.catalog.use_cases.publish_draft import give_back, publish_draft
from services.catalog.use_cases.review_draft import review_draft, submit_draft
from services.catalog.use_cases.write_draft import change_draft, discard_draft, start_draft

drafts_api = Blueprint(
    "item_drafts", __name__, url_prefix=API_PREFIX, description="事项起草、审核与发布 / drafts of items"
)
ONE = "/item-drafts/<uuid:item_draft_id>"


@drafts_api.post("/item-checks")
@requires("catalog:write")
@drafts_api.arguments(CheckSchema)
@drafts_api.response(200, FindingsSchema)
def check(asked: dict[str, Any]) -> Any:
    """校验: every problem of a definition and advice, at once; nothing is stored."""
    with db.read() as connection:
        return shown_findings(stored_findings(connection, law_date(clock.now()), asked["definition"]))


@drafts_api.post("/item-drafts")
@requires("catalog:write")
@drafts_api.doc(parameters=[IDEMPOTENCY_HEADER])
@drafts_api.arguments(DraftInputSchema)
@drafts_api.response(201, DraftMovedSchema)
@drafts_api.alt_response(403, description="draft_not_own")
@drafts_api.alt_response(409, description="item_retired")
@drafts_api.alt_response(422, description="invalid_input, draft_unidentified")
def start(asked: dict[str, Any]) -> Any:
    """起草: begin the next version of an item of one's department."""

    def write(tx: Tx) -> dict[str, Any]:
        return _moved(tx, start_draft(tx, asked["definition"], why=asked["why"], caller=principal()))

    answer = repeatable(write)
    return answer, 201, {"Location": url_for("item_drafts.show", item_draft_id=UUID(answer["draft_id"]))}


@drafts_api.get("/item-drafts")
@requires("catalog:write")
@drafts_api.arguments(DraftQuerySchema, location="query")
@drafts_api.response(200, DraftListSchema)
def list_drafts(asked: dict[str, Any]) -> dict[str, Any]:
    """Drafts of one's department, an administrator's: of all; the latest first."""
    wanted = DraftFilter(**asked)
    with db.read() as connection:
        rows = find_drafts(connection, own_drafts(principal()), wanted)
    page = rows[: wanted.page_size]
    return {"drafts": page, "next": page[-1].draft_id if len(rows) > wanted.page_size else None}


@drafts_api.get(ONE)
@requires("catalog:write")
@drafts_api.response(200, DraftSchema)
@drafts_api.alt_response(404, description="draft_not_found")
def show(item_draft_id: UUID) -> dict[str, Any]:
    """A draft whole, with its problems, its differences from the version in force, and its history."""
    today = law_date(clock.now())
    with db.read() as connection:
        draft = draft_row(connection, str(item_draft_id), own_drafts(principal()))
        found = stored_findings(connection, today, draft.definition)
        past = history_of_draft(connection, draft.draft_id, draft.item_code)
        return draft_body(draft, found, _changes(connection, draft), past)


@drafts_api.put(ONE)
@requires("catalog:write")
@drafts_api.arguments(DraftChangeSchema)
@drafts_api.response(200, DraftMovedSchema)
@drafts_api.alt_response(403, description="draft_not_own")
@drafts_api.alt_response(404, description="draft_not_found")
@drafts_api.alt_response(409, description="draft_changed, draft_state, draft_item_fixed, item_retired")
@drafts_api.alt_response(422, description="invalid_input, draft_unidentified")
def change(asked: dict[str, Any], item_draft_id: UUID) -> dict[str, Any]:
    """修改: replace all that the draft says; the same change may be sent again."""
    with db.transaction() as tx:
        change_draft(tx, str(item_draft_id), asked["definition"], revision=asked["revision"], caller=principal())
        return _moved(tx, str(item_draft_id))


@drafts_api.post(f"{ONE}/submission")
@requires("catalog:write")
@drafts_api.doc(parameters=[IDEMPOTENCY_HEADER])
@drafts_api.arguments(SubmissionSchema)
@drafts_api.response(201, DraftMovedSchema)
@drafts_api.alt_response(404, description="draft_not_found")
@drafts_api.alt_response(409, description="draft_changed, draft_state")
@drafts_api.alt_response(422, description="item_invalid with every problem")
def submit(asked: dict[str, Any], item_draft_id: UUID) -> Any:
    """送审: hand the draft to a second person; nothing may be wrong with it."""

    def write(tx: Tx) -> dict[str, Any]:
        submit_draft(tx, str(item_draft_id), today=law_date(tx.now), caller=principal(), **asked)
        return _moved(tx, str(item_draft_id))

    return repeatable(write)


@drafts_api.post(f"{ONE}/review")
@requires("catalog:review")
@drafts_api.doc(parameters=[IDEMPOTENCY_HEADER])
@drafts_api.arguments(ReviewSchema)
@drafts_api.response(201, DraftMovedSchema)
@drafts_api.alt_response(403, description="review_of_own_draft")
@drafts_api.alt_response(404, description="draft_not_found")
@drafts_api.alt_response(409, description="draft_changed, draft_state")
def review(asked: dict[str, Any], item_draft_id: UUID) -> Any:
    """审核: let the draft pass or give it back; not by one who has written it."""

    def write(tx: Tx) -> dict[str, Any]:
        approve = asked["verdict"] == "approve"
        review_draft(
            tx, str(item_draft_id), approve=approve, revision=asked["revision"], why=asked["why"], caller=principal()
        )
        return _moved(tx, str(item_draft_id))

    return repeatable(write)


@drafts_api.post(f"{ONE}/publication")
@requires("catalog:publish")
@drafts_api.doc(parameters=[IDEMPOTENCY_HEADER])
@drafts_api.arguments(WhySchema)
@drafts_api.response(201, DraftPublishedSchema)
@drafts_api.alt_response(404, description="draft_not_found")
@drafts_api.alt_response(
    409,
    description="draft_state, effective_date_past, basic_code_conflict, former_code_conflict, effective_before_previous, "
    "item_retired, version_conflict",
)
@drafts_api.alt_response(422, description="item_invalid, department_unknown")
def publish(asked: dict[str, Any], item_draft_id: UUID) -> Any:
    """发布: an approved draft becomes the next version, in force at once or on its day."""

    def write(tx: Tx) -> dict[str, Any]:
        done = publish_draft(tx, str(item_draft_id), today=law_date(tx.now), why=asked["why"], by=principal().subject)
        moved = _moved(tx, str(item_draft_id))
        return {
            "draft_id": moved["draft_id"],
            "item_code": done.item_code,
            "version": done.version,
            "state": moved["state"],
        }

    return repeatable(write)


@drafts_api.post(f"{ONE}/return")
@requires("catalog:publish")
@drafts_api.doc(parameters=[IDEMPOTENCY_HEADER])
@drafts_api.arguments(WhySchema)
@drafts_api.response(201, DraftMovedSchema)
@drafts_api.alt_response(404, description="draft_not_found")
@drafts_api.alt_response(409, description="draft_state")
def return_(asked: dict[str, Any], item_draft_id: UUID) -> Any:
    """退回: give an approved draft back instead of publishing it."""

    def write(tx: Tx) -> dict[str, Any]:
        give_back(tx, str(item_draft_id), why=asked["why"], by=principal().subject)
        return _moved(tx, str(item_draft_id))

    return repeatable(write)


@drafts_api.post(f"{ONE}/discard")
@requires("catalog:write")
@drafts_api.doc(parameters=[IDEMPOTENCY_HEADER])
@drafts_api.arguments(WhySchema)
@drafts_api.response(201, DraftMovedSchema)
@drafts_api.alt_response(404, description="draft_not_found")
@drafts_api.alt_response(409, description="draft_state")
def discard(asked: dict[str, Any], item_draft_id: UUID) -> Any:
    """作废: throw a draft away that nobody reviews."""

    def write(tx: Tx) -> dict[str, Any]:
        discard_draft(tx, str(item_draft_id), why=asked["why"], caller=principal())
        return _moved(tx, str(item_draft_id))

    return repeatable(write)


def _moved(tx: Tx, draft_id: str) -> dict[str, Any]:
    row = draft_row(tx.connection, draft_id, own_drafts(principal()))
    return {"draft_id": row.draft_id, "state": row.state, "revision": row.revision}


def _changes(connection: Connection, draft: Row[Any]) -> list[Change]:
    newest = queries.latest_version(connection, draft.item_code)
    if newest is None or draft.version is not None:
        return []
    before = queries.version_guide(connection, law_date(clock.now()), draft.item_code, newest.version)
    return differences(before.definition, draft.definition)
