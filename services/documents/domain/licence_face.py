"""What stands on the face of a licence: strings only, short enough to print. The attachment holds everything in full."""

from __future__ import annotations

import json
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date
from typing import Any

from contracts.case import CaseApproved
from contracts.item import Item
from services.documents.domain.holder import PERSON, Holder

LONGEST_VALUE = 300
LONGEST_LABEL = 40
WIDEST_HALF = 26
MOST_PARTICULARS = 40
SEE_ATTACHMENT = "……（全文见附件 / in full in the attachment）"


@dataclass(frozen=True)
class Particular:
    """One fact of the form. ``wide``: it needs a line of its own; two others share one."""

    label: str
    label_en: str
    value: str
    wide: bool


@dataclass(frozen=True)
class LicenceFace:
    """The texts of the certificate, Chinese with English beside it."""

    licence_no: str
    case_no: str
    title: str
    title_en: str
    item: str
    item_en: str
    issuer: str
    holder: str
    code_label: str
    code_label_en: str
    holder_code: str
    issued_on: str
    validity: str
    validity_en: str
    particulars: tuple[Particular, ...]


def compose_face(
    event: CaseApproved, *, item: Item, holder: Holder, licence_no: str, issued_on: date, until: date | None
) -> LicenceFace:
    """The face of the licence that ``event`` grants."""
    person = holder.code_type == PERSON
    return LicenceFace(
        licence_no=licence_no,
        case_no=event.case_no,
        title=event.licence.name,
        title_en=event.licence.name_en,
        item=event.item_name,
        item_en=item.name_en,
        issuer=event.licence.issuer_name,
        holder=_cut(holder.name, LONGEST_VALUE),
        code_label="公民身份号码" if person else "统一社会信用代码",
        code_label_en="Identity number" if person else "Unified social credit code",
        holder_code=holder.code,
        issued_on=in_chinese(issued_on),
        validity=f"{in_chinese(issued_on)}至{in_chinese(until)}" if until else f"{in_chinese(issued_on)}起长期有效",
        validity_en=f"{issued_on} to {until}" if until else f"from {issued_on}, no expiry",
        particulars=compose_particulars(event.facts, item.form_schema) + _conditions(event),
    )


def compose_particulars(facts: Mapping[str, Any], form_schema: Mapping[str, Any]) -> tuple[Particular, ...]:
    """The facts in the order they were decided in, under the form's titles and in its words."""
    fields = form_schema.get("properties", {})
    rows = [_particular(name, facts[name], fields.get(name, {})) for name in list(facts)[:MOST_PARTICULARS]]
    if left := len(facts) - len(rows):
        rows.append(Particular("其余", "More", f"{left} {SEE_ATTACHMENT}", wide=True))
    return tuple(rows)


def _conditions(event: CaseApproved) -> tuple[Particular, ...]:
    """附注: on what conditions it was granted."""
    if not event.conditions:
        return ()
    return (Particular("附条件", "Conditions", _cut("；".join(event.conditions), LONGEST_VALUE), wide=True),)


def in_chinese(day: date) -> str:
    """2026年1月5日."""
    return f"{day.year}年{day.month}月{day.day}日"


def _particular(name: str, value: Any, field: Mapping[str, Any]) -> Particular:
    text = _cut(_text(value, field), LONGEST_VALUE)
    return Particular(
        label=_cut(str(field.get("title", name)), LONGEST_LABEL),
        label_en=_cut(str(field.get("title_en", "")), LONGEST_LABEL),
        value=text,
        wide=sum(2 if unicodedata.east_asian_width(sign) in "WF" else 1 for sign in text) > WIDEST_HALF,
    )


def _text(value: Any, field: Mapping[str, Any]) -> str:
    for choice in field.get("oneOf", ()):
        if "const" in choice and choice["const"] == value:
            return f"{choice.get('title', value)} {choice.get('title_en', '')}".strip()
    if isinstance(value, bool):
        return "是 Yes" if value else "否 No"
    if value is None or value == "":
        return "—"
    if isinstance(value, list) and not any(isinstance(part, list | dict) for part in value):
        return "、".join(_text(part, field.get("items", {})) for part in value)
    return value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)


def _cut(text: str, longest: int) -> str:
    return text if len(text) <= longest else text[:longest] + SEE_ATTACHMENT
