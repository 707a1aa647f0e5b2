"""公开数据: figures are what was told, each event counted once, on its own day, at the same cost however much there is."""

from __future__ import annotations

import random
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

from contracts.case import CaseAccepted, CaseClosed, CaseDenied, CaseNotAccepted, CaseTerminated, CaseWithdrawn
from contracts.supervision import CardLevel, CardRaised, CardRevoked, RatingGiven, RatingLevel
from services.audit import jobs, models
from services.audit.service import SERVICE
from tests.support import deliver, envelope_bytes

OTHER_ITEM = "12370800MB285591843371017001002"
NOTHING = {
    "submitted": 0, "accepted": 0, "not_accepted": 0, "approved": 0, "denied": 0, "withdrawn": 0, "closed": 0,
    "licences_issued": 0, "deemed_withdrawn": 0, "terminated": 0, "revoked": 0,
}  # fmt: skip


def on_the_wire(*events: Any) -> list[bytes]:
    return [envelope_bytes(event, source="workflow", caseseq=n) for n, event in enumerate(events, start=1)]


def hear(*events: Any) -> None:
    deliver(SERVICE, "audit.figures", *on_the_wire(*events))


def card(level: CardLevel, task_id: str = "C-police-1") -> CardRaised:
    return CardRaised(
        card_no=f"T9-{level[0].upper()}-{task_id}", case_no="C", department="police", level=level, rule="T9",
        raised_on=date(2026, 1, 5), detail="d", task_id=task_id,
    )  # fmt: skip


def rating(level: RatingLevel) -> RatingGiven:
    return RatingGiven(case_no="C", item_code="I", level=level, aspects=(), given_on=date(2026, 1, 5))


@pytest.fixture
def figures(client: Any) -> Callable[[], dict[str, Any]]:
    """The figures as anyone gets them."""

    def get() -> dict[str, Any]:
        answer = client.get("/api/v1/figures")
        assert answer.status_code == 200
        return dict(answer.get_json())

    return get


def test_before_anything_has_happened_everything_is_zero(
    figures: Any, set_clock: Callable[[datetime], None], client: Any
) -> None:
    shown = figures()
    assert datetime.fromisoformat(shown.pop("as_of")) >= datetime(2026, 1, 5, 4, tzinfo=UTC)
    days = shown.pop("days")
    assert [day["day"] for day in days] == [str(date(2025, 12, 7) + timedelta(days=n)) for n in range(30)]
    assert {(day["submitted"], day["closed"]) for day in days} == {(0, 0)}
    assert shown == {
        "totals": NOTHING,
        "on_time": {"answered": 0, "late": 0},
        "cards": {"yellow": 0, "red": 0},
        "ratings": {"count": 0, "average": None, "by_level": [{"level": n, "count": 0} for n in (5, 4, 3, 2, 1)]},
        "by_item": [],
    }


def test_figures_equal_what_was_told(figures: Any, set_clock: Callable[[datetime], None], say: Any) -> None:
    cases = [say.CASE[:-1] + str(n) for n in range(3)]
    others = [f"{OTHER_ITEM}20260105000{n}" for n in range(4)]
    late = f"{others[0]}-police-1"
    bodies = [
        *[envelope_bytes(event, source=source, caseseq=n) for c in cases for event, source, n in say.whole_case(c)
          if source in {"workflow", "documents"}],
        *on_the_wire(*[say.submitted(case) for case in others], say.recorded(late, late=True)),
        *on_the_wire(CaseDenied(case_no=others[0], decided_by="o", reason="r", remedy="m")),
        *on_the_wire(CaseNotAccepted(case_no=others[1], reason="r", remedy="m")),
        *on_the_wire(CaseWithdrawn(case_no=others[2], reason="r")),
        *on_the_wire(CaseTerminated(case_no=others[3], decided_by="o", reason="r")),
        *on_the_wire(*[rating(level) for level in (5, 5, 4, 2)], card("yellow"), card("red")),
    ]  # fmt: skip
    random.Random(5).shuffle(bodies)
    for start in range(0, len(bodies), 7):
        deliver(SERVICE, "audit.figures", *bodies[start : start + 7])

    shown = figures()
    assert shown["totals"] == {
        "submitted": 7, "accepted": 3, "not_accepted": 1, "approved": 3, "denied": 1, "withdrawn": 1, "closed": 3,
        "licences_issued": 3, "deemed_withdrawn": 0, "terminated": 1, "revoked": 0,
    }  # fmt: skip
    assert shown["on_time"] == {"answered": 4, "late": 1}
    assert shown["cards"] == {"yellow": 1, "red": 1}
    assert shown["ratings"] == {
        "count": 4,
        "average": 4.0,
        "by_level": [
            {"level": 5, "count": 2}, {"level": 4, "count": 1}, {"level": 3, "count": 0}, {"level": 2, "count": 1},
            {"level": 1, "count": 0},
        ],
    }  # fmt: skip
    assert shown["by_item"] == [
        {"item_code": say.CASE[:31], "submitted": 3, "closed": 3},
        {"item_code": OTHER_ITEM, "submitted": 4, "closed": 0},
    ]
    assert shown["days"][-1] == {"day": "2026-01-05", "submitted": 7, "closed": 3}


