"""One version of an item as a department writes it: every element of the guide (实施清单要素), bilingual."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date
from typing import Any

from contracts.item import Item, LicenceTemplate, Limit, MaterialRule, PlanStep
from services.catalog.domain.vocabulary import LICENSING


@dataclass(frozen=True, kw_only=True)
class LegalBasis:
    """设定依据: a law with the article and its words."""

    title: str
    title_en: str
    article: str
    text: str


@dataclass(frozen=True, kw_only=True)
class Agency:
    """实施主体. ``kind`` is a code of AGENCY_KINDS."""

    name: str
    name_en: str
    kind: str


@dataclass(frozen=True, kw_only=True)
class Words:
    """A sentence of the guide."""

    text: str
    text_en: str


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of the flow that the citizen sees (办理流程), such as 受理."""

    name: str
    name_en: str
    text: str
    text_en: str


@dataclass(frozen=True, kw_only=True)
class Fee:
    """收费. ``basis`` and ``standard`` are empty when nothing is charged."""

    charged: bool
    basis: str = ""
    standard: str = ""
    online_payment: bool = False


@dataclass(frozen=True, kw_only=True)
class Office:
    """Where and when one can ask, and whom to complain to."""

    address: str
    address_en: str
    hours: str
    hours_en: str
    consultation_phone: str
    complaint_phone: str


@dataclass(frozen=True, kw_only=True)
class Material:
    """申请材料. ``kind``, ``form`` and ``source`` are codes; ``copies`` counts paper; ``max_bytes`` bounds one file."""

    code: str
    name: str
    name_en: str
    required: bool
    basis: str
    media_types: tuple[str, ...]
    max_bytes: int
    kind: str
    form: str
    source: str
    copies: int
    signature: str
    signature_en: str
    filling_guide: str
    filling_guide_en: str


@dataclass(frozen=True, kw_only=True)
class Result:
    """审批结果. ``sample`` is a specimen: what the licence says, label -> example."""

    kind: str
    licence: LicenceTemplate
    sample: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Faq:
    """常见问题."""

    question: str
    question_en: str
    answer: str
    answer_en: str


@dataclass(frozen=True, kw_only=True)
class HandlingItem:
    """业务办理项: a variant of the item with its own 33-character code."""

    code: str
    name: str
    name_en: str


@dataclass(frozen=True, kw_only=True)
class ItemDefinition:
    """Everything that a version says. Codes are those of ``vocabulary``; ``effective_from`` is an Asia/Shanghai date.

    ``min_level`` is the least assurance (实名等级) of who applies; None leaves it to the kind of item.
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


def departments_of(definition: ItemDefinition) -> frozenset[str]:
    """Codes of every department that the item needs."""
    return frozenset({definition.lead_department} | {step.department for step in definition.plan})


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
    )
