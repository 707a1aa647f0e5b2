"""预约 at a counter, and 邮寄 with a courier that is connected."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from demo.client import wait_for
from localservers.courier import courier_server
from services.identity.domain.directory import Caller
from services.workflow.adapters.courier import COURIERS, Courier
from tests.factories.definitions import make_definition
from tests.journeys.case import apply
from tests.journeys.clock import is_workday
from tests.journeys.platform import PATIENCE_S, Town
from tests.journeys.ways import journey_on_both

ALL = ("accept", "police_opinion", "transport_opinion", "examine", "decide")
VENUE = {
    "name": "云溪县政务服务中心",
    "name_en": "Yunxi County Government Service Centre",
    "address": "云溪县政务服务中心一楼",
    "address_en": "Ground floor",
    "hours": [{"weekdays": [1, 2, 3, 4, 5], "opens": "09:00", "closes": "17:00"}],
}


@journey_on_both
def an_appointment_is_made_moved_lost_to_a_closure_made_again_and_kept(town: Town) -> None:
    code = town.publish(make_definition(156, appointments=True, venues=[VENUE]))
    officer, one, other = town.officer("education"), town.person(), town.person("parent")
    day = town.today + timedelta(days=7)
    while not is_workday(day):
        day += timedelta(days=1)
    offer = {
        "item_code": code, "venue": VENUE["name"], "from_on": str(day), "until_on": str(day), "minutes": 30, "capacity": 1,
        "hours": [{"opens": "09:00", "closes": "10:30"}],
    }  # fmt: skip
    assert town.told("POST", "/api/v1/appointment-slots", officer, offer)["published"] == 3
    nine, half_past, ten = (slot["slot_id"] for slot in _slots(town, code))

    mine = _book(town, one, nine)
    full = town.refused("POST", "/api/v1/appointments", other, {"slot_id": nine})
    assert (full.status, full.code) == (409, "slot_full")
    moved = town.told("POST", f"/api/v1/appointments/{mine}/rescheduling", one, {"slot_id": half_past})
    assert (moved["opens"], [slot["free"] for slot in _slots(town, code)]) == ("09:30", [1, 0, 1])
    gone = _book(town, other, nine)
    town.told("POST", f"/api/v1/appointments/{gone}/cancellation", other, {"reason": "有事"})

    closed = town.told("POST", f"/api/v1/appointment-slots/{half_past}/closure", officer, {"reason": "停电"})
    assert closed["cancelled"] == 1
    assert _inbox(town, one, "appointment_cancelled", 1)
    assert town.refused("POST", "/api/v1/appointments", one, {"slot_id": half_past}).code == "slot_closed"
    assert town.told("POST", f"/api/v1/appointment-slots/{half_past}/reopening", officer)["free"] == 1
    kept, missed = _book(town, one, half_past), _book(town, other, ten)

    town.set_clock(day - timedelta(days=1))
    for _ in range(2):
        town.run_job("workflow.remind_of_appointments")
    assert [len(_inbox(town, who, "appointment_due", 1)) for who in (one, other)] == [1, 1]

    early = town.refused("POST", f"/api/v1/appointments/{kept}/attendance", officer, {"state": "arrived"})
    assert early.code == "attendance_not_allowed"
    town.set_clock(day)  # ten in the morning
    for appointment, state in ((kept, "arrived"), (kept, "served"), (missed, "no_show")):
        town.told("POST", f"/api/v1/appointments/{appointment}/attendance", officer, {"state": state})
    found = town.told("GET", f"/api/v1/appointments/day?day={day}", officer)
    assert {a["appointment_id"]: a["state"] for a in found["appointments"] if a["item_code"] == code} == {
        kept: "served",
        missed: "no_show",
    }


@journey_on_both
def a_result_goes_with_the_connected_courier_comes_back_and_is_received_the_second_time(town: Town) -> None:
    case = apply(
        town,
        town.publish(make_definition(157, delivery_ways=["post", "pick_up"])),
        delivery_way="post",
        delivery_address="云溪镇一号",
    )
    case.agree(*ALL)
    with courier_server() as courier:
        COURIERS.connected = Courier(courier.url, "示例邮政")
        try:
            case.conduct("handover")
            assert _parcel(town, case)["state"] == "handed_over"
            assert courier.addresses == {f"{case.no}-1": "云溪镇一号"}
            courier.move(f"{case.no}-1", "returned", reason="无人签收")
            town.set_clock(town.today + timedelta(days=1))  # it is asked every half hour
            assert _parcel(town, case)["state"] == "returned"
            assert case.state == "approved"
            case.conduct("handover")
            assert _parcel(town, case)["tracking_no"] == courier.orders[f"{case.no}-2"]["tracking_no"]
            courier.move(f"{case.no}-2", "delivered", signed_by="周敏", signed_at="2026-01-20T10:00:00+08:00")
            town.set_clock(town.today + timedelta(days=1))
            assert _parcel(town, case)["state"] == "delivered"
        finally:
            COURIERS.connected = None
    shown = case.ended("closed")
    assert [one["state"] for one in shown["shipments"]] == ["delivered", "returned"]
    assert shown["shipments"][1]["proof"]["reason"] == "无人签收"
    assert case.told().count("case.delivery_moved") == 4


def _slots(town: Town, item_code: str) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = town.told("GET", f"/api/v1/appointment-slots?item_code={item_code}", None)["slots"]
    return found


def _book(town: Town, who: Caller, slot_id: str) -> str:
    return str(town.told("POST", "/api/v1/appointments", who, {"slot_id": slot_id})["appointment_id"])


def _inbox(town: Town, who: Caller, kind: str, count: int) -> list[dict[str, Any]]:
    """The messages of this kind, as soon as there are so many."""

    def there() -> list[dict[str, Any]] | None:
        found = [one for one in town.told("GET", "/api/v1/messages", who)["messages"] if one["kind"] == kind]
        return found if len(found) >= count else None

    found: list[dict[str, Any]] = wait_for(f"{count} {kind}", there, timeout_s=PATIENCE_S)
    return found


def _parcel(town: Town, case: Any) -> dict[str, Any]:
    """The latest shipment, after the courier was asked."""
    town.run_job("workflow.ask_courier")
    latest: dict[str, Any] = case.show()["shipments"][0]
    return latest
