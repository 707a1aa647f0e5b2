"""What the API of drafts, versions and their differences takes and gives."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

import marshmallow as ma
from marshmallow.validate import OneOf, Range, Regexp
from sqlalchemy.engine import Row

from services.catalog.adapters.plain_json import require_plain_json
from services.catalog.adapters.schema_fields import optional_words, words
from services.catalog.domain.codes import ITEM_CODE
from services.catalog.domain.diff import Change
from services.catalog.domain.drafting import DraftState
from services.catalog.domain.problems import Problem

UUID = r"^([0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12})?\Z"


class WhySchema(ma.Schema):
    """Why something is done; it stands in the history."""

    why = optional_words(1000, "说明 / why")


class PublicReasonSchema(ma.Schema):
    """A reason that the public reads."""

    reason = words(1000)


class DraftInputSchema(WhySchema):
    """起草: the definition as far as it is written; item code, name and lead department must be there."""

    definition = ma.fields.Dict(required=True, validate=require_plain_json)


class DraftChangeSchema(ma.Schema):
    """修改: all that the draft is to say. ``revision`` is the one that was read."""

    definition = ma.fields.Dict(required=True, validate=require_plain_json)
    revision = ma.fields.Integer(required=True, strict=True, validate=Range(1, 2**31 - 2))


class SubmissionSchema(WhySchema):
    """送审."""

    revision = ma.fields.Integer(required=True, strict=True, validate=Range(1, 2**31 - 2))


class ReviewSchema(ma.Schema):
    """审核: 通过 or 退回, with the reason."""

    revision = ma.fields.Integer(required=True, strict=True, validate=Range(1, 2**31 - 2))
    verdict = ma.fields.String(required=True, validate=OneOf(("approve", "return")))
    why = words(1000)


class DraftQuerySchema(ma.Schema):
    """Filters of the list."""

    state = ma.fields.String(load_default="", validate=OneOf([*DraftState, ""]))
    item_code = ma.fields.String(load_default="", validate=Regexp(rf"^({ITEM_CODE.pattern})?\Z"))
    before = ma.fields.String(
        load_default="", validate=Regexp(UUID), metadata={"description": "last draft of the page before"}
    )
    page_size = ma.fields.Integer(load_default=50, validate=Range(1, 200))


class DraftHeadSchema(ma.Schema):
    """A draft in the list."""

    draft_id = ma.fields.String()
    item_code = ma.fields.String()
    name = ma.fields.String()
    department = ma.fields.String()
    state = ma.fields.String(metadata={"enum": [str(state) for state in DraftState]})
    revision = ma.fields.Integer()
    authors = ma.fields.List(ma.fields.String(), metadata={"description": "起草人账号 / accounts that have written it"})
    reviewer = ma.fields.String(allow_none=True)
    version = ma.fields.Integer(allow_none=True)
    effective_from = ma.fields.Date(allow_none=True)
    created_at = ma.fields.AwareDateTime()
    changed_at = ma.fields.AwareDateTime()


class DraftListSchema(ma.Schema):
    """A page of drafts; ``next`` goes into ``before`` for the next page."""

    drafts = ma.fields.List(ma.fields.Nested(DraftHeadSchema))
    next = ma.fields.String(allow_none=True)


class FindingSchema(ma.Schema):
    """What keeps a definition from being published; advice does not."""

    code = ma.fields.String()
    where = ma.fields.String(metadata={"description": "path such as materials.2.basis"})
    detail = ma.fields.String()
    advice = ma.fields.Boolean()


class FindingsSchema(ma.Schema):
    """Everything at once."""

    publishable = ma.fields.Boolean()
    findings = ma.fields.List(ma.fields.Nested(FindingSchema))


class CheckSchema(ma.Schema):
    """A definition to be looked at."""

    definition = ma.fields.Dict(required=True, validate=require_plain_json)


class ChangeSchema(ma.Schema):
    """One difference between two versions."""

    path = ma.fields.String(metadata={"description": "JSON pointer; parts of lists by their key, such as code=plan"})
    kind = ma.fields.String(metadata={"enum": ["changed", "added", "removed", "reordered"]})
    before = ma.fields.Raw(allow_none=True)
    after = ma.fields.Raw(allow_none=True)
    says = ma.fields.String()
    says_en = ma.fields.String()


class HistorySchema(ma.Schema):
    """Who did what, when and why."""

    action = ma.fields.String()
    by = ma.fields.String()
    at = ma.fields.AwareDateTime()
    why = ma.fields.String()
    version = ma.fields.Integer(allow_none=True)
    draft_id = ma.fields.String(allow_none=True)


class ItemHistorySchema(ma.Schema):
    """The latest first."""

    item_code = ma.fields.String()
    history = ma.fields.List(ma.fields.Nested(HistorySchema))


class DraftSchema(DraftHeadSchema):
    """A draft whole: what it says, what is wrong with it, what it would change, and how it came to be."""

    definition = ma.fields.Dict()
    publishable = ma.fields.Boolean()
    findings = ma.fields.List(ma.fields.Nested(FindingSchema))
    changes = ma.fields.List(
        ma.fields.Nested(ChangeSchema), metadata={"description": "与现行版本的差异 / against the version in force"}
    )
    history = ma.fields.List(ma.fields.Nested(HistorySchema))


class DraftMovedSchema(ma.Schema):
    """A draft after it was written or moved."""

    draft_id = ma.fields.String()
    state = ma.fields.String()
    revision = ma.fields.Integer()


class DraftPublishedSchema(ma.Schema):
    """The version that the draft has become."""

    draft_id = ma.fields.String()
    item_code = ma.fields.String()
    version = ma.fields.Integer()
    state = ma.fields.String(metadata={"enum": ["scheduled", "published"]})


class VersionSchema(ma.Schema):
    """One version of an item."""

    version = ma.fields.Integer()
    name = ma.fields.String()
    name_en = ma.fields.String()
    effective_from = ma.fields.Date()
    cancel_on = ma.fields.Date(allow_none=True)
    published_at = ma.fields.AwareDateTime()
    content_hash = ma.fields.String()


class VersionListSchema(ma.Schema):
    """Every version, the newest first."""

    item_code = ma.fields.String()
    versions = ma.fields.List(ma.fields.Nested(VersionSchema))


class DifferencesSchema(ma.Schema):
    """What changed between two versions."""

    item_code = ma.fields.String()
    before = ma.fields.Integer()
    after = ma.fields.Integer()
    changes = ma.fields.List(ma.fields.Nested(ChangeSchema))


class StandingSchema(ma.Schema):
    """Whether applications are taken in."""

    item_code = ma.fields.String()
    state = ma.fields.String(metadata={"enum": ["in_force", "suspended"]})


class FormerCodeSchema(ma.Schema):
    """What a basic code of the 2016 generation stands for."""

    former_code = ma.fields.String()
    basic_code = ma.fields.String()


def shown_changes(changes: Iterable[Change]) -> list[dict[str, Any]]:
    """``ChangeSchema``'s input."""
    return [
        {
            "path": c.pointer, "kind": c.kind, "before": c.before, "after": c.after, "says": c.says, "says_en": c.says_en,
        }
        for c in changes
    ]  # fmt: skip


def shown_findings(found: Iterable[Problem]) -> dict[str, Any]:
    """``FindingsSchema``'s input."""
    listed = list(found)
    return {"publishable": all(problem.advice for problem in listed), "findings": listed}


def draft_body(
    head: Row[Any], found: Iterable[Problem], changes: Iterable[Change], past: Iterable[Any]
) -> dict[str, Any]:
    """``DraftSchema``'s input."""
    return dict(head._mapping) | shown_findings(found) | {"changes": shown_changes(changes), "history": list(past)}
