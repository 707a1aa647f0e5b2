from __future__ import annotations

from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path

import pytest
import yaml

from chassis import workdays
from chassis.run import settings_or_exit
from chassis.workdays import CalendarInvalid, is_working_day, last_published_year
from contracts.item import Limit
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.domain.deadline import CalendarMissing, due

NEXT = workdays.LAST_SHIPPED_YEAR + 1
FIXED = [f"{NEXT}-{month:02d}-{day:02d}" for month, day in sorted(workdays.FIXED)]


def weekday(year: int, month: int, *, weekend: bool = False) -> date:
    """The first day of the month's second week that is a Wednesday, or a Saturday."""
    day = date(year, month, 8)
    return day + timedelta(days=((5 if weekend else 2) - day.weekday()) % 7)


@pytest.fixture(autouse=True)
def shipped_again() -> Iterator[None]:
    yield
    workdays.follow(None)


def notice(file: Path, **changes: object) -> Path:
    told = {"source": "国务院办公厅通知", "holidays": FIXED, "workdays": []} | changes
    file.write_text(yaml.safe_dump({NEXT: told}, allow_unicode=True), encoding="utf-8")
    return file


def test_shipped_years_are_those_of_the_package() -> None:
    assert is_working_day(date(2026, 2, 14))  # a Saturday, made up for the Spring Festival
    assert not is_working_day(date(2026, 2, 17))
    assert last_published_year() == workdays.LAST_SHIPPED_YEAR
    assert not holiday_calendar(date(NEXT, 3, 1)).published


def test_a_year_added_by_the_operator_counts_for_the_statutory_clock(tmp_path: Path) -> None:
    off, on = weekday(NEXT, 2), weekday(NEXT, 3, weekend=True)
    before = due(off - timedelta(days=1), Limit(amount=1), holiday_calendar)
    assert (before.on, before.provisional) == (off, True)
    workdays.follow(
        notice(tmp_path / "c.yaml", holidays=[*FIXED, f"{off}/{off + timedelta(days=1)}"], workdays=[str(on)])
    )
    after = due(off - timedelta(days=1), Limit(amount=1), holiday_calendar)
    assert (after.on, after.provisional) == (off + timedelta(days=2), False)
    assert is_working_day(on)
    assert not is_working_day(on + timedelta(days=1))
    assert due(on - timedelta(days=1), Limit(amount=1), holiday_calendar).on == on


def test_the_year_after_the_added_one_is_the_provisional_one(tmp_path: Path) -> None:
    with pytest.raises(CalendarMissing):
        holiday_calendar(date(NEXT + 1, 6, 1))
    workdays.follow(notice(tmp_path / "c.yaml"))
    assert not holiday_calendar(date(NEXT + 1, 6, 1)).published
    with pytest.raises(CalendarMissing):
        holiday_calendar(date(NEXT + 2, 6, 1))


def test_a_file_that_changes_is_read_again_and_a_broken_one_changes_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(workdays, "LOOKED_AT_EVERY_S", -1.0)
    off = weekday(NEXT, 2)
    file = notice(tmp_path / "c.yaml")
    workdays.follow(file)
    assert holiday_calendar(off).working
    notice(file, holidays=[*FIXED, str(off)])
    assert not holiday_calendar(off).working
    file.write_text("half a fi", encoding="utf-8")
    assert not holiday_calendar(off).working


def test_the_last_days_of_december_are_those_of_the_new_years_notice(tmp_path: Path) -> None:
    eve = date(NEXT - 1, 12, 31)
    while eve.weekday() > 4:
        eve -= timedelta(days=1)
    assert is_working_day(eve)
    workdays.follow(notice(tmp_path / "c.yaml", holidays=[*FIXED, str(eve)]))
    assert not is_working_day(eve)
    assert is_working_day(date(2026, 2, 14))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"source": " "}, "source"),
        ({"holidays": FIXED[1:]}, "01-01"),
        ({"holidays": [*FIXED, "soon"]}, "soon"),
        ({"holidays": [*FIXED, f"{NEXT + 1}-01-01"]}, f"{NEXT + 1}-01-01"),
        ({"holidays": [*FIXED, f"{NEXT}-02-11/{NEXT}-02-05"]}, "02-11"),
        ({"workdays": [str(weekday(NEXT, 3))]}, str(weekday(NEXT, 3))),
        ({"workdays": [FIXED[0]]}, FIXED[0]),
        ({"workday": []}, "workdays"),
    ],
)
def test_what_makes_no_sense_is_named(tmp_path: Path, changes: dict[str, object], said: str) -> None:
    with pytest.raises(CalendarInvalid, match=said):
        workdays.follow(notice(tmp_path / "c.yaml", **changes))
    assert last_published_year() == workdays.LAST_SHIPPED_YEAR


def test_a_year_must_not_be_left_out(tmp_path: Path) -> None:
    file = notice(tmp_path / "c.yaml")
    far = NEXT + 1
    file.write_text(file.read_text(encoding="utf-8").replace(str(NEXT), str(far)), encoding="utf-8")
    with pytest.raises(CalendarInvalid, match=str(NEXT)):
        workdays.read_years(file)


def test_no_process_starts_with_a_calendar_that_makes_no_sense(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TONGBAN_CALENDAR_FILE", str(tmp_path / "missing.yaml"))
    with pytest.raises(SystemExit) as ended:
        settings_or_exit("workflow")
    assert ended.value.code == 2
    assert "missing.yaml" in capsys.readouterr().err
