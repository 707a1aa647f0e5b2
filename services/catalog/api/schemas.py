"""What the API of items takes and gives, beside the definition itself."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import marshmallow as ma
from marshmallow.validate import Length, OneOf, Range, Regexp

from services.catalog.adapters.definition_document import ItemDefinitionSchema
from services.catalog.adapters.findings import problems_of
from services.catalog.adapters.plain_json import require_plain_text
from services.catalog.adapters.schema_fields import words
from services.catalog.domain import codes
from services.catalog.domain import vocabulary as v
from services.catalog.domain.codes import ITEM_CODE
from services.catalog.domain.definition import least_level
from services.catalog.domain.proofs import Proof
from services.catalog.queries import Guide
from services.catalog.use_cases.publish_item import require_no_problems

SHORT: list[Callable[[str], Any]] = [Length(max=100), require_plain_text]


class ItemQuerySchema(ma.Schema):
    """Search and filters of the list."""

    q = ma.fields.String(load_default="", validate=SHORT, metadata={"description": "名称或编码 / in name or code"})
    item_type = ma.fields.String(load_default="", validate=Regexp(r"^([0-9]{2})?\Z"))
    lead_department = ma.fields.String(load_default="", validate=SHORT)
    person_topic = ma.fields.String(load_default="", validate=Regexp(r"^([0-9]{3})?\Z"))
    organisation_topic = ma.fields.String(load_default="", validate=Regexp(r"^([0-9]{3})?\Z"))
    state = ma.fields.String(
        load_default="in_force",
        validate=OneOf(("in_force", "suspended", "retired", "")),
        metadata={"description": "empty: any"},
    )
    after = ma.fields.String(
        load_default="",
        validate=Regexp(rf"^({ITEM_CODE.pattern})?\Z"),
        metadata={"description": "last item code of the page before"},
    )
    page_size = ma.fields.Integer(load_default=50, validate=Range(1, 200))


class ItemSummarySchema(ma.Schema):
    """An item in the list: its current version."""

    item_code = ma.fields.String()
    basic_code = ma.fields.String()
    version = ma.fields.Integer()
    name = ma.fields.String()
    name_en = ma.fields.String()
    item_type = ma.fields.String()
    lead_department = ma.fields.String()
    person_topics = ma.fields.List(ma.fields.String())
    organisation_topics = ma.fields.List(ma.fields.String())
    effective_from = ma.fields.Date()
    state = ma.fields.String()
    retired_on = ma.fields.Date(allow_none=True)


class ItemListSchema(ma.Schema):
    """A page of items; ``next`` goes into ``after`` for the next page."""

    items = ma.fields.List(ma.fields.Nested(ItemSummarySchema))
    next = ma.fields.String(allow_none=True)


class LabelSchema(ma.Schema):
    """A code of a code list, in words."""

    code = ma.fields.String()
    zh = ma.fields.String()
    en = ma.fields.String()


VocabularySchema = ma.Schema.from_dict(
    {name: ma.fields.List(ma.fields.Nested(LabelSchema)) for name in v.LISTS}, name="VocabularySchema"
)


class CodeSegmentsSchema(ma.Schema):
    """What the codes say."""

    uscc = ma.fields.String(metadata={"description": "实施主体统一社会信用代码"})
    level = ma.fields.Nested(LabelSchema, metadata={"description": "行使层级"})
    region = ma.fields.String()
    item_type = ma.fields.Nested(LabelSchema)
    department = ma.fields.String(metadata={"description": "中央业务指导部门"})
    main_item = ma.fields.String()
    sub_item = ma.fields.String()


class DefinitionInputSchema(ItemDefinitionSchema):
    """A version of an item that somebody hands in: what is wrong with it is told at once, schema and rules together."""

    def handle_error(self, error: ma.ValidationError, data: Any, *, many: bool, **kwargs: Any) -> None:
        """Raises Refusal ``item_invalid`` with every problem for whatever is an object at all."""
        if isinstance(data, Mapping) and not many:
            require_no_problems(problems_of(error))
        super().handle_error(error, data, many=many, **kwargs)


class ProofSchema(ma.Schema):
    """An item that yields a material, so that nobody need hand it in."""

    item_code = ma.fields.String()
    name = ma.fields.String()
    name_en = ma.fields.String()


class GuideSchema(ItemDefinitionSchema):
    """办事指南: the whole definition of one version, with its state."""

    version = ma.fields.Integer()
    state = ma.fields.String(metadata={"enum": ["in_force", "suspended", "retired"]})
    retired_on = ma.fields.Date(allow_none=True)
    retired_reason = ma.fields.String(allow_none=True)
    suspended_reason = ma.fields.String(allow_none=True)
    produced_by = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.List(ma.fields.Nested(ProofSchema)),
        metadata={"description": "材料是其他事项的办理结果 / materials that other items yield, by their codes"},
    )
    published_at = ma.fields.AwareDateTime()
    content_hash = ma.fields.String(metadata={"description": "SHA-256 of the definition's canonical JSON (RFC 8785)"})
    segments = ma.fields.Nested(CodeSegmentsSchema)
    required_level = ma.fields.Integer(
        metadata={"description": "申请所需实名等级 / assurance level needed to apply, 2 to 5"}
    )


class PublishedSchema(ma.Schema):
    """The version that says what was handed in."""

    item_code = ma.fields.String()
    version = ma.fields.Integer()
    created = ma.fields.Boolean(metadata={"description": "false: this version was published before"})


class RetirementRequestSchema(ma.Schema):
    """取消事项."""

    reason = words(1000)
    retired_on = ma.fields.Date(load_default=None, metadata={"description": "default: today in Asia/Shanghai"})


class RetiredSchema(ma.Schema):
    """The end of an item."""

    item_code = ma.fields.String()
    retired_on = ma.fields.String(metadata={"format": "date"})
    reason = ma.fields.String()


Proofs = Mapping[str, Sequence[Proof]]


def shown_proofs(proofs: Proofs) -> dict[str, Any]:
    """``produced_by`` of a guide."""
    return {
        code: [{"item_code": one.item_code, "name": one.name, "name_en": one.name_en} for one in found]
        for code, found in proofs.items()
    }


def guide_body(guide: Guide, proofs: Proofs) -> dict[str, Any]:
    """``GuideSchema``'s input for ``guide``."""
    return guide.definition | {
        "version": guide.version,
        "state": guide.state,
        "retired_on": guide.retired_on,
        "retired_reason": guide.retired_reason,
        "suspended_reason": guide.suspended_reason,
        "produced_by": shown_proofs(proofs),
        "published_at": guide.published_at,
        "content_hash": guide.content_hash,
        "segments": _segments(guide.item_code),
        "required_level": least_level(guide.definition.get("min_level"), guide.definition["item_type"]),
    }


def _segments(item_code: str) -> dict[str, Any]:
    item = codes.parse_item_code(item_code)
    basic = codes.parse_basic_code(item.basic_code)
    return {
        "uscc": item.uscc,
        "level": _label(v.EXERCISE_LEVELS, item.level),
        "region": basic.region,
        "item_type": _label(v.ITEM_TYPES, basic.item_type),
        "department": basic.department,
        "main_item": basic.main_item,
        "sub_item": basic.sub_item,
    }


def _label(labels: v.Labels, code: str) -> dict[str, str]:
    zh, en = labels.get(code, ("扩展", "Extension"))
    return {"code": code, "zh": zh, "en": en}


def vocabulary_body() -> dict[str, list[dict[str, str]]]:
    """``VocabularySchema``'s input."""
    return {name: [_label(labels, code) for code in labels] for name, labels in v.LISTS.items()}
