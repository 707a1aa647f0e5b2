"""预约: what is offered, booked, moved, cancelled and attended; one place is never given twice."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from chassis import clock
from chassis.errors import Refusal
from contracts.appointment import AppointmentAttended, AppointmentBooked, AppointmentCancelled, AppointmentDue
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.domain.appointments import Opening, Time, remind_on, times_between
from services.workflow.jobs import JOBS
from services.workflow.models import appointment_slots, appointments, db
from tests.factories.items import ITEM_CODE, make_item
from tests.services.workflow.conftest import Desk, assert_refused, everything, make_desk, together
from tests.services.workflow.test_conduct_over_http import conduct
from tests.support import told

REMIND = next(job for job in JOBS if job.name == "workflow.remind_of_appointments")
NOW = datetime(2026, 9, 24, 1, 0, tzinfo=UTC)
"""A Thursday, nine in the morning in China; 25 to 27 September is a holiday, the Sunday before is worked."""
WINDOWS = 8


@dataclass
class Counter:
    """The item takes appointments; ``day`` is far enough away to be reminded of."""

    desk: Desk
    day: date

    def publish(self, *, by: str = "education", **body: Any) -> Any:
        whole = {
            "item_code": ITEM_CODE, "venue": "二楼A区", "from_on": str(self.day), "until_on": str(self.day),
            "extra_days": [str(self.day)], "hours": [{"opens": "09:00", "closes": "10:00"}], "minutes": 30, "capacity": 2,
        }  # fmt: skip
        return conduct(self.desk, "appointment-slots", whole | body, by=by)

    def slots(self) -> list[dict[str, Any]]:
        return list(self.desk.client.get(f"/api/v1/appointment-slots?item_code={ITEM_CODE}").json["slots"])

    def call(self, path: str, body: Any, **claims: Any) -> Any:
        headers = self.desk.citizen(**claims) | {"Idempotency-Key": f"a-{next(self.desk.keys)}"}
        return self.desk.client.post(f"/api/v1/appointments{path}", json=body, headers=headers)

    def book(self, slot: int = 0, *, party: str = "p-1", **body: Any) -> Any:
        return self.call("", {"slot_id": self.slots()[slot]["slot_id"]} | body, party=party)

    def booked(self, slot: int = 0, *, party: str = "p-1", **body: Any) -> str:
        answer = self.book(slot, party=party, **body)
        assert answer.status_code == 201, answer.json
        return str(answer.json["appointment_id"])

    def free(self) -> list[int]:
        return [slot["free"] for slot in self.slots()]

    def attend(self, appointment_id: str, state: str, *, by: str = "education") -> Any:
        return conduct(self.desk, f"appointments/{appointment_id}/attendance", {"state": state}, by=by)

    def go_to(self, day: date, hours: float = 1.2) -> None:
        """``hours`` of UTC: nine in China is one."""
        moment = datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(hours=hours)
        clock.advance(self.desk.clock_file, moment - clock.now())


def opened(desk: Desk) -> Counter:
    desk.publish(msgspec.structs.replace(make_item(version=2), appointments=True))
    made = Counter(desk, (clock.now() + timedelta(days=10)).date())
    assert made.publish().json == {"published": 2, "there_already": 0}
    return made


@pytest.fixture
def counter(desk: Desk) -> Counter:
    return opened(desk)


@pytest.fixture(params=["sqlite", "postgresql"])
def either(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Counter]:
    url = request.getfixturevalue("postgresql_url") if request.param == "postgresql" else None
    for desk in make_desk(tmp_path, url):
        yield opened(desk)
        db.engine.dispose()


def test_times_are_made_of_opening_hours_on_working_days_and_days_named() -> None:
    hours = [Opening("09:00", "10:10"), Opening("14:00", "14:30")]
    times = times_between(
        date(2026, 9, 24), date(2026, 9, 28), hours, minutes=30, calendar=holiday_calendar, now=NOW,
        extra_days=[date(2026, 9, 26)],
    )  # fmt: skip
    assert [(time.day.day, time.opens, time.closes) for time in times if time.day.day == 24] == [
        (24, "09:30", "10:00"),  # nine has begun
        (24, "14:00", "14:30"),
    ]
    assert sorted({time.day.day for time in times}) == [24, 26, 28]
    assert times[0].begins_at == datetime(2026, 9, 24, 1, 30, tzinfo=UTC)
    assert (remind_on(date(2026, 9, 28), NOW.date()), remind_on(date(2026, 9, 25), NOW.date())) == (
        date(2026, 9, 27),
        None,
    )


@pytest.mark.parametrize(
    ("first", "last", "hours"),
    [
        (date(2026, 9, 23), date(2026, 9, 28), [Opening("09:00", "10:00")]),
        (date(2026, 9, 28), date(2026, 9, 24), [Opening("09:00", "10:00")]),
        (date(2026, 9, 24), date(2028, 9, 24), [Opening("09:00", "10:00")]),
        (date(2026, 9, 28), date(2026, 9, 28), [Opening("09:00", "09:10")]),
        (date(2026, 9, 28), date(2026, 9, 28), [Opening("09:00", "10:00"), Opening("09:00", "10:00")]),
        (date(2026, 9, 25), date(2026, 9, 25), [Opening("09:00", "10:00")]),
    ],
    ids=["past", "backwards", "too long", "no time", "overlap", "holiday"],
)
def test_hours_that_make_no_times_are_refused(first: date, last: date, hours: list[Opening]) -> None:
    with pytest.raises(Refusal, match="slots_invalid"):
        times_between(first, last, hours, minutes=30, calendar=holiday_calendar, now=NOW)


def test_a_place_is_booked_moved_and_given_back(counter: Counter) -> None:
    made = counter.booked()
    assert counter.free() == [1, 2]
    before = everything()
    assert_refused(counter.book(1), 409, "already_booked", before)
    assert_refused(counter.call(f"/{made}/cancellation", {}, party="p-x"), 404, "appointment_unknown", before)
    moved = counter.call(f"/{made}/rescheduling", {"slot_id": counter.slots()[1]["slot_id"]}, party="p-1")
    assert (moved.json["opens"], counter.free()) == ("09:30", [2, 1])
    assert counter.call(f"/{made}/cancellation", {"reason": "有事"}, party="p-1").json["state"] == "cancelled"
    assert counter.free() == [2, 2]
    before = everything()
    assert_refused(counter.call(f"/{made}/cancellation", {}, party="p-1"), 409, "appointment_ended", before)
    again = counter.booked()
    assert again != made
    assert [(e.moved, e.opens) for e in told(db, AppointmentBooked)] == [
        (False, "09:00"),
        (True, "09:30"),
        (False, "09:00"),
    ]
    assert [(e.by, e.reason) for e in told(db, AppointmentCancelled)] == [("applicant", "有事")]
    mine = counter.desk.client.get("/api/v1/appointments", headers=counter.desk.citizen(party="p-1")).json
    assert [found["state"] for found in mine["appointments"]] == ["booked", "cancelled"]


def test_one_may_book_for_a_case_of_ones_own_beside_the_item(counter: Counter) -> None:
    case_no = counter.desk.new_case()
    counter.booked(party=counter.desk.party)
    made = counter.book(1, party=counter.desk.party, case_no=case_no)
    assert (made.status_code, made.json["case_no"]) == (201, case_no)
    before = everything()
    assert_refused(counter.book(1, party="p-x", case_no=case_no), 404, "not_found", before)


def test_what_is_full_closed_or_begun_is_not_booked(counter: Counter) -> None:
    first, second = (counter.booked(party=party) for party in ("p-1", "p-2"))
    before = everything()
    assert_refused(counter.book(party="p-3"), 409, "slot_full", before)
    late = counter.booked(1, party="p-3")
    before = everything()
    assert_refused(
        counter.call(f"/{late}/rescheduling", {"slot_id": counter.slots()[0]["slot_id"]}, party="p-3"),
        409,
        "slot_full",
        before,
    )
    closing, open_one = (slot["slot_id"] for slot in counter.slots())
    stranger = conduct(counter.desk, f"appointment-slots/{closing}/closure", {"reason": "停电"}, by="police")
    assert_refused(stranger, 404, "not_found", before)
    closed = conduct(counter.desk, f"appointment-slots/{closing}/closure", {"reason": "停电"})
    assert closed.json == {"slot_id": closing, "cancelled": 2}
    assert [slot["slot_id"] for slot in counter.slots()] == [open_one]
    cancelled = told(db, AppointmentCancelled)
    assert {(e.appointment_id, e.by, e.reason) for e in cancelled} == {
        (x, "department", "停电") for x in (first, second)
    }
    before = everything()
    assert_refused(counter.call("", {"slot_id": closing}, party="p-4"), 409, "slot_closed", before)
    reopening = f"appointment-slots/{closing}/reopening"
    assert_refused(conduct(counter.desk, reopening, None, by="police"), 404, "not_found", before)
    assert conduct(counter.desk, reopening, None).json == {"slot_id": closing, "free": 2}
    before = everything()
    assert_refused(conduct(counter.desk, reopening, None), 409, "slot_not_closed", before)
    assert counter.call("", {"slot_id": closing}, party="p-4").status_code == 201
    conduct(counter.desk, f"appointment-slots/{closing}/closure", {"reason": "又停电"})
    before = everything()
    counter.go_to(counter.day, 1.6)
    assert_refused(counter.call("", {"slot_id": open_one}, party="p-4"), 409, "slot_past", before)
    assert_refused(counter.call(f"/{late}/cancellation", {}, party="p-3"), 409, "slot_past", before)


def test_a_department_offers_times_for_its_own_items_that_take_appointments_and_not_twice(counter: Counter) -> None:
    assert counter.publish(capacity=9).json == {"published": 0, "there_already": 2}
    assert counter.free() == [2, 2]
    before = everything()
    assert_refused(counter.publish(by="police"), 404, "not_found", before)
    assert_refused(counter.publish(hours=[{"opens": "09:00", "closes": "09:10"}]), 422, "slots_invalid", before)
    counter.desk.publish(make_item(version=3))
    assert_refused(counter.publish(), 409, "no_appointments", before)


def test_the_counter_sees_its_day_and_notes_who_came(counter: Counter) -> None:
    came, absent = counter.booked(party="p-1"), counter.booked(party="p-2")
    before = everything()
    assert_refused(counter.attend(came, "arrived"), 409, "attendance_not_allowed", before)  # not before the day
    counter.go_to(counter.day)
    assert_refused(counter.attend(came, "arrived", by="police"), 404, "appointment_unknown", before)
    assert counter.attend(came, "arrived").json["state"] == "arrived"
    assert counter.attend(came, "served").json["state"] == "served"
    assert counter.attend(absent, "no_show").status_code == 200
    before = everything()
    assert_refused(counter.attend(came, "no_show"), 409, "attendance_not_allowed", before)
    headers = counter.desk.tokens.headers("appointments:serve", kind="officer", dept="education", sub="o-1")
    address = f"/api/v1/appointments/day?item_code={ITEM_CODE}&day={counter.day}"
    shown: Any = counter.desk.client.get(address, headers=headers).json
    assert [(a["party_id"], a["state"], len(a["number"])) for a in shown["appointments"]] == [
        ("p-1", "served", 6),
        ("p-2", "no_show", 6),
    ]
    others = counter.desk.tokens.headers("appointments:serve", kind="officer", dept="police", sub="o-2")
    assert counter.desk.client.get(address, headers=others).status_code == 404
    any_item = f"/api/v1/appointments/day?day={counter.day}"
    whole: Any = counter.desk.client.get(any_item, headers=headers).json
    assert whole == shown
    assert [(s["opens"], s["free"], s["closed_because"]) for s in whole["slots"]] == [
        ("09:00", 0, None),
        ("09:30", 2, None),
    ]
    nobodys: Any = counter.desk.client.get(any_item, headers=others).json
    assert nobodys == {"appointments": [], "slots": []}
    assert [e.state for e in told(db, AppointmentAttended)] == ["arrived", "served", "no_show"]
    counter.go_to(counter.day + timedelta(days=1))
    assert counter.slots() == []


def test_one_is_reminded_the_day_before_once_and_not_of_what_is_cancelled_or_over(counter: Counter) -> None:
    kept, cancelled = counter.booked(party="p-1"), counter.booked(party="p-2")
    counter.call(f"/{cancelled}/cancellation", {}, party="p-2")
    REMIND.run()
    assert told(db, AppointmentDue) == []
    counter.go_to(counter.day - timedelta(days=1))
    REMIND.run()
    REMIND.run()
    [due] = told(db, AppointmentDue)
    assert (due.appointment_id, due.party_id, due.day, due.opens) == (kept, "p-1", counter.day, "09:00")
    counter.booked(1, party="p-3")  # tomorrow: that needs no reminder
    counter.go_to(counter.day)
    REMIND.run()
    assert len(told(db, AppointmentDue)) == 1


def test_of_those_who_book_at_once_as_many_get_a_place_as_there_are(either: Counter) -> None:
    slot_id = either.slots()[0]["slot_id"]
    answers = together(*[lambda n=n: either.call("", {"slot_id": slot_id}, party=f"p-{n}") for n in range(WINDOWS)])
    assert sorted(answer.status_code for answer in answers) == [201, 201] + [409] * (WINDOWS - 2)
    assert {answer.json["code"] for answer in answers if answer.status_code == 409} == {"slot_full"}
    one = [slot["slot_id"] for slot in either.slots()]
    again = together(*[lambda n=n: either.call("", {"slot_id": one[n % 2]}, party="p-x") for n in range(WINDOWS)])
    assert sum(answer.status_code == 201 for answer in again) == 1
    with db.read() as connection:
        booked = dict(connection.execute(sa.select(appointment_slots.c.slot_id, appointment_slots.c.booked)).all())
        held = connection.execute(sa.select(appointments.c.slot_id)).scalars().all()
    assert booked == {slot_id: held.count(slot_id) for slot_id in booked}


def test_cancelling_moving_and_closing_at_once_lose_no_place(either: Counter) -> None:
    first, second = (slot["slot_id"] for slot in either.slots())
    a, b = either.booked(party="p-a"), either.booked(1, party="p-b")
    answers = together(
        lambda: either.call(f"/{a}/rescheduling", {"slot_id": second}, party="p-a"),
        lambda: either.call(f"/{b}/rescheduling", {"slot_id": first}, party="p-b"),
        lambda: either.call(f"/{a}/cancellation", {}, party="p-a"),
        lambda: conduct(either.desk, f"appointment-slots/{first}/closure", {"reason": "停电"}),
    )
    assert {answer.status_code for answer in answers} <= {200, 409}
    assert answers[-1].status_code == 200
    with db.read() as connection:
        slots = connection.execute(sa.select(appointment_slots)).all()
        held = (
            connection.execute(sa.select(appointments.c.slot_id).where(appointments.c.state == "booked"))
            .scalars()
            .all()
        )
    assert {slot.slot_id: slot.booked for slot in slots} == {slot.slot_id: held.count(slot.slot_id) for slot in slots}


def test_a_time_begins_in_china() -> None:
    assert Time(date(2026, 9, 24), "09:00", "09:30").begins_at.astimezone(UTC) == NOW
