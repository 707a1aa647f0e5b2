"""Facts about service items (政务服务事项). Owner: catalog."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar, Literal

import msgspec

from contracts.envelope import Event

StepKind = Literal["pre_review", "acceptance", "opinion", "examination", "ruling", "decision", "delivery", "check"]
LimitUnit = Literal["working_day", "day", "month"]
StartEvent = Literal["assigned", "received", "accepted", "batch_closed"]
DeliveryWay = Literal["electronic", "post", "pick_up"]
Rank = Literal["agency_head", "government_head"]
Answer = bool | int | float | str


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A statutory or committed time limit (法定时限/承诺时限)."""

    amount: int
    unit: LimitUnit = "working_day"


class Condition(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Holds when the form's answer to ``field`` is one of ``one_of`` and within the bounds, as far as these are given.

    A field that is not answered meets no condition.
    """

    field: str
    one_of: tuple[Answer, ...] = ()
    at_least: float | None = None
    at_most: float | None = None


class MaterialRule(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One material of the guide (申请材料). ``max_bytes`` bounds one file.

    ``when``: asked for only if all conditions hold (非必要时办理情形). ``later_working_days``: may follow so many working days
    after acceptance if the applicant commits to it (容缺后补); None: it may not. ``licence_type``: the 证照类型代码 of the
    licence that stands in for it when the government holds one (免提交).
    """

    code: str
    name: str
    name_en: str
    required: bool
    basis: str
    media_types: tuple[str, ...]
    max_bytes: int
    when: tuple[Condition, ...] = ()
    later_working_days: int | None = None
    licence_type: str | None = None


class PlanStep(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One department's part (环节). It starts when every step named in ``after`` is done, those that do not apply left out.

    ``when``: the step applies only if all conditions hold. ``limit`` is its time, ``limit_working_days`` when None, counted from
    ``starts_on``. ``materials`` and ``fields`` are what the department sees of the application; None: all of it.
    ``officers``: how many must sign (实质核查: 2).
    """

    step: str
    name: str
    name_en: str
    department: str
    kind: StepKind
    limit_working_days: int
    after: tuple[str, ...] = ()
    when: tuple[Condition, ...] = ()
    limit: Limit | None = None
    starts_on: StartEvent = "assigned"
    stage: str = ""
    materials: tuple[str, ...] | None = None
    fields: tuple[str, ...] | None = None
    officers: int = 1


class LicenceTemplate(msgspec.Struct, frozen=True, kw_only=True):
    """What the item yields (审批结果). ``type_code`` is the 证照类型代码: definer's USCC (18) + 3 digits.

    ``printed_fields`` names the form's fields that stand on the licence, in order; empty: none of them.
    """

    name: str
    name_en: str
    type_code: str
    issuer_name: str
    issuer_uscc: str
    valid_years: int | None = None
    printed_fields: tuple[str, ...] = ()


class Extension(msgspec.Struct, frozen=True, kw_only=True):
    """延长: how much longer the decision may take, once, if somebody of this rank approves. Source: 行政许可法 §42."""

    limit: Limit
    approver: Rank


class SpecialProcedure(msgspec.Struct, frozen=True, kw_only=True):
    """特别程序: its time does not count once the applicant has been told how long it takes. Source: 行政许可法 §45."""

    code: str
    name: str
    name_en: str
    longest: Limit


class Batch(msgspec.Struct, frozen=True, kw_only=True):
    """A round in which applications are taken in (受理批次); both dates, in Asia/Shanghai, belong to it."""

    name: str
    name_en: str
    opens: date
    closes: date


class Commitment(msgspec.Struct, frozen=True, kw_only=True):
    """告知承诺: what the applicant may promise instead of handing in ``materials``, and when it is checked after the decision."""

    materials: tuple[str, ...]
    text: str
    text_en: str
    check_within: Limit


class EligibilityQuestion(msgspec.Struct, frozen=True, kw_only=True):
    """Asked before one applies; who does not answer ``must_be`` is told ``otherwise``."""

    code: str
    question: str
    question_en: str
    must_be: bool
    otherwise: str
    otherwise_en: str


class Renewal(msgspec.Struct, frozen=True, kw_only=True):
    """延续: the item renews licences of this type; who applied in time and has no decision at expiry is renewed. §50."""

    licence_type: str
    days_before_expiry: int = 30


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version of one item as cases freeze it. ``item_code`` is the 31-character 实施编码.

    ``min_level`` is the least assurance (实名等级, 2 to 5) of whoever applies. ``case_kind`` is 办件类型 (1 即办件, 2 承诺件,
    9 其他); the clock of the decision starts on ``clock_starts_on``. ``joint``: several departments decide together.
    """

    item_code: str
    version: int
    basic_code: str
    name: str
    name_en: str
    item_type: str
    lead_department: str
    statutory_limit: Limit
    committed_limit: Limit
    form_schema: dict[str, Any]
    materials: tuple[MaterialRule, ...]
    plan: tuple[PlanStep, ...]
    result: LicenceTemplate
    min_level: int = 2
    case_kind: str = "2"
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


class PackagePart(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One item of a package. ``materials`` maps the item's material codes to the package's; ``when`` as in ``PlanStep``."""

    item_code: str
    materials: dict[str, str]
    fields: dict[str, str]
    when: tuple[Condition, ...] = ()


class Package(msgspec.Struct, frozen=True, kw_only=True):
    """一件事: several items applied for at once with one form and each material once.

    ``fields`` of a part map the fields of the item's form to those of the package's.
    """

    package_code: str
    version: int
    name: str
    name_en: str
    lead_department: str
    form_schema: dict[str, Any]
    materials: tuple[MaterialRule, ...]
    parts: tuple[PackagePart, ...]


class ItemPublished(Event, frozen=True, kw_only=True):
    """A version of an item is in force from ``effective_from`` (a date in Asia/Shanghai)."""

    TYPE: ClassVar[str] = "item.published.v2"
    SUBJECT: ClassVar[str | None] = "item_code"
    item_code: str
    effective_from: date
    item: Item


class ItemRetired(Event, frozen=True, kw_only=True):
    """No new case may be opened on the item from ``retired_on`` on; running cases go on."""

    TYPE: ClassVar[str] = "item.retired.v1"
    SUBJECT: ClassVar[str | None] = "item_code"
    item_code: str
    retired_on: date
    reason: str


class ItemSuspended(Event, frozen=True, kw_only=True):
    """暂停: no new case may be opened until ``item.resumed``; running cases go on."""

    TYPE: ClassVar[str] = "item.suspended.v1"
    SUBJECT: ClassVar[str | None] = "item_code"
    item_code: str
    reason: str


class ItemResumed(Event, frozen=True, kw_only=True):
    """恢复: applications are taken in again."""

    TYPE: ClassVar[str] = "item.resumed.v1"
    SUBJECT: ClassVar[str | None] = "item_code"
    item_code: str


class PackagePublished(Event, frozen=True, kw_only=True):
    """A version of a package of items is in force from ``effective_from`` (a date in Asia/Shanghai)."""

    TYPE: ClassVar[str] = "package.published.v1"
    SUBJECT: ClassVar[str | None] = "package_code"
    package_code: str
    effective_from: date
    package: Package


class PackageRetired(Event, frozen=True, kw_only=True):
    """A package may not be applied for from ``retired_on`` on; its items still may, and running bundles go on."""

    TYPE: ClassVar[str] = "package.retired.v1"
    SUBJECT: ClassVar[str | None] = "package_code"
    package_code: str
    retired_on: date
    reason: str
