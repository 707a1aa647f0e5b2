"""Rules of sharing between departments. Source: 政务信息资源共享管理暂行办法 (国发〔2016〕51号), 政务信息资源目录编制指南."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal

from chassis.errors import Refusal
from contracts.sharing import SharingType
from services.catalog.domain.problems import Problem
from services.catalog.domain.vocabulary import Labels

ANSWER_WORKING_DAYS = 10
UNCONDITIONAL, CONDITIONAL, NOT_SHARED = "1", "2", "3"
SHARING_TYPES: Labels = {
    "1": ("无条件共享", "Shared without conditions"),
    "2": ("有条件共享", "Shared on conditions"),
    "3": ("不予共享", "Not shared"),
}
FORMATS: Labels = {
    "1": ("电子文件", "Document"),
    "2": ("电子表格", "Spreadsheet"),
    "3": ("数据库", "Database"),
    "4": ("图形图像", "Images"),
    "5": ("流媒体", "Streaming media"),
    "6": ("自描述格式", "Self-describing format"),
    "7": ("服务接口", "Service interface"),
}
WAYS: Labels = {"database": ("数据库", "Database"), "file": ("文件", "Files"), "service": ("服务接口", "Service")}
CYCLES: Labels = {
    "real_time": ("实时", "In real time"),
    "daily": ("每日", "Daily"),
    "weekly": ("每周", "Weekly"),
    "monthly": ("每月", "Monthly"),
    "quarterly": ("每季度", "Quarterly"),
    "yearly": ("每年", "Yearly"),
    "irregular": ("不定期", "Irregularly"),
}
FIELD_TYPES: Labels = {
    "C": ("字符型", "Text"),
    "N": ("数值型", "Number"),
    "D": ("日期型", "Date"),
    "T": ("日期时间型", "Date and time"),
    "L": ("逻辑型", "Yes or no"),
    "B": ("二进制", "Binary"),
}
CODE = re.compile(r"([1-9][0-9]{5}[0-9]{0,14})/([0-9]{1,12})")
"""类 1 + 项 2 + 目 3 + 细目 / 顺序码."""

ApplicationState = Literal["open", "granted", "refused", "withdrawn", "ended"]
NEXT: Mapping[ApplicationState, frozenset[ApplicationState]] = {
    "open": frozenset({"granted", "refused", "withdrawn"}),
    "granted": frozenset({"ended"}),
    "refused": frozenset(),
    "withdrawn": frozenset(),
    "ended": frozenset(),
}


@dataclass(frozen=True, kw_only=True)
class ResourceField:
    """信息项. ``type`` is a code of FIELD_TYPES."""

    code: str
    name: str
    name_en: str
    type: str


@dataclass(frozen=True, kw_only=True)
class Resource:
    """政务信息资源: what a department holds, as it stands in the catalogue. Codes are those of the lists above.

    ``law`` founds 不予共享; ``conditions`` are those of sharing, ``open_conditions`` those of opening it to everybody.
    """

    resource_code: str
    name: str
    name_en: str
    summary: str
    summary_en: str
    format: str
    fields: tuple[ResourceField, ...]
    sharing_type: SharingType
    way: str
    update_cycle: str
    conditions: str = ""
    law: str = ""
    open_to_public: bool = False
    open_conditions: str = ""
    related: tuple[str, ...] = ()


def resource_problems(resource: Resource) -> list[Problem]:
    """Everything that keeps ``resource`` out of the catalogue."""
    return [*_code_problems(resource), *_field_problems(resource), *_sharing_problems(resource)]


def _code_problems(resource: Resource) -> Iterator[Problem]:
    for where, code in [("resource_code", resource.resource_code), *(("related", code) for code in resource.related)]:
        if not CODE.fullmatch(code):
            yield Problem(
                "resource_code_invalid",
                where,
                "信息资源代码应为“类1位项2位目3位细目/顺序码” / a resource code is class, group, heading / sequence, all digits",
            )


def _field_problems(resource: Resource) -> Iterator[Problem]:
    codes = [field.code for field in resource.fields]
    if not codes:
        yield Problem("resource_fields_missing", "fields", "应列出信息项 / the information items must be listed")
    for code in sorted({code for code in codes if codes.count(code) > 1}):
        yield Problem("resource_field_repeated", "fields", f"信息项 {code} 重复 / field {code} is repeated")


def _sharing_problems(resource: Resource) -> Iterator[Problem]:
    if resource.sharing_type == NOT_SHARED and not resource.law.strip():
        yield Problem(
            "sharing_law_missing",
            "law",
            "不予共享应有法律、行政法规或者党中央、国务院政策依据 / what is not shared must cite the law that forbids it",
        )
    if resource.sharing_type == CONDITIONAL and not resource.conditions.strip():
        yield Problem(
            "sharing_conditions_missing", "conditions", "有条件共享应写明条件 / the conditions must be stated"
        )
    if resource.sharing_type == NOT_SHARED and resource.open_to_public:
        yield Problem(
            "sharing_open_not_shared", "open_to_public", "不予共享的不得开放 / what is not shared cannot be open to all"
        )


def answer_due(applied: date, is_working: Callable[[date], bool]) -> date:
    """Last day for the provider's answer: ten working days, the day of the application not counted."""
    day, left = applied, ANSWER_WORKING_DAYS
    while left:
        day += timedelta(days=1)
        left -= is_working(day)
    return day


def check_move(now: ApplicationState, then: ApplicationState) -> None:
    """Raises Refusal ``application_state`` for a move that the table does not have."""
    if then not in NEXT[now]:
        raise Refusal(
            "application_state",
            f"申请现为 {now}，不能变为 {then} / the application is {now} and cannot become {then}",
            state=now,
            wanted=then,
        )


def check_fields(asked: Sequence[str], known: Sequence[str], code: str) -> None:
    """Raises Refusal ``code`` naming what of ``asked`` is not in ``known``."""
    beyond = [field for field in asked if field not in known]
    if beyond or not asked:
        names = "、".join(beyond) or "无 / none"
        raise Refusal(code, f"信息项不在范围内：{names} / fields out of range: {names}", fields=beyond)
