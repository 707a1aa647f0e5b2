"""One version of an item as a department writes it, and what of it the cases freeze."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from contracts.item import (
    Batch,
    Commitment,
    DeliveryWay,
    EligibilityQuestion,
    Extension,
    Item,
    Limit,
    MaterialRule,
    PlanStep,
    Renewal,
    SpecialProcedure,
    StartEvent,
)
from services.catalog.domain.elements import (
    Agency,
    Channel,
    EntrustingAgency,
    ExaminationRule,
    Faq,
    Fee,
    HandlingItem,
    IntermediaryService,
    JointAgency,
    LegalBasis,
    Material,
    Office,
    Policy,
    Result,
    Stage,
    Venue,
    Words,
)
from services.catalog.domain.vocabulary import LICENSING, PUBLIC


@dataclass(frozen=True, kw_only=True)
class ItemDefinition:
    """Everything that a version says. Codes are those of ``vocabulary``; dates are of Asia/Shanghai.

    ``cancel_on`` is 计划取消日期. ``former_basic_code``: the 10 digits of the 2016 generation. ``min_level`` is the least
    assurance (实名等级) of who applies; None leaves it to the kind of item. ``limit_basis`` founds a limit other than that of
    行政许可法 §42. ``online_depths`` are what can be done online (网上办理深度 1-7), ``online_level`` sums them up.
    ``risk_fields``: fields in which no promise may stand in for a material. What ``contracts.item.Item`` has under the same
    name is explained there.
    """

    item_code: str
    basic_code: str
    name: str
    name_en: str
    item_type: str
    effective_from: date
    agency: Agency
    power_source: str
    lead_department: str
    bases: tuple[LegalBasis, ...]
    service_objects: tuple[str, ...]
    person_topics: tuple[str, ...]
    organisation_topics: tuple[str, ...]
    case_kind: str
    conditions: tuple[Words, ...]
    statutory_limit: Limit
    committed_limit: Limit
    limit_note: str
    limit_note_en: str
    flow: tuple[Stage, ...]
    handling_forms: tuple[str, ...]
    on_site_visits: int
    on_site_reason: str
    online_level: str
    fee: Fee
    office: Office
    form_schema: dict[str, Any]
    materials: tuple[Material, ...]
    plan: tuple[PlanStep, ...]
    result: Result
    faqs: tuple[Faq, ...]
    handling_items: tuple[HandlingItem, ...]
    min_level: int | None = None
    former_basic_code: str = ""
    local_code: str = ""
    cancel_on: date | None = None
    secrecy: str = PUBLIC
    entrusting_agency: EntrustingAgency | None = None
    joint_agencies: tuple[JointAgency, ...] = ()
    life_events: tuple[str, ...] = ()
    service_area: str = ""
    number_limit: Words | None = None
    on_site_reason_en: str = ""
    online_depths: tuple[str, ...] = ()
    online_url: str = ""
    mobile_url: str = ""
    entry_centre: bool = False
    self_service_terminal: bool = False
    venues: tuple[Venue, ...] = ()
    enquiry_channels: tuple[Channel, ...] = ()
    complaint_channels: tuple[Channel, ...] = ()
    examination_rules: tuple[ExaminationRule, ...] = ()
    policies: tuple[Policy, ...] = ()
    remedies: tuple[Words, ...] = ()
    intermediary_services: tuple[IntermediaryService, ...] = ()
    risk_fields: tuple[str, ...] = ()
    limit_basis: str = ""
    clock_starts_on: StartEvent = "accepted"
    joint: bool = False
    extension: Extension | None = None
    special_procedures: tuple[SpecialProcedure, ...] = ()
    batches: tuple[Batch, ...] = ()
    commitment: Commitment | None = None
    eligibility: tuple[EligibilityQuestion, ...] = ()
    delivery_ways: tuple[DeliveryWay, ...] = ("electronic",)
    appointments: bool = False
    renewal: Renewal | None = None


def departments_of(definition: ItemDefinition) -> frozenset[str]:
    """Codes of every department that the item needs."""
    partners = {agency.department for agency in definition.joint_agencies if agency.department}
    return frozenset({definition.lead_department} | {step.department for step in definition.plan} | partners)


def basis_line(definition: ItemDefinition) -> str:
    """The legal basis in one line, the same for every department that has the item."""
    return "；".join(sorted(f"{basis.title}{basis.article}" for basis in definition.bases))


def to_item(definition: ItemDefinition, version: int) -> Item:
    """The part of a version that cases freeze, as other services hear of it."""
    return Item(
        item_code=definition.item_code,
        version=version,
        basic_code=definition.basic_code,
        name=definition.name,
        name_en=definition.name_en,
        item_type=definition.item_type,
        lead_department=definition.lead_department,
        statutory_limit=definition.statutory_limit,
        committed_limit=definition.committed_limit,
        form_schema=definition.form_schema,
        materials=tuple(_rule(material) for material in definition.materials),
        plan=definition.plan,
        result=definition.result.licence,
        min_level=least_level(definition.min_level, definition.item_type),
        case_kind=definition.case_kind,
        clock_starts_on=definition.clock_starts_on,
        joint=definition.joint,
        extension=definition.extension,
        special_procedures=definition.special_procedures,
        batches=definition.batches,
        commitment=definition.commitment,
        eligibility=definition.eligibility,
        delivery_ways=definition.delivery_ways,
        appointments=definition.appointments,
        renewal=definition.renewal,
    )


def least_level(said: int | None, item_type: str) -> int:
    """As the definition says, else 4 (three items verified) for a licence and 3 (two) for any other application."""
    if said is not None:
        return said
    return 4 if item_type == LICENSING else 3


def _rule(material: Material) -> MaterialRule:
    return MaterialRule(
        code=material.code,
        name=material.name,
        name_en=material.name_en,
        required=material.required,
        basis=material.basis,
        media_types=material.media_types,
        max_bytes=material.max_bytes,
        when=material.when,
        later_working_days=material.later_working_days,
        licence_type=material.licence_type,
    )
