"""匿名数据集: nothing that can be worked out from what is published is about fewer than ``k`` applicants."""

from __future__ import annotations

import csv
import io
import itertools
import random
from collections.abc import Callable, Sequence
from datetime import UTC, date, datetime, timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

from contracts.case import CaseClosed, CaseDenied
from services.audit import jobs, models
from services.audit.domain.open_data import (
    OTHER,
    EndedCase,
    anonymised,
    due_months,
    fictitious_cases,
    partition,
)
from services.audit.service import SERVICE
from services.audit.use_cases import read_open_data
from tests.support import bind, deliver, envelope_bytes

Cell = tuple[str, tuple[str, ...]]
WAYS = (("education",), ("education", "police"), ("education", "police", "transport"))


def cases_of(cells: dict[Cell, int], *, days: float = 5.0) -> list[EndedCase]:
    """So many cases in each cell, each of another applicant."""
    return [EndedCase(*cell, f"{cell}-{n}", days) for cell, number in cells.items() for n in range(number)]


def random_month(rng: random.Random) -> list[EndedCase]:
    """Up to three items with up to three ways each; some applicants come more than once, some are not known."""
    cases = []
    for item, way in itertools.product("ABC", WAYS):
        for _ in range(rng.choice((0, 0, 1, 2, 3, 5, 8))):
            party = "" if rng.random() < 0.1 else f"{item if rng.random() < 0.8 else ''}{rng.randrange(9)}"
            cases.append(EndedCase(item, way, party, rng.uniform(0, 30)))
    return cases


def follows(wanted: list[Fraction], known: list[list[Fraction]]) -> bool:
    """Whether an equation follows from others: it adds nothing to their rank."""
    return rank([*known, wanted]) == rank(known)


def rank(rows: list[list[Fraction]]) -> int:
    """Gauss."""
    left, found = [list(row) for row in rows], 0
    for column in range(len(left[0]) if left else 0):
        pivot = next((row for row in left[found:] if row[column]), None)
        if pivot is None:
            continue
        left.remove(pivot)
        left.insert(found, pivot)
        for row in left[found + 1 :]:
            factor = row[column] / pivot[column]
            row[:] = [a - factor * b for a, b in zip(row, pivot, strict=True)]
        found += 1
    return found


def groups_worked_out(cases: list[EndedCase], published: list[list[Fraction]], cells: Sequence[Cell]) -> list[int]:
    """Different applicants of every group of cells whose number of cases follows from what is published."""
    parties = {cell: {c.party for c in cases if (c.item_code, c.departments) == cell} for cell in cells}
    sizes = []
    for chosen in itertools.product((False, True), repeat=len(cells)):
        if any(chosen) and follows([Fraction(one) for one in chosen], published):
            inside = [cell for cell, one in zip(cells, chosen, strict=True) if one]
            sizes.append(len(set().union(*(parties[cell] for cell in inside))))
    return sizes


@pytest.mark.parametrize("seed", range(25))
def test_no_group_smaller_than_k_can_be_worked_out(seed: int) -> None:
    """By one who knows which cells went into which row, and may add and subtract as he likes."""
    rng = random.Random(seed)
    cases, k = random_month(rng), rng.choice((2, 3, 5))
    cells = sorted({(case.item_code, case.departments) for case in cases})[:6]
    cases = [case for case in cases if (case.item_code, case.departments) in cells]
    inside = [{(case.item_code, case.departments) for case in group.cases} for group in partition(cases, k)]
    published = [[Fraction(cell in group) for cell in cells] for group in inside]
    assert min(groups_worked_out(cases, published, cells), default=k) >= k
    numbers = [sum((case.item_code, case.departments) == cell for case in cases) for cell in cells]
    for row, equation in zip(anonymised(cases, k), published, strict=True):
        assert row.cases == sum(n * e for n, e in zip(numbers, equation, strict=True)), "what he knows is true"


