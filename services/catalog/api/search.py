"""``/api/v1/items/search`` and ``…/suggestions``: finding items by words, pinyin, code, topic, life event and department."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask_smorest import Blueprint
from marshmallow.validate import OneOf, Range, Regexp

from chassis import clock
from chassis.auth import public
from chassis.web import API_PREFIX
from services.catalog.adapters.pinyin import syllables
from services.catalog.api.schemas import SHORT, ItemSummarySchema
from services.catalog.domain.law_date import law_date
from services.catalog.domain.search_terms import plain, runs_of
from services.catalog.models import db
from services.catalog.queries.search import Search, search_items

search_api = Blueprint("search", __name__, url_prefix=API_PREFIX, description="查找事项 / finding items")

SUGGESTIONS = 8
FARTHEST = 1000
FACETS = {
    "item_type": "y", "lead_department": "l", "department": "d",
    "person_topic": "a", "organisation_topic": "o", "life_event": "e",
}  # fmt: skip


class WordsQuerySchema(ma.Schema):
    """What is looked for."""

    q = ma.fields.String(
        load_default="",
        validate=SHORT,
        metadata={
            "description": "名称、拼音、首字母、编码或指南中的词 / name, pinyin, initials, code, or words of the guide"
        },
    )


class SearchQuerySchema(WordsQuerySchema):
    """What is looked for, and filters."""

    item_type = ma.fields.String(load_default="", validate=Regexp(r"^([0-9]{2})?\Z"))
    lead_department = ma.fields.String(load_default="", validate=SHORT)
    department = ma.fields.String(
        load_default="", validate=SHORT, metadata={"description": "参与办理的部门 / any department of the plan"}
    )
    person_topic = ma.fields.String(load_default="", validate=Regexp(r"^([0-9]{3})?\Z"))
    organisation_topic = ma.fields.String(load_default="", validate=Regexp(r"^([0-9]{3})?\Z"))
    life_event = ma.fields.String(load_default="", validate=Regexp(r"^([a-z_]{1,40})?\Z"))
    state = ma.fields.String(
        load_default="in_force",
        validate=OneOf(("in_force", "suspended", "retired", "")),
        metadata={"description": "empty: any"},
    )
    start = ma.fields.Integer(
        load_default=0, validate=Range(0, FARTHEST), metadata={"description": "how many to pass over"}
    )
    page_size = ma.fields.Integer(load_default=20, validate=Range(1, 100))


class SearchAnswerSchema(ma.Schema):
    """The best items first. ``next`` goes into ``start`` for the next page."""

    items = ma.fields.List(ma.fields.Nested(ItemSummarySchema))
    next = ma.fields.Integer(allow_none=True)
    near = ma.fields.Boolean(
        metadata={"description": "没有完全符合的，所列为相近事项 / nothing fits wholly: these are near"}
    )


class SuggestionSchema(ma.Schema):
    """An item whose name may be meant."""

    item_code = ma.fields.String()
    name = ma.fields.String()
    name_en = ma.fields.String()


class SuggestionsSchema(ma.Schema):
    """A few items, the best first."""

    items = ma.fields.List(ma.fields.Nested(SuggestionSchema))


@search_api.get("/items/search")
@public
@search_api.arguments(SearchQuerySchema, location="query")
@search_api.response(200, SearchAnswerSchema)
def search(asked: dict[str, Any]) -> dict[str, Any]:
    """Items by words, ranked: exact name, beginning, words of the name, pinyin, words of the guide. Public."""
    wanted = Search(
        runs=runs_of(asked["q"], syllables),
        name=plain(asked["q"]),
        facets=[kind + asked[name] for name, kind in FACETS.items() if asked[name]],
        state=asked["state"],
        start=asked["start"],
        page_size=asked["page_size"],
    )
    if asked["q"].strip() and not wanted.runs:
        return {"items": [], "next": None, "near": False}
    with db.read() as connection:
        rows, near = search_items(connection, law_date(clock.now()), wanted)
    page = rows[: wanted.page_size]
    more = len(rows) > wanted.page_size
    return {"items": page, "next": wanted.start + wanted.page_size if more else None, "near": near}


@search_api.get("/items/suggestions")
@public
@search_api.arguments(WordsQuerySchema, location="query")
@search_api.response(200, SuggestionsSchema)
def suggest(asked: dict[str, Any]) -> Any:
    """A few items in force while somebody types. Public."""
    wanted = Search(runs=runs_of(asked["q"], syllables), name=plain(asked["q"]), page_size=SUGGESTIONS)
    found: list[Any] = []
    if wanted.runs:
        with db.read() as connection:
            found, _near = search_items(connection, law_date(clock.now()), wanted)
    return {"items": found[:SUGGESTIONS]}, 200, {"Cache-Control": "public, max-age=60"}
