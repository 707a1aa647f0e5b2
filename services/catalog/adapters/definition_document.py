"""The written form of a definition, the same in YAML files and in the API: its schema, and the way in and out."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import MISSING, fields, is_dataclass
from datetime import date
from typing import Any

import marshmallow as ma
import msgspec
import rfc8785
from marshmallow.validate import Length, Regexp

from contracts.item import LicenceTemplate, Limit, PlanStep
from services.catalog.adapters import element_schemas as e
from services.catalog.adapters import process_schemas as p
from services.catalog.adapters.plain_json import require_plain_json, require_plain_text
from services.catalog.adapters.schema_fields import (
    LawDate,
    flag,
    many,
    one_of,
    optional_many,
    optional_one_of,
    optional_part,
    optional_several_of,
    optional_whole,
    optional_words,
    several_of,
    short_name,
    web_address,
    whole,
    words,
)
from services.catalog.domain import vocabulary as v
from services.catalog.domain.definition import ItemDefinition
from services.catalog.domain.elements import Fee

WRITTEN_OUT: Mapping[type, frozenset[str]] = {
    Fee: frozenset({"basis", "standard", "online_payment"}),
    Limit: frozenset({"unit"}),
    PlanStep: frozenset({"after"}),
    LicenceTemplate: frozenset({"valid_years", "printed_fields"}),
}
"""Defaults that are written out: what was published before says them, and keeps its hash."""


class ResultSchema(ma.Schema):
    """审批结果."""

    kind = one_of(v.RESULT_KINDS)
    licence = ma.fields.Nested(p.LicenceTemplateSchema, required=True)
    sample = ma.fields.Dict(
        keys=ma.fields.String(validate=[Length(min=1, max=100), require_plain_text]),
        values=ma.fields.String(validate=[Length(max=500), require_plain_text]),
        required=True,
    )
    sample_document = optional_part(e.AttachmentSchema, "结果样本")


class ProcessSchema(ma.Schema):
    """How the item is handled beyond its plan."""

    clock_starts_on = optional_one_of(
        v.START_EVENTS, "accepted", "办理期限起算 / what starts the clock of the decision"
    )
    joint = flag("联合、集中办理 / several departments decide together")
    limit_basis = optional_words(500, "其他法律规定的期限的依据 / basis of a limit other than article 42's")
    extension = optional_part(p.ExtensionSchema, "延长")
    special_procedures = optional_many(p.SpecialProcedureSchema, 20, "特别程序")
    batches = optional_many(p.BatchSchema, 40, "受理批次 / rounds of applications")
    commitment = optional_part(p.CommitmentSchema, "告知承诺")
    risk_fields = optional_several_of(v.RISK_FIELDS, about="不适用告知承诺的领域 / fields without promises")
    eligibility = optional_many(p.EligibilityQuestionSchema, 20, "申请条件自测")
    delivery_ways = optional_several_of(v.DELIVERY_WAYS, "electronic", about="送达方式")
    appointments = flag("支持预约 / appointments can be made")
    renewal = optional_part(p.RenewalSchema, "延续")


class ItemDefinitionSchema(ProcessSchema):
    """A version of an item as a department writes it."""

    item_code = words(40, about="实施编码 (31)")
    basic_code = words(20, about="基本编码 (12)")
    name, name_en = words(200), words(300)
    item_type = ma.fields.String(required=True, validate=Regexp(r"^[0-9]{2}\Z"), metadata={"description": "事项类型"})
    effective_from = LawDate(required=True, metadata={"description": "计划生效日期 (Asia/Shanghai)"})
    agency = ma.fields.Nested(e.AgencySchema, required=True)
    power_source = one_of(v.POWER_SOURCES, "权力来源")
    lead_department = short_name("牵头部门 / department code")
    bases = many(e.LegalBasisSchema, 30)
    service_objects = several_of(v.SERVICE_OBJECTS)
    person_topics = ma.fields.List(ma.fields.String(validate=Regexp(r"^[0-9]{3}\Z")), load_default=list)
    organisation_topics = ma.fields.List(ma.fields.String(validate=Regexp(r"^[0-9]{3}\Z")), load_default=list)
    case_kind = one_of(v.CASE_KINDS, "办件类型")
    conditions = many(e.WordsSchema, 50)
    statutory_limit = ma.fields.Nested(p.LimitSchema, required=True)
    committed_limit = ma.fields.Nested(p.LimitSchema, required=True)
    limit_note, limit_note_en = optional_words(1000), optional_words(1500)
    flow = many(e.StageSchema, 30)
    handling_forms = several_of(v.HANDLING_FORMS)
    on_site_visits = whole(0, 20, "到办事现场次数")
    on_site_reason, on_site_reason_en = optional_words(500, "必须到现场的原因"), optional_words(800)
    online_level = one_of(v.ONLINE_LEVELS, "网上办理深度")
    fee = ma.fields.Nested(e.FeeSchema, required=True)
    office = ma.fields.Nested(e.OfficeSchema, required=True)
    form_schema = ma.fields.Dict(required=True, validate=require_plain_json)
    materials = many(e.MaterialSchema, 100)
    plan = many(p.PlanStepSchema, 100)
    result = ma.fields.Nested(ResultSchema, required=True)
    faqs = many(e.FaqSchema, 100)
    handling_items = many(e.HandlingItemSchema, 99)
    min_level = optional_whole(2, 5, "最低实名等级 / least assurance level; by the kind of item when left out")
    former_basic_code = optional_words(20, "2016年版基本编码（10位）/ basic code of the 2016 generation")
    local_code = optional_words(60, "本地事项编码 / the agency's own code")
    cancel_on = LawDate(load_default=None, allow_none=True, metadata={"description": "计划取消日期"})
    secrecy = optional_one_of(v.SECRECY, v.PUBLIC, "密级")
    entrusting_agency = optional_part(e.EntrustingAgencySchema, "委托部门")
    joint_agencies = optional_many(e.JointAgencySchema, 30, "联办机构")
    life_events = optional_several_of(v.LIFE_EVENTS, about="人生大事、生命周期 / life events")
    service_area = optional_one_of(v.SERVICE_AREAS, "", "通办范围")
    number_limit = optional_part(e.WordsSchema, "数量限制")
    online_depths = optional_several_of(v.ONLINE_DEPTHS, about="网上办理深度（多选）")
    online_url, mobile_url = web_address("网上办理地址"), web_address("移动端办理地址")
    entry_centre = flag("进驻政务大厅 / at the service centre")
    self_service_terminal = flag("支持自助终端 / at self-service terminals")
    venues = optional_many(e.VenueSchema, 30, "办理地点")
    enquiry_channels = optional_many(e.ChannelSchema, 20, "咨询方式")
    complaint_channels = optional_many(e.ChannelSchema, 20, "监督投诉方式")
    examination_rules = optional_many(e.ExaminationRuleSchema, 100, "审查要点")
    policies = optional_many(e.PolicySchema, 50, "法律法规和政策文件")
    remedies = optional_many(e.WordsSchema, 10, "行政复议和行政诉讼 / remedies")
    intermediary_services = optional_many(e.IntermediaryServiceSchema, 20, "中介服务")


def definition_of(loaded: Mapping[str, Any]) -> ItemDefinition:
    """The definition in what ``ItemDefinitionSchema`` has loaded."""
    return msgspec.convert(loaded, ItemDefinition)


def document_of(definition: ItemDefinition) -> dict[str, Any]:
    """Plain JSON of a definition, as it is stored and shown; parts that say no more than their default are left out."""
    document: dict[str, Any] = _plain(definition)
    return document


def content_hash(document: Mapping[str, Any]) -> str:
    """SHA-256 (hex) of the canonical JSON (RFC 8785): the same words give the same hash wherever they were written."""
    return hashlib.sha256(rfc8785.dumps(dict(document))).hexdigest()


def _plain(value: Any) -> Any:
    if isinstance(value, msgspec.Struct):
        return _written(value, {f.name: _default(f) for f in msgspec.structs.fields(value)})
    if is_dataclass(value) and not isinstance(value, type):
        return _written(value, {f.name: _default(f) for f in fields(value)})
    if isinstance(value, date):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [_plain(inner) for inner in value]
    if isinstance(value, Mapping):
        return {key: _plain(inner) for key, inner in value.items()}
    return value


def _written(part: Any, defaults: Mapping[str, Any]) -> dict[str, Any]:
    written_out = WRITTEN_OUT.get(type(part), frozenset())
    return {
        name: _plain(getattr(part, name))
        for name, default in defaults.items()
        if name in written_out or getattr(part, name) != default
    }


def _default(field: Any) -> Any:
    """What a field has when nothing is said; a value that equals nothing where something has to be said."""
    if field.default_factory is not MISSING and field.default_factory is not msgspec.NODEFAULT:
        return field.default_factory()
    return field.default
