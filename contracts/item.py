"""Facts about service items (政务服务事项). Owner: catalog."""

from __future__ import annotations

from datetime import date
from typing import Any, ClassVar, Literal

import msgspec

from contracts.envelope import Event

StepKind = Literal["acceptance", "opinion", "examination", "decision", "delivery"]
LimitUnit = Literal["working_day", "day", "month"]


class Limit(msgspec.Struct, frozen=True, kw_only=True):
    """A statutory or committed time limit (法定时限/承诺时限)."""

    amount: int
    unit: LimitUnit = "working_day"


class MaterialRule(msgspec.Struct, frozen=True, kw_only=True):
    """One material of the guide (申请材料). ``max_bytes`` bounds one file."""

    code: str
    name: str
    name_en: str
    required: bool
    basis: str
    media_types: tuple[str, ...]
    max_bytes: int


class PlanStep(msgspec.Struct, frozen=True, kw_only=True):
    """One department's part (环节). It starts when every step named in ``after`` has agreed."""

    step: str
    name: str
    name_en: str
    department: str
    kind: StepKind
    limit_working_days: int
    after: tuple[str, ...] = ()


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


class Item(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """One version of one item as cases freeze it. ``item_code`` is the 31-character 实施编码.

    ``min_level`` is the least assurance (实名等级, 2 to 5) of whoever applies.
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


class ItemPublished(Event, frozen=True, kw_only=True):
    """A version of an item is in force from ``effective_from`` (a date in Asia/Shanghai)."""

    TYPE: ClassVar[str] = "item.published.v1"
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
