"""邮寄送达 over HTTP and with a courier that answers: the address is sealed, the courier is asked, the applicant is told."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import msgspec
import pytest
import sqlalchemy as sa

from chassis import clock
from contracts.case import CaseClosed, CaseDeliveryMoved
from contracts.licence import LicenceIssued
from contracts.rights import scopes_of
from localservers.courier import CourierServer, courier_server
from services.workflow.adapters.courier import COURIERS, Courier
from services.workflow.models import cases, db
from services.workflow.service import SERVICE
from services.workflow.use_cases import rotate_master_key as rotation
from services.workflow.use_cases.ask_courier import ask_courier
from tests.factories.items import ITEM_CODE, make_item
from tests.services.workflow.conftest import Desk, assert_refused, everything
from tests.services.workflow.test_conduct_over_http import conduct
from tests.support import deliver, envelope_bytes, told

ADDRESS = "云溪县学府路1号 张某 13800001234"


@dataclass
class Post:
    desk: Desk
    courier: CourierServer
    case_no: str

    def show(self) -> Any:
        return self.desk.show(self.case_no)

    def hand_over(self, **body: str) -> Any:
        return conduct(self.desk, f"cases/{self.case_no}/handover", body)

    def later(self, **more: int) -> None:
        clock.advance(self.desk.clock_file, timedelta(**more))
        ask_courier()


@pytest.fixture
def post(desk: Desk) -> Iterator[Post]:
    """A case that is granted, its licence made, to be posted."""
    item = msgspec.structs.replace(make_item(version=2, opinions=(), delivery=False), delivery_ways=("post", "pick_up"))
    desk.publish(item)
    case_no = str(desk.submit(delivery_address=ADDRESS).json["case_no"])
    desk.agree(case_no, ("education", "accept"), ("education", "examine"), ("county_government", "decide"))
    issued = LicenceIssued(
        licence_no="1.2", case_no=case_no, item_code=ITEM_CODE, holder_id="org-1", name="证", issued_on=date(2026, 1, 5),
        sha256="0",
    )  # fmt: skip
    deliver(SERVICE, "workflow.licences", envelope_bytes(issued, source="documents"))
    with courier_server() as server:
        COURIERS.connected = Courier(server.url, "邮政")
        yield Post(desk, server, case_no)
    COURIERS.connected = None


def test_where_to_is_sealed_at_rest_and_shown_to_the_applicant_and_the_lead_alone(post: Post) -> None:
    assert post.show()["delivery"]["address"] == ADDRESS
    with db.read() as connection:
        stored = connection.execute(sa.select(cases.c.delivery).where(cases.c.case_no == post.case_no)).scalar_one()
    assert "学府路" not in json.dumps(stored, ensure_ascii=False)
    assert set(stored) == {"address_sealed", "address_key", "address_master"}

    def seen_by(department: str) -> Any:
        headers = post.desk.tokens.headers(scopes_of("officer"), kind="officer", dept=department, sub="o-1")
        return post.desk.client.get(f"/api/v1/cases/{post.case_no}", headers=headers).json["delivery"]

    assert seen_by("education")["address"] == ADDRESS
    assert seen_by("county_government") is None
    assert not any("学府路" in str(row) for row in everything()["outbox"])


def test_a_rotation_wraps_every_addresss_key_anew_and_drops_the_master_keys_that_nothing_is_under(
    post: Post, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(rotation, "AT_ONCE", 1)
    monkeypatch.setattr(rotation, "_POSTED", rotation._POSTED.limit(1))
    second = post.desk.submit(delivery_address="云溪县另一处").json["case_no"]
    assert [rotation.rotate_master_key() for _ in range(2)] == [2, 2]
    with db.read() as connection:
        stored = connection.execute(sa.select(cases.c.delivery)).scalars().all()
    assert {delivery["address_master"] for delivery in stored} == {3}
    [folder] = tmp_path.rglob("masters")
    assert [file.name for file in folder.iterdir()] == ["0003.key"]
    assert [post.desk.show(case)["delivery"]["address"] for case in (post.case_no, second)] == [ADDRESS, "云溪县另一处"]


def test_the_courier_takes_an_order_carries_it_and_its_receipt_closes_the_case(post: Post) -> None:
    assert post.hand_over().json["state"] == "approved"
    assert post.show()["shipments"][0]["state"] == "ordered"
    assert told(db, CaseDeliveryMoved) == []
    post.later(seconds=1)
    order = f"{post.case_no}-1"
    assert post.courier.addresses == {order: ADDRESS}
    [handed_over] = told(db, CaseDeliveryMoved)
    assert (handed_over.state, handed_over.tracking_no, handed_over.courier) == ("handed_over", "EA000000001CN", "邮政")
    post.courier.move(order, "in_transit")
    post.later(hours=1)
    post.later(hours=1)  # it says the same again
    post.courier.move(order, "delivered", signed_by="张某", signed_at="2026-03-02T10:00:00+08:00")
    post.later(hours=1)
    assert [event.state for event in told(db, CaseDeliveryMoved)] == ["handed_over", "in_transit", "delivered"]
    assert len(told(db, CaseClosed)) == 1
    shown = post.show()
    assert (shown["state"], shown["shipments"][0]["proof"]["received_by"]) == ("closed", "张某")
    assert shown["shipments"][0]["proof"]["signed_at"] == "2026-03-02T10:00:00+08:00"
    asked = post.courier.requests
    post.later(days=2)
    assert post.courier.requests == asked  # nobody asks any more


def test_a_courier_that_is_down_loses_nothing_and_what_came_back_is_sent_again(post: Post) -> None:
    post.courier.down = True
    post.hand_over()
    post.later(seconds=1)
    assert (post.show()["shipments"][0]["state"], told(db, CaseDeliveryMoved)) == ("ordered", [])
    post.courier.down = False
    post.later(minutes=5)
    post.courier.move(f"{post.case_no}-1", "returned", reason="地址不详")
    post.later(hours=1)
    assert [(e.state, e.reason) for e in told(db, CaseDeliveryMoved)] == [("handed_over", ""), ("returned", "地址不详")]
    assert post.show()["state"] == "approved"
    assert post.hand_over().status_code == 200
    post.later(seconds=1)
    assert [s["round"] for s in post.show()["shipments"]] == [2, 1]
    assert set(post.courier.orders) == {f"{post.case_no}-1", f"{post.case_no}-2"}


def test_a_handover_is_refused_when_it_is_done_or_nobody_carries_it(post: Post) -> None:
    before = everything()
    COURIERS.connected = None
    assert_refused(post.hand_over(), 422, "tracking_no_missing", before)
    unsent = conduct(post.desk, f"cases/{post.case_no}/delivery", {"state": "in_transit"})
    assert_refused(unsent, 409, "nothing_to_hand_over", before)
    assert post.hand_over(tracking_no="EA1", courier="EMS").status_code == 200
    before = everything()
    assert_refused(post.hand_over(tracking_no="EA2", courier="EMS"), 409, "nothing_to_hand_over", before)
    stranger = conduct(post.desk, f"cases/{post.case_no}/delivery", {"state": "in_transit"}, by="police")
    assert_refused(stranger, 404, "not_found", before)


def test_an_address_of_a_courier_that_cannot_be_used_stops_the_start(desk: Desk, tmp_path: Path) -> None:
    from tests.support import make_runtime

    runtime = make_runtime(SERVICE, tmp_path, desk.tokens)
    with pytest.raises(ValueError, match="key id"):
        COURIERS.load(replace(runtime.settings, courier_url="https://courier.example.org"))
