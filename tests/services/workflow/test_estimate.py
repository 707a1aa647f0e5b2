"""Estimates: quantiles of a known history, and a back-test on simulated cases whose true durations are known."""

from __future__ import annotations

import math
import random
from collections import Counter
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.workflow.domain.deadline import SHANGHAI, Day
from services.workflow.domain.estimate import FEWEST, SHARES, Forecast, Part, forecast
from services.workflow.domain.history import CLASS_RATIO, History, class_of, edge, quarter_of
from services.workflow.domain.worktime import HOURS_A_DAY, after_working_hours, working_hours

# accept -> three opinions side by side -> decide; median in working hours, spread of the logarithm
STEPS = {
    "accept": (6.0, 0.5),
    "police": (12.0, 0.7),
    "transport": (20.0, 0.4),
    "health": (9.0, 0.9),
    "decide": (10.0, 0.6),
}
OPINIONS = ("police", "transport", "health")


def weekdays(on: date) -> Day:
    return Day(working=on.weekday() < 5, published=True)


def took(random_: random.Random) -> dict[str, float]:
    return {step: random_.lognormvariate(math.log(median), spread) for step, (median, spread) in STEPS.items()}


def learnt(cases: int, seed: int) -> dict[str, History]:
    random_ = random.Random(seed)
    counts: dict[str, Counter[int]] = {step: Counter() for step in STEPS}
    for _ in range(cases):
        for step, hours in took(random_).items():
            counts[step][class_of(hours)] += 1
    return {step: History(counted) for step, counted in counts.items()}


def plan(done: dict[str, float], now_h: float, begun: dict[str, float]) -> list[Part]:
    """The parts as they stand ``now_h`` hours into a case; ``begun``: when each began."""

    def part(step: str, after: tuple[str, ...]) -> Part:
        if step in done and step in begun and begun[step] + done[step] <= now_h:
            return Part(step, after, done=True)
        return Part(step, after, elapsed_h=now_h - begun[step] if begun.get(step, math.inf) <= now_h else None)

    return [part("accept", ()), *(part(step, ("accept",)) for step in OPINIONS), part("decide", OPINIONS)]


def truth(hours: dict[str, float]) -> tuple[dict[str, float], float]:
    """When each step begins and when the case is decided, in working hours from its start."""
    begun = {"accept": 0.0} | dict.fromkeys(OPINIONS, hours["accept"])
    begun["decide"] = max(begun[step] + hours[step] for step in OPINIONS)
    return begun, begun["decide"] + hours["decide"]


@pytest.mark.parametrize("at_h", [0.0, 10.0, 25.0])
def test_quantiles_cover_as_many_simulated_cases_as_they_promise_whenever_one_asks(at_h: float) -> None:
    histories, random_ = learnt(2000, seed=1), random.Random(2)
    within = dict.fromkeys(SHARES, 0)
    asked = 0
    while asked < 400:
        hours = took(random_)
        begun, decided = truth(hours)
        if decided <= at_h:
            continue
        asked += 1
        said = forecast(plan(hours, at_h, begun), "decide", histories).hours
        assert said is not None
        for share, limit in zip(SHARES, said, strict=True):
            within[share] += at_h + limit >= decided
    for share, count in within.items():
        assert count / asked == pytest.approx(share, abs=0.07), (share, count)


def test_estimate_comes_nearer_when_a_department_answers() -> None:
    histories = learnt(500, seed=3)
    hours = {"accept": 5.0, "police": 4.0, "transport": 4.0, "health": 4.0, "decide": 8.0}
    begun, _ = truth(hours)
    waiting = forecast(plan(hours, 8.9, begun), "decide", histories)
    answered = forecast(plan(hours, 9.0, begun), "decide", histories)
    assert waiting.hours is not None
    assert answered.hours is not None
    assert answered.hours[1] < waiting.hours[1] - 5