def test_the_attack_finds_what_leaving_out_small_numbers_beside_a_total_gives_away() -> None:
    cells: list[Cell] = [("A", WAYS[0]), ("A", WAYS[1])]
    cases = cases_of({cells[0]: 9, cells[1]: 1})
    total, large = [Fraction(1), Fraction(1)], [Fraction(1), Fraction(0)]
    assert 1 in groups_worked_out(cases, [total, large], cells)
    assert anonymised(cases, 5)[0].cases == 10, "the small group takes the large one with it"


@pytest.mark.parametrize("seed", range(25))
def test_every_case_is_in_one_row_or_the_month_is_empty(seed: int) -> None:
    rng = random.Random(1000 + seed)
    cases, k = random_month(rng), rng.choice((2, 3, 5, 9))
    rows = anonymised(cases, k)
    parties = len({case.party for case in cases})
    assert sum(row.cases for row in rows) == (len(cases) if parties >= k else 0)
    assert len({(row.item_code, row.departments) for row in rows}) == len(rows)


def test_small_groups_are_put_together_within_their_item_first() -> None:
    rows = anonymised(cases_of({("A", WAYS[0]): 20, ("A", WAYS[1]): 3, ("A", WAYS[2]): 2, ("B", WAYS[0]): 6}), 5)
    assert [(row.item_code, row.departments, row.cases) for row in rows] == [
        ("A", (OTHER,), 5),
        ("A", WAYS[0], 20),
        ("B", WAYS[0], 6),
    ]


def test_a_rare_item_hides_among_others_and_takes_the_smallest_row_with_it() -> None:
    rows = anonymised(cases_of({("A", WAYS[0]): 20, ("B", WAYS[0]): 6, ("C", WAYS[0]): 1}), 5)
    assert [(row.item_code, row.departments, row.cases) for row in rows] == [
        (OTHER, (OTHER,), 7),
        ("A", WAYS[0], 20),
    ]


def test_many_cases_of_one_applicant_are_a_group_of_one() -> None:
    one_school = [EndedCase("A", WAYS[0], "school", 3.0)] * 50
    assert anonymised(one_school, 2) == []
    unknown = [EndedCase("A", WAYS[0], "", 3.0)] * 50
    assert anonymised(unknown, 2) == []


def test_durations_are_rounded() -> None:
    cases = [EndedCase("A", WAYS[0], str(n), days) for n, days in enumerate((1.2, 2.4, 9.9))]
    [row] = anonymised(cases, 3)
    assert (row.median_days, row.mean_days) == (2, 4.5)


def test_a_month_is_due_some_days_after_its_end() -> None:
    in_china = datetime(2026, 3, 3, 16, tzinfo=UTC)  # midnight, 4 March
    assert due_months(date(2026, 1, 1), in_china) == [date(2026, 1, 1), date(2026, 2, 1)]
    assert due_months(date(2026, 1, 1), in_china - timedelta(seconds=1)) == [date(2026, 1, 1)]


def end_case(say: Any, number: int, *, party: str, department: str = "police", end: Any = CaseClosed) -> None:
    case_no = f"{say.CASE[:31]}{number:012d}"
    told = [event for event, producer, _ in say.whole_case(case_no) if producer == "workflow"]
    submitted = told[0].__class__(
        **{f: getattr(told[0], f) for f in told[0].__struct_fields__} | {"applicant_id": party}
    )
    last = CaseClosed(case_no=case_no, licence_no="L-1") if end is CaseClosed else None
    last = last or CaseDenied(case_no=case_no, reason="x", decided_by="o", remedy="x")
    assigned = say.assigned(f"{case_no}-police-1", date(2026, 1, 8), department)
    bodies = [envelope_bytes(e, source="workflow", caseseq=n) for n, e in enumerate((submitted, assigned, last), 1)]
    deliver(SERVICE, "audit.ledger", *bodies)
    deliver(SERVICE, "audit.supervision", *bodies)


