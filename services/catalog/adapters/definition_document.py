"""The written form of a definition, the same in YAML files and in the API: its schema, and the way in and out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any

import marshmallow as ma
import msgspec
import rfc8785
from marshmallow.validate import Length, OneOf, Range, Regexp

from services.catalog.adapters.plain_json import require_plain_json, require_plain_text
from services.catalog.domain import vocabulary as v
from services.catalog.domain.definition import ItemDefinition

NAME = r"^[a-z][a-z0-9_]*\Z"


def words(longest: int, *, may_be_empty: bool = False, about: str = "") -> ma.fields.String:
    """A required text of at most ``longest`` characters."""
    size = Length(min=0 if may_be_empty else 1, max=longest)
    return ma.fields.String(required=True, validate=[size, require_plain_text], metadata={"description": about})


def optional_words(longest: int) -> ma.fields.String:
    """A text that may be left out."""
    return ma.fields.String(load_default="", validate=[Length(max=longest), require_plain_text])


def one_of(labels: v.Labels, about: str = "") -> ma.fields.String:
    """A code of a code list."""
    return ma.fields.String(required=True, validate=OneOf(list(labels)), metadata={"description": about})


def several_of(labels: v.Labels) -> ma.fields.List[str]:
    """Codes of a code list."""
    return ma.fields.List(ma.fields.String(validate=OneOf(list(labels))), required=True, validate=Length(max=20))


def many(schema: type[ma.Schema], most: int) -> ma.fields.List[Any]:
    """A required list of at most ``most`` parts."""
    return ma.fields.List(ma.fields.Nested(schema), required=True, validate=Length(max=most))


def whole(least: int, most: int, about: str = "") -> ma.fields.Integer:
    """A required whole number."""
    return ma.fields.Integer(required=True, strict=True, validate=Range(least, most), metadata={"description": about})


def short_name(about: str = "") -> ma.fields.String:
    """A short name: department code, step, material code."""
    return ma.fields.String(required=True, validate=[Regexp(NAME), Length(max=40)], metadata={"description": about})


class LegalBasisSchema(ma.Schema):
    """设定依据."""

    title, title_en = words(200), words(300)
    article = words(60, may_be_empty=True, about="条款，如 第十五条")
    text = words(4000)


class AgencySchema(ma.Schema):
    """实施主体."""

    name, name_en = words(200), words(300)
    kind = one_of(v.AGENCY_KINDS)


class WordsSchema(ma.Schema):
    """A sentence in both languages."""

    text, text_en = words(2000), words(3000)


class StageSchema(ma.Schema):
    """办理流程的一个环节."""

    name, name_en = words(60), words(100)
    text, text_en = words(1000), words(2000)


class LimitSchema(ma.Schema):
    """时限; zero means 即办."""

    amount = whole(0, 3650)
    unit = ma.fields.String(required=True, validate=OneOf(("working_day", "day", "month")))


class FeeSchema(ma.Schema):
    """收费."""

    charged = ma.fields.Boolean(required=True)
    basis, standard = optional_words(1000), optional_words(1000)
    online_payment = ma.fields.Boolean(load_default=False)


class OfficeSchema(ma.Schema):
    """办理地点、时间和电话."""

    address, address_en = words(300), words(400)
    hours, hours_en = words(200), words(300)
    consultation_phone = words(40, may_be_empty=True, about="咨询电话")
    complaint_phone = words(40, may_be_empty=True, about="监督投诉电话")


class MaterialSchema(ma.Schema):
    """申请材料."""

    code = short_name("material code")
    name, name_en = words(200), words(300)
    required = ma.fields.Boolean(required=True)
    basis = words(500, may_be_empty=True, about="要求提供的依据")
    media_types = ma.fields.List(ma.fields.String(validate=Length(max=80)), required=True, validate=Length(max=20))
    max_bytes = whole(0, 2**31 - 1, "上限，字节 / bytes of one file at most")
    kind, form, source = one_of(v.MATERIAL_KINDS), one_of(v.MATERIAL_FORMS), one_of(v.MATERIAL_SOURCES)
    copies = whole(0, 20, "纸质份数")
    signature, signature_en = words(300), words(400)
    filling_guide, filling_guide_en = words(2000), words(3000)


class PlanStepSchema(ma.Schema):
    """一个部门的一个环节."""

    step = short_name("step, unique in the plan")
    name, name_en = words(100), words(200)
    department = short_name("department code")
    kind = ma.fields.String(
        required=True, validate=OneOf(("acceptance", "opinion", "examination", "decision", "delivery"))
    )
    limit_working_days = whole(1, 365)
    after = ma.fields.List(ma.fields.String(validate=Length(max=40)), load_default=list, validate=Length(max=100))


class LicenceTemplateSchema(ma.Schema):
    """审批结果的证照."""

    name, name_en = words(200), words(300)
    type_code = words(40, about="证照类型代码 / definer's credit code and 3 digits")
    issuer_name = words(200)
    issuer_uscc = words(40)
    valid_years = ma.fields.Integer(load_default=None, strict=True, allow_none=True, validate=Range(1, 100))
    printed_fields = ma.fields.List(
        ma.fields.String(validate=Length(min=1, max=100)),
        load_default=list,
        validate=Length(max=40),
        metadata={"description": "证照上打印的填写项 / fields of the form that stand on the licence"},
    )


class ResultSchema(ma.Schema):
    """审批结果."""

    kind = one_of(v.RESULT_KINDS)
    licence = ma.fields.Nested(LicenceTemplateSchema, required=True)
    sample = ma.fields.Dict(
        keys=ma.fields.String(validate=[Length(min=1, max=100), require_plain_text]),
        values=ma.fields.String(validate=[Length(max=500), require_plain_text]),
        required=True,
    )


class FaqSchema(ma.Schema):
    """常见问题."""

    question, question_en = words(500), words(800)
    answer, answer_en = words(3000), words(5000)


class HandlingItemSchema(ma.Schema):
    """业务办理项."""

    code = words(40)
    name, name_en = words(200), words(300)


class ItemDefinitionSchema(ma.Schema):
    """A version of an item as a department writes it."""

    item_code = words(40, about="实施编码 (31)")
    basic_code = words(20, about="基本编码 (12)")
    name, name_en = words(200), words(300)
    item_type = ma.fields.String(required=True, validate=Regexp(r"^[0-9]{2}\Z"), metadata={"description": "事项类型"})
    effective_from = ma.fields.Date(required=True, metadata={"description": "计划生效日期 (Asia/Shanghai)"})
    agency = ma.fields.Nested(AgencySchema, required=True)
    power_source = one_of(v.POWER_SOURCES, "权力来源")
    lead_department = short_name("牵头部门 / department code")
    bases = many(LegalBasisSchema, 30)
    service_objects = several_of(v.SERVICE_OBJECTS)
    person_topics = ma.fields.List(ma.fields.String(validate=Regexp(r"^[0-9]{3}\Z")), load_default=list)
    organisation_topics = ma.fields.List(ma.fields.String(validate=Regexp(r"^[0-9]{3}\Z")), load_default=list)
    case_kind = one_of(v.CASE_KINDS, "办件类型")
    conditions = many(WordsSchema, 50)
    statutory_limit = ma.fields.Nested(LimitSchema, required=True)
    committed_limit = ma.fields.Nested(LimitSchema, required=True)
    limit_note, limit_note_en = optional_words(1000), optional_words(1500)
    flow = many(StageSchema, 30)
    handling_forms = several_of(v.HANDLING_FORMS)
    on_site_visits = whole(0, 20, "到办事现场次数")
    on_site_reason = optional_words(500)
    online_level = one_of(v.ONLINE_LEVELS, "网上办理深度")
    fee = ma.fields.Nested(FeeSchema, required=True)
    office = ma.fields.Nested(OfficeSchema, required=True)
    form_schema = ma.fields.Dict(required=True, validate=require_plain_json)
    materials = many(MaterialSchema, 100)
    plan = many(PlanStepSchema, 100)
    result = ma.fields.Nested(ResultSchema, required=True)
    faqs = many(FaqSchema, 100)
    handling_items = many(HandlingItemSchema, 99)
    min_level = ma.fields.Integer(
        load_default=None,
        strict=True,
        allow_none=True,
        validate=Range(2, 5),
        metadata={"description": "最低实名等级 / least assurance level; by the kind of item when left out"},
    )


def definition_of(loaded: Mapping[str, Any]) -> ItemDefinition:
    """The definition in what ``ItemDefinitionSchema`` has loaded."""
    return msgspec.convert(loaded, ItemDefinition)


def document_of(definition: ItemDefinition) -> dict[str, Any]:
    """Plain JSON of a definition, as it is stored and shown."""
    document: dict[str, Any] = msgspec.json.decode(msgspec.json.encode(definition))
    if document["min_level"] is None:
        del document["min_level"]  # so that what was published before the field was known has the hash that it had
    return document


def content_hash(document: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON (RFC 8785): the same words give the same hash wherever they were written."""
    return hashlib.sha256(rfc8785.dumps(dict(document))).hexdigest()
