"""The parts that the guide of an item is made of (实施清单要素), bilingual. Source: ZWFW C0109, GB/T 39554.

Codes are those of ``vocabulary``; what has a default need not be written.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from contracts.item import Condition, LicenceTemplate


@dataclass(frozen=True, kw_only=True)
class LegalBasis:
    """设定依据: a law with the article and its words. ``number`` is the document's (文号), ``url`` where it can be read."""

    title: str
    title_en: str
    article: str
    text: str
    number: str = ""
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class Agency:
    """实施主体. ``kind`` is a code of AGENCY_KINDS."""

    name: str
    name_en: str
    kind: str


@dataclass(frozen=True, kw_only=True)
class EntrustingAgency:
    """委托部门: whose power it is that the agency exercises."""

    name: str
    name_en: str
    uscc: str
    basis: str


@dataclass(frozen=True, kw_only=True)
class JointAgency:
    """联办机构. ``department`` is the code of the department if it is one of the platform's."""

    name: str
    name_en: str
    department: str = ""


@dataclass(frozen=True, kw_only=True)
class Words:
    """A sentence of the guide."""

    text: str
    text_en: str


@dataclass(frozen=True, kw_only=True)
class Stage:
    """One stage of the flow that the citizen sees (办理流程), such as 受理. Steps of the plan name it by ``code``."""

    name: str
    name_en: str
    text: str
    text_en: str
    code: str = ""


@dataclass(frozen=True, kw_only=True)
class FeeItem:
    """收费项目. ``amount_cents`` is None where the standard is no fixed sum; ``reductions`` say who pays less (减免)."""

    code: str
    name: str
    name_en: str
    basis: str
    standard: str
    standard_en: str
    amount_cents: int | None = None
    reductions: tuple[Words, ...] = ()


@dataclass(frozen=True, kw_only=True)
class Fee:
    """收费. ``basis``, ``standard`` and ``items`` are empty when nothing is charged."""

    charged: bool
    basis: str = ""
    standard: str = ""
    online_payment: bool = False
    items: tuple[FeeItem, ...] = ()


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
class OpeningHours:
    """Open on ``weekdays`` (1 Monday to 7 Sunday) from ``opens`` to ``closes``, times such as ``09:00`` in Asia/Shanghai."""

    weekdays: tuple[int, ...]
    opens: str
    closes: str


@dataclass(frozen=True, kw_only=True)
class Venue:
    """办理地点: one of the places where the item is handled."""

    name: str
    name_en: str
    address: str
    address_en: str
    hours: tuple[OpeningHours, ...]
    window: str = ""
    phone: str = ""


@dataclass(frozen=True, kw_only=True)
class Channel:
    """A way to ask (咨询) or to complain (监督投诉). ``kind`` is a code of CHANNEL_KINDS, ``address`` a number, link or place."""

    kind: str
    address: str
    note: str = ""
    note_en: str = ""


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """A blank form or a sample: where it can be fetched, or what it says, label -> text."""

    name: str
    name_en: str
    url: str = ""
    lines: dict[str, str] = field(default_factory=dict)


@dataclass(frozen=True, kw_only=True)
class Material:
    """申请材料.

    ``kind``, ``form`` and ``source`` are codes; ``copies`` counts the paper, of which ``originals`` and ``photocopies`` where
    that is said; ``max_bytes`` bounds one file. ``main``: 主要材料. ``when``, ``later_working_days`` and ``licence_type`` are
    those of ``contracts.item.MaterialRule``.
    """

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
    main: bool = False
    originals: int | None = None
    photocopies: int | None = None
    page_format: str = ""
    in_person: bool = False
    blank_form: Attachment | None = None
    sample: Attachment | None = None
    acceptance_standard: Words | None = None
    source_note: Words | None = None
    issuing_agency: str = ""
    issuing_agency_en: str = ""
    when: tuple[Condition, ...] = ()
    not_required: Words | None = None
    later_working_days: int | None = None
    licence_type: str | None = None


@dataclass(frozen=True, kw_only=True)
class Result:
    """审批结果. ``sample`` is a specimen: what the licence says, label -> example. ``sample_document``: its image."""

    kind: str
    licence: LicenceTemplate
    sample: dict[str, str]
    sample_document: Attachment | None = None


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
class ExaminationRule:
    """审查要点: what is looked at in a step of the plan. ``step`` is empty where it holds for all of them."""

    point: str
    point_en: str
    standard: str
    standard_en: str
    step: str = ""
    basis: str = ""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """法律法规和政策文件 beyond the basis of the item. ``kind`` is a code of POLICY_KINDS, ``number`` the 文号."""

    kind: str
    title: str
    title_en: str
    number: str = ""
    url: str = ""


@dataclass(frozen=True, kw_only=True)
class IntermediaryService:
    """中介服务: what the applicant must have done by somebody else, on which ``basis``; the applicant chooses who does it."""

    name: str
    name_en: str
    basis: str
    providers: str
    providers_en: str
    fee: str
    fee_en: str
    material: str = ""