@pytest.fixture
def published(client: Any, say: Any, set_clock: Callable[[datetime], None]) -> Any:
    """January: six applicants with the police, one with the transport department. It is 4 February."""
    for number in range(6):
        end_case(say, number, party=f"party-{number}")
    end_case(say, 6, party="party-6", department="transport")
    set_clock(datetime(2026, 2, 2, tzinfo=UTC))
    jobs.publish()
    assert client.get("/api/v1/open-data/cases").get_json() == {"months": []}
    set_clock(datetime(2026, 2, 4, tzinfo=UTC))
    jobs.publish()
    return client


def test_an_edition_is_published_as_json_and_csv(published: Any, say: Any) -> None:
    assert published.get("/api/v1/open-data/cases").get_json() == {"months": [{"month": "2026-01", "k": 5, "rows": 1}]}
    answer = published.get("/api/v1/open-data/cases/2026-01")
    assert answer.get_json()["rows"] == [
        {"item_code": say.CASE[:31], "departments": [OTHER], "cases": 7, "median_days": 0, "mean_days": 0.0}
    ]
    table = published.get("/api/v1/open-data/cases/2026-01/csv")
    assert table.mimetype == "text/csv"
    assert list(csv.DictReader(io.StringIO(table.text))) == [
        {"month": "2026-01", "item_code": say.CASE[:31], "departments": OTHER, "cases": "7", "median_days": "0",
         "mean_days": "0.0"},
    ]  # fmt: skip
    assert "party-" not in answer.text + table.text
    for unknown in ("2026-02", "2026-1", "x", "2026-13"):
        assert published.get(f"/api/v1/open-data/cases/{unknown}").get_json()["code"] == "month_unknown"


def test_an_edition_never_changes_and_a_case_is_in_one_month_only(
    published: Any, say: Any, set_clock: Callable[[datetime], None]
) -> None:
    first = published.get("/api/v1/open-data/cases/2026-01").get_json()
    end_case(say, 0, party="party-0", end=CaseDenied)  # ends once more, in February
    for number in range(7, 12):
        end_case(say, number, party=f"party-{number}")
    set_clock(datetime(2026, 3, 5, tzinfo=UTC))
    jobs.publish()
    jobs.publish()
    assert published.get("/api/v1/open-data/cases/2026-01").get_json() == first
    assert [row["cases"] for row in published.get("/api/v1/open-data/cases/2026-02").get_json()["rows"]] == [5]


def test_the_sandbox_shows_made_up_months_by_the_same_rules(client: Any) -> None:
    months = client.get("/api/v1/sandbox/open-data/cases").get_json()["months"]
    assert [month["month"] for month in months] == ["2025-02", "2025-01"]
    edition = client.get("/api/v1/sandbox/open-data/cases/2025-01").get_json()
    made_up = fictitious_cases(date(2025, 1, 1))
    assert sum(row["cases"] for row in edition["rows"]) == len(made_up)
    assert any(row["item_code"] == OTHER for row in edition["rows"]), "it shows what hiding looks like"
    assert client.get("/api/v1/sandbox/open-data/cases/2025-01/csv").text.startswith("month,item_code,departments")
    assert client.get("/api/v1/open-data/cases").get_json() == {"months": []}


def test_ended_cases_are_found_by_their_index(database: Any) -> None:
    with database.read() as connection:
        query = f"SELECT case_ref FROM entries WHERE {models.CASE_ENDED.compile()} AND time >= '2026-01-01'"
        plan = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}").fetchall()
    assert "entries_of_ends" in str(plan)


@pytest.mark.servers
def test_an_edition_is_made_on_postgresql_too(
    postgresql_url: str, tmp_path: Path, say: Any, set_clock: Callable[[datetime], None]
) -> None:
    database = bind(SERVICE, tmp_path, postgresql_url)
    for number in range(5):
        end_case(say, number, party=f"party-{number}")
    set_clock(datetime(2026, 2, 4, tzinfo=UTC))
    jobs.publish()
    with database.read() as connection:
        [row] = read_open_data.editions(connection)
    assert [group["cases"] for group in row.rows] == [5]
    database.engine.dispose()
