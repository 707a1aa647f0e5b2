"""匿名数据集: how many cases ended and how long they took, so that nobody learns about fewer than ``k`` applicants (k-anonymity).

What is published is one partition of a month's cases: every case is in one row, and no row stands for fewer than ``k``
different applicants. There are no totals and no overlapping rows, so whatever is added up is again made of whole rows, and
there is nothing to subtract: what hides a small group hides it from its complement, too.

A small group is put together with the other small ones of its item; if that is still too small, with the item's smallest row
(complementary suppression); an item that is too small as a whole goes to the month's remainder, by the same rule. A month in
which even everything together is too small is published without a row.
"""

from __future__ import annotations

import statistics
from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

SHANGHAI = timezone(timedelta(hours=8))  # no daylight saving time since 1991
OTHER = "*"
"""In place of an item's code, or of departments: several of them together."""
SETTLED_DAYS = 3
"""News of a month's cases may be late by so much; what comes later is in no edition."""
COLUMNS = ("item_code", "departments", "cases", "median_days", "mean_days")


@dataclass(frozen=True)
class EndedCase:
    """``departments`` had a task in it, in order; ``party`` is the applicant, "" when it is not known; ``days`` it took."""

    item_code: str
    departments: tuple[str, ...]
    party: str
    days: float


@dataclass(frozen=True)
class Row:
    """One group of cases. ``departments`` are those that took part in every one of them, or ``*``."""

    item_code: str
    departments: tuple[str, ...]
    cases: int
    median_days: int
    mean_days: float


@dataclass
class Group:
    """The cases of one row."""

    item_code: str
    departments: tuple[str, ...]
    cases: list[EndedCase]

    @property
    def size(self) -> int:
        """Different applicants; all who are not known count as one."""
        return len({case.party for case in self.cases})

    @property
    def rank(self) -> tuple[int, str, tuple[str, ...]]:
        """The smallest first."""
        return self.size, self.item_code, self.departments


def anonymised(cases: Iterable[EndedCase], k: int) -> list[Row]:
    """Rows of one month, by item and departments."""
    return [_row(group) for group in partition(cases, k)]


def partition(cases: Iterable[EndedCase], k: int) -> list[Group]:
    """Groups of at least ``k`` applicants that hold every case once; none when there are not so many applicants."""
    by_item: dict[str, dict[tuple[str, ...], list[EndedCase]]] = defaultdict(lambda: defaultdict(list))
    for case in cases:
        by_item[case.item_code][case.departments].append(case)
    rows: list[Group] = []
    remainder: list[Group] = []
    for item_code, cells in by_item.items():
        groups = [Group(item_code, departments, inside) for departments, inside in cells.items()]
        large, rest = _pooled(groups, Group(item_code, (OTHER,), []), k)
        rows += large
        remainder += rest
    large, _ = _pooled([*rows, *remainder], Group(OTHER, (OTHER,), []), k)
    return sorted(large, key=lambda group: (group.item_code, group.departments))


def _pooled(groups: Sequence[Group], pool: Group, k: int) -> tuple[list[Group], list[Group]]:
    """Groups of at least ``k``, where the smaller ones and, as far as needed, the smallest others are in ``pool``.

    The second list holds the pool when everything together is too small; it is empty otherwise.
    """
    large = sorted((group for group in groups if group.size >= k), key=lambda group: group.rank, reverse=True)
    for group in groups:
        if group.size < k:
            pool.cases += group.cases
    if not pool.cases:
        return large, []
    while pool.size < k and large:
        pool.cases += large.pop().cases
    return ([*large, pool], []) if pool.size >= k else ([], [pool])


def _row(group: Group) -> Row:
    """Whole days for the median: of an odd number of cases it is a single one's."""
    days = [case.days for case in group.cases]
    return Row(
        group.item_code,
        group.departments,
        len(days),
        round(statistics.median(days)),
        round(statistics.fmean(days), 1),
    )


def days_between(submitted_at: datetime, ended_at: datetime) -> float:
    """Calendar days, never below 0."""
    return max(0.0, (ended_at - submitted_at) / timedelta(days=1))


def first_of_month(moment: datetime) -> date:
    """The month in Asia/Shanghai that ``moment`` is in, as its first day."""
    return moment.astimezone(SHANGHAI).date().replace(day=1)


def following(month: date) -> date:
    """The month after."""
    return (month + timedelta(days=31)).replace(day=1)


def begins_at(month: date) -> datetime:
    """When the month begins."""
    return datetime(month.year, month.month, 1, tzinfo=SHANGHAI)


def due_months(first: date, now: datetime) -> list[date]:
    """Months from ``first`` on that are over and settled at ``now``."""
    due: list[date] = []
    while now >= begins_at(following(first)) + timedelta(days=SETTLED_DAYS):
        due.append(first)
        first = following(first)
    return due


def fictitious_cases(month: date) -> list[EndedCase]:
    """Cases that never were, for the sandbox: an item with several ways through it, a rare way, and a rare item."""
    school_bus, kindergarten, rare = (f"99999999YX9999999{check}U40000000000{n}" for n, check in enumerate("ABC"))
    plan = (
        (school_bus, ("education", "police", "transport"), 48),
        (school_bus, ("education", "police"), 3),
        (kindergarten, ("education", "fire_rescue"), 17),
        (kindergarten, ("education", "fire_rescue", "health"), 9),
        (rare, ("education",), 2),
    )
    return [
        EndedCase(item, departments, f"{item}-{number}", 4 + (number * 7 + month.month) % 13 + len(departments))
        for item, departments, cases in plan
        for number in range(cases)
    ]