def test_an_event_that_is_delivered_again_counts_once(figures: Any, say: Any) -> None:
    bodies = on_the_wire(say.submitted(), say.recorded(f"{say.CASE}-police-1", late=True), rating(3), card("red"))
    for batch in (bodies, bodies, bodies[:2], [*bodies[2:], *bodies[2:]]):
        deliver(SERVICE, "audit.figures", *batch)
    shown = figures()
    assert shown["totals"] == NOTHING | {"submitted": 1}
    assert (shown["on_time"], shown["cards"]) == ({"answered": 1, "late": 1}, {"yellow": 0, "red": 1})
    assert (shown["ratings"]["count"], shown["ratings"]["average"]) == (1, 3.0)


def test_many_events_of_a_batch_are_added_together_and_to_what_was_there(figures: Any, say: Any) -> None:
    for _ in range(3):
        hear(*[say.submitted(f"{say.CASE[:-2]}{n:02}") for n in range(20)])
    assert figures()["totals"] == NOTHING | {"submitted": 60}


def test_an_event_counts_on_its_own_day_in_shanghai(
    figures: Any, set_clock: Callable[[datetime], None], say: Any
) -> None:
    bodies = []
    for told_at in (datetime(2026, 1, 6, 15, 59, tzinfo=UTC), datetime(2026, 1, 6, 16, 0, tzinfo=UTC)):
        set_clock(told_at)
        bodies += on_the_wire(say.submitted())
    set_clock(datetime(2026, 1, 9, tzinfo=UTC))
    deliver(SERVICE, "audit.figures", *bodies)
    assert [(day["day"], day["submitted"]) for day in figures()["days"][-4:]] == [
        ("2026-01-06", 1), ("2026-01-07", 1), ("2026-01-08", 0), ("2026-01-09", 0),
    ]  # fmt: skip


def test_a_day_leaves_the_window_after_thirty_days_and_stays_in_the_totals(
    figures: Any, set_clock: Callable[[datetime], None], say: Any
) -> None:
    hear(say.submitted(), CaseClosed(case_no=say.CASE, licence_no="L"))
    set_clock(datetime(2026, 2, 3, 4, tzinfo=UTC))
    assert figures()["days"][0] == {"day": "2026-01-05", "submitted": 1, "closed": 1}
    set_clock(datetime(2026, 2, 4, 4, tzinfo=UTC))
    shown = figures()
    assert shown["days"][0]["day"] == "2026-01-06"
    assert sum(day["submitted"] + day["closed"] for day in shown["days"]) == 0
    assert shown["totals"] == NOTHING | {"submitted": 1, "closed": 1}


def test_a_card_that_is_revoked_does_not_count(
    figures: Any, database: Any, set_clock: Callable[[datetime], None], say: Any
) -> None:
    """With the cards as supervision itself raises and revokes them."""
    kept, timely = f"{say.CASE}-police-1", f"{say.CASE}-police-2"
    assigned = [envelope_bytes(say.assigned(task, date(2026, 1, 8)), source="workflow") for task in (kept, timely)]
    deliver(SERVICE, "audit.supervision", *assigned)
    answer = envelope_bytes(say.recorded(timely), source="workflow")
    set_clock(datetime(2026, 2, 1, tzinfo=UTC))
    jobs.judge()
    deliver(SERVICE, "audit.supervision", answer)
    with database.read() as connection:
        bodies = connection.execute(sa.select(database.outbox.c.body)).scalars().all()
    assert len(bodies) == 6
    deliver(SERVICE, "audit.figures", *reversed(bodies[:4]))
    assert figures()["cards"] == {"yellow": 2, "red": 2}
    deliver(SERVICE, "audit.figures", *bodies)
    assert figures()["cards"] == {"yellow": 1, "red": 1}


def test_news_of_a_revoked_card_may_come_before_the_card(figures: Any) -> None:
    hear(CardRevoked(card_no="T9-R-C-police-1", case_no="C", department="police", reason="r", task_id="C-police-1"))
    assert figures()["cards"] == {"yellow": 0, "red": 0}
    hear(card("red"), card("red", "C-police-2"))
    assert figures()["cards"] == {"yellow": 0, "red": 1}


def test_the_average_rating_has_two_decimals(figures: Any) -> None:
    hear(*[rating(level) for level in (5, 5, 4)])
    assert figures()["ratings"]["average"] == 4.67


def test_counters_do_not_grow_with_the_number_of_cases(database: Any, figures: Any, say: Any) -> None:
    def counters() -> list[int]:
        with database.read() as connection:
            tables = (models.daily_figures, models.total_figures)
            return [connection.execute(sa.select(sa.func.count()).select_from(table)).scalar_one() for table in tables]

    def play(case_no: str) -> None:
        hear(*[event for event, source, _ in say.whole_case(case_no) if source in {"workflow", "documents"}], rating(5))

    play(say.CASE)
    one = counters()
    for n in range(40):
        play(f"{say.CASE[:-2]}{n:02}")
    assert counters() == one
    assert figures()["totals"]["closed"] == 41


def test_figures_are_for_anyone_and_name_nobody(client: Any, say: Any) -> None:
    hear(say.submitted(), say.approved(), CaseAccepted(
        case_no=say.CASE, accepted_on=date(2026, 1, 5), due_on=date(2026, 1, 20), provisional=False
    ))  # fmt: skip
    text = client.get("/api/v1/figures").text
    assert not any(word in text for word in (say.CASE, say.APPLICANT, "person-li", "officer-wang", "张三丰"))
    assert client.post("/api/v1/figures").status_code == 405
