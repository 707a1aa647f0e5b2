"""``/api/v1/items``: the list, the guides, and for administrators publishing and retiring."""

from __future__ import annotations

from typing import Any

from flask import Response, make_response, request, url_for
from flask_smorest import Blueprint

from chassis import clock
from chassis.auth import principal, public, requires
from chassis.db import Tx
from chassis.web import API_PREFIX
from services.catalog import queries
from services.catalog.adapters.definition_document import content_hash, definition_of
from services.catalog.api.repeatable import IDEMPOTENCY_HEADER, repeatable
from services.catalog.api.schemas import (
    DefinitionInputSchema,
    GuideSchema,
    ItemListSchema,
    ItemQuerySchema,
    Proofs,
    PublishedSchema,
    RetiredSchema,
    RetirementRequestSchema,
    guide_body,
    shown_proofs,
)
from services.catalog.domain.law_date import law_date
from services.catalog.models import db
from services.catalog.queries import Guide, ItemFilter
from services.catalog.queries.checks import proofs_for
from services.catalog.use_cases.publish_item import publish_item
from services.catalog.use_cases.retire_item import retire_item

blp = Blueprint("items", __name__, url_prefix=API_PREFIX, description="政务服务事项 / service items")

IF_NONE_MATCH = {"in": "header", "name": "If-None-Match", "schema": {"type": "string"}}
# A guide may be kept but is asked after each time: online and at the counter the same version is read.
CACHING = "public, no-cache"


@blp.get("/items")
@public
@blp.arguments(ItemQuerySchema, location="query")
@blp.response(200, ItemListSchema)
def list_items(asked: dict[str, Any]) -> dict[str, Any]:
    """Items in force, by code; search and filters. Public."""
    wanted = ItemFilter(words=asked.pop("q"), **asked)
    with db.read() as connection:
        rows = queries.find_items(connection, law_date(clock.now()), wanted)
    page = rows[: wanted.page_size]
    return {"items": page, "next": page[-1].item_code if len(rows) > wanted.page_size else None}


@blp.get("/items/<string:item_code>")
@public
@blp.doc(parameters=[IF_NONE_MATCH])
@blp.response(200, GuideSchema)
@blp.alt_response(304, description="not modified")
@blp.alt_response(404, description="item_not_found, item_not_yet_in_force")
def show_guide(item_code: str) -> Any:
    """Guide of the version in force. Public."""
    today = law_date(clock.now())
    with db.read() as connection:
        guide = queries.current_guide(connection, today, item_code)
        proofs = proofs_for(connection, today, guide.definition)
    return _guide_answer(guide, proofs)


@blp.get("/items/<string:item_code>/versions/<int(max=2147483647):version>")
@public
@blp.doc(parameters=[IF_NONE_MATCH])
@blp.response(200, GuideSchema)
@blp.alt_response(304, description="not modified")
@blp.alt_response(404, description="item_not_found, version_not_found")
def show_version(item_code: str, version: int) -> Any:
    """Guide of one version, past, present or to come. Public."""
    today = law_date(clock.now())
    with db.read() as connection:
        guide = queries.version_guide(connection, today, item_code, version)
        proofs = proofs_for(connection, today, guide.definition)
    return _guide_answer(guide, proofs)


@blp.post("/items")
@requires("catalog:publish")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(DefinitionInputSchema)
@blp.response(201, PublishedSchema)
@blp.alt_response(200, schema=PublishedSchema, description="published before with the same words")
@blp.alt_response(
    409,
    description="basic_code_conflict, former_code_conflict, effective_before_previous, item_retired, version_conflict",
)
@blp.alt_response(422, description="invalid_input, item_invalid with every problem, department_unknown")
def publish(loaded: dict[str, Any]) -> Any:
    """Publish the next version of an item."""

    def write(tx: Tx) -> dict[str, Any]:
        done = publish_item(tx, definition_of(loaded), by=principal().subject)
        return {"item_code": done.item_code, "version": done.version, "created": done.created}

    answer = repeatable(write)
    address = url_for("items.show_version", item_code=answer["item_code"], version=answer["version"])
    return answer, 201 if answer["created"] else 200, {"Location": address}


@blp.post("/items/<string:item_code>/retirement")
@requires("catalog:publish")
@blp.doc(parameters=[IDEMPOTENCY_HEADER])
@blp.arguments(RetirementRequestSchema)
@blp.response(201, RetiredSchema)
@blp.alt_response(404, description="item_not_found")
@blp.alt_response(409, description="item_retired")
@blp.alt_response(422, description="invalid_input, retirement_before_effect")
def retire(asked: dict[str, Any], item_code: str) -> Any:
    """Retire an item: no new cases from the date on."""

    def write(tx: Tx) -> dict[str, Any]:
        retired_on = asked["retired_on"] or law_date(tx.now)
        retire_item(tx, item_code, retired_on=retired_on, reason=asked["reason"], by=principal().subject)
        return {"item_code": item_code, "retired_on": retired_on.isoformat(), "reason": asked["reason"]}

    return repeatable(write)


def _guide_answer(guide: Guide, proofs: Proofs) -> Any:
    etag = f"{guide.etag}-{content_hash(shown_proofs(proofs))[:16]}" if proofs else guide.etag
    headers = {"ETag": f'"{etag}"', "Cache-Control": CACHING}
    if request.if_none_match.contains_weak(etag):
        response: Response = make_response("", 304, headers)
        return response
    return guide_body(guide, proofs), 200, headers
