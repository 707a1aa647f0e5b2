"""委托授权: who may act for whom, in which items, doing what, from when to when."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from typing import Literal, get_args
from zoneinfo import ZoneInfo

Kind = Literal["person", "agent", "guardian"]
Action = Literal["submit", "correct", "withdraw", "read", "receive"]
ACTIONS: tuple[Action, ...] = get_args(Action)

LAW_ZONE = ZoneInfo("Asia/Shanghai")
LONGEST = timedelta(days=5 * 366)
MINORITY_YEARS = 14  # 个人信息保护法 §31

# Materials belong to whoever hands in or corrects; every agent may see what is said about the cases that he works on.
_SCOPES: dict[Action, tuple[str, ...]] = {
    "submit": ("cases:submit", "materials:write", "materials:read", "appointments:book"),
    "correct": ("cases:correct", "materials:write", "materials:read"),
    "withdraw": ("cases:withdraw",),
    "read": ("cases:read", "bundles:read", "materials:read", "trails:read"),
    "receive": ("licences:read",),
}
# What nobody does alone for whom the law gives a guardian.
_NOT_ALONE = frozenset(
    {"cases:submit", "cases:correct", "cases:withdraw", "materials:write", "ratings:write", "delegations:write"}
)


@dataclass(frozen=True, kw_only=True)
class Terms:
    """``items`` None is every item; both days are included."""

    items: tuple[str, ...] | None
    actions: tuple[Action, ...]
    from_on: date
    until_on: date


def terms_problem(terms: Terms, today: date) -> str | None:
    """What is wrong with an offer, or None."""
    if terms.until_on < terms.from_on or terms.until_on < today:
        return "截止日期须不早于起始日期和今天 / the last day must not be before the first, nor in the past"
    if terms.until_on - max(terms.from_on, today) > LONGEST:
        return "委托期限最长五年 / a delegation lasts five years at most"
    if not terms.actions or terms.items == ():
        return "至少选择一项权限和一个事项 / name at least one action and one item"
    return None


def scopes_of(actions: Collection[Action]) -> str:
    """What the representative's token may be used for, in one order."""
    granted = {scope for action in actions for scope in _SCOPES[action]}
    return " ".join(sorted(granted))


def scopes_alone(scope: str) -> str:
    """What is left of a minor's own rights."""
    return " ".join(one for one in scope.split() if one not in _NOT_ALONE)


def in_force(*, from_on: date, until_on: date, accepted: bool, revoked: bool, today: date) -> bool:
    """Whether it may be used on ``today``."""
    return accepted and not revoked and from_on <= today <= until_on


def end_of(until_on: date) -> datetime:
    """The first moment after the last day."""
    return datetime.combine(until_on + timedelta(days=1), time(), LAW_ZONE)


def law_date(now: datetime) -> date:
    """The day in Asia/Shanghai."""
    return now.astimezone(LAW_ZONE).date()


def of_age_on(born: date) -> date:
    """The 14th birthday; who was born on 29 February has it on 1 March of a common year."""
    try:
        return born.replace(year=born.year + MINORITY_YEARS)
    except ValueError:
        return date(born.year + MINORITY_YEARS, 3, 1)