def test_a_small_history_says_how_small_it_is_and_nothing_else() -> None:
    histories = learnt(200, seed=4) | {"health": learnt(FEWEST - 1, seed=5)["health"]}
    parts = plan({}, 0.0, {"accept": 0.0})
    assert forecast(parts, "decide", histories) == Forecast(FEWEST - 1, None)
    assert forecast(parts, "decide", {}) == Forecast(0, None)
    enough = forecast(parts, "decide", histories | {"health": learnt(FEWEST, seed=5)["health"]})
    assert enough.n == FEWEST
    assert enough.hours is not None


def test_a_step_that_has_taken_longer_than_ever_is_said_to_be_so() -> None:
    parts = [Part("accept", (), elapsed_h=10_000.0), Part("decide", ("accept",))]
    assert forecast(parts, "decide", learnt(100, seed=6)) == Forecast(100, None, longer_than_ever=True)


def test_a_decided_case_has_no_estimate() -> None:
    parts = [Part("accept", (), done=True), Part("decide", ("accept",), done=True)]
    assert forecast(parts, "decide", learnt(100, seed=7)).hours is None


@given(st.lists(st.floats(0, 5000), min_size=1, max_size=60), st.floats(0, 1))
def test_quantile_of_a_histogram_is_within_a_class_of_the_true_one(hours: list[float], share: float) -> None:
    history = History(Counter(map(class_of, hours)))
    ordered = sorted(hours)
    true = ordered[max(math.ceil(share * len(ordered)) - 1, 0)]
    assert history.n == len(hours)
    assert history.quantile(share) == pytest.approx(true, abs=(CLASS_RATIO - 1) * (true + 1) + 1e-6)


@given(st.lists(st.integers(0, 80), min_size=1, max_size=40), st.floats(0.01, 0.99))
def test_share_within_undoes_quantile(classes: list[int], share: float) -> None:
    history = History(Counter(classes))
    assert history.share_within(history.quantile(share)) == pytest.approx(share, abs=1e-6)
    assert history.share_within(edge(200)) == 1.0


def test_history_without_cases_has_no_quantile() -> None:
    for ask in (History({}).quantile, History({3: 0}).share_within):
        with pytest.raises(ValueError, match="without cases"):
            ask(0.5)


@given(st.integers(0, 60 * 24 * 40), st.floats(0, 400))
def test_working_hours_and_their_inverse_agree(minutes: int, hours: float) -> None:
    begin = datetime(2026, 9, 1, tzinfo=SHANGHAI) + timedelta(minutes=minutes)
    end = after_working_hours(begin, hours, weekdays)
    assert working_hours(begin, end, weekdays) == pytest.approx(hours, abs=1e-6)
    assert weekdays(end.date()).working


def test_nights_and_weekends_do_not_count_as_work() -> None:
    friday = datetime(2026, 11, 27, 15, 0, tzinfo=SHANGHAI)
    monday = datetime(2026, 11, 30, 10, 30, tzinfo=SHANGHAI)
    assert working_hours(friday, monday, weekdays) == 3.5
    assert working_hours(friday, friday + timedelta(hours=9), weekdays) == 2.0
    assert working_hours(friday + timedelta(days=1), friday + timedelta(days=2), weekdays) == 0.0
    assert working_hours(monday, friday, weekdays) == 0.0
    assert after_working_hours(friday, 2.0 + HOURS_A_DAY + 1.0, weekdays) == datetime(2026, 12, 1, 2, 0, tzinfo=UTC)


def test_a_calendar_without_working_days_ends_in_an_error_and_not_in_a_loop() -> None:
    with pytest.raises(ValueError, match="no working day"):
        after_working_hours(datetime(2026, 1, 1, tzinfo=UTC), 1.0, lambda _on: Day(working=False, published=True))


def test_quarters_follow_each_other() -> None:
    days = [date(2025, 10, 1), date(2025, 12, 31), date(2026, 1, 1), date(2026, 4, 1)]
    first = quarter_of(days[0])
    assert [quarter_of(on) - first for on in days] == [0, 0, 1, 2]
