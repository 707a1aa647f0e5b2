"""What an operator is shown of the mechanism: what waits and for how long, what failed, and how jobs fare."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import msgspec
import pytest
import sqlalchemy as sa
from prometheus_client import REGISTRY

from chassis import clock
from chassis.background import _housekeeping, _runner
from chassis.bus import Subscription, each
from chassis.db import Database, Tx
from chassis.embedded_bus import EmbeddedBus
from chassis.inbox import Inbox
from chassis.outbox import Relay
from chassis.service import Job, Service
from contracts.case import CaseWithdrawn
from contracts.envelope import decode_envelope, encode
from tests.chassis.rig import make_database, on_the_wire, withdrawn

OLD = timedelta(hours=2)


@pytest.fixture
def database(tmp_path: Path) -> Database:
    return make_database("counted", f"sqlite:///{tmp_path}/counted.sqlite")


def metric(name: str, **labels: str) -> float | None:
    return REGISTRY.get_sample_value(name, labels)


def inbox_of(database: Database, name: str, act: Any = lambda _tx, _event: None) -> Inbox:
    return Inbox(database, Subscription(name, {CaseWithdrawn: each(act)}), retry_limit=3)


def old_body(case_no: str) -> bytes:
    envelope = decode_envelope(on_the_wire(withdrawn(case_no)).body)
    return encode(msgspec.structs.replace(envelope, time=clock.now() - OLD))


def service_of(database: Database, **more: Any) -> Service:
    return cast("Service", SimpleNamespace(name=database.name, database=database, gauges=None, **more))


def show(database: Database) -> None:
    gauges, _prune = _housekeeping(service_of(database))
    gauges.run()


def test_what_waits_in_the_outbox_is_counted_and_its_oldest_is_timed(database: Database) -> None:
    show(database)
    assert metric("tongban_outbox_waiting", service="counted") == 0
    assert metric("tongban_outbox_oldest_seconds", service="counted") == 0
    with database.transaction() as tx:
        tx.tell(withdrawn("a"))
        tx.tell(withdrawn("b"))
    with database.writing() as connection:
        connection.execute(sa.update(database.outbox).values(created_at=clock.now() - OLD))
    show(database)
    assert metric("tongban_outbox_waiting", service="counted") == 2
    assert metric("tongban_outbox_oldest_seconds", service="counted") >= OLD.total_seconds()
    bus = EmbeddedBus()
    bus.attach(inbox_of(database, "counted.all"))
    Relay(database, bus).step()
    show(database)
    assert metric("tongban_outbox_waiting", service="counted") == 0
    assert metric("tongban_outbox_oldest_seconds", service="counted") == 0


def test_what_is_tried_again_is_told_from_what_waits_for_a_person(database: Database) -> None:
    def fail(_tx: Tx, _event: CaseWithdrawn) -> None:
        raise ValueError("not today")

    inbox_of(database, "counted.failing", fail).receive([on_the_wire(withdrawn("a")).body])
    Inbox(database, Subscription("counted.parking", {CaseWithdrawn: each(fail)}), retry_limit=1).receive(
        [on_the_wire(withdrawn("b")).body]
    )
    show(database)
    assert metric("tongban_retrying_messages", service="counted") == 1
    assert metric("tongban_parked_messages", service="counted") == 1


def test_a_subscription_lags_until_its_queue_is_drained(database: Database) -> None:
    lags: list[float | None] = []
    name = "counted.lagging"
    inbox = inbox_of(
        database, name, lambda _tx, _event: lags.append(metric("tongban_subscription_lag_seconds", subscription=name))
    )
    inbox.receive([old_body("a")])
    assert lags[0] >= OLD.total_seconds()
    assert metric("tongban_subscription_lag_seconds", subscription=name) >= OLD.total_seconds()
    inbox.drained()
    assert metric("tongban_subscription_lag_seconds", subscription=name) == 0


def test_the_time_from_an_event_to_its_effect_is_taken_once_for_each(database: Database) -> None:
    inbox, body = inbox_of(database, "counted.timed"), old_body("a")
    inbox.receive([body, body])
    inbox.receive([body])
    assert metric("tongban_delivery_seconds_count", subscription="counted.timed") == 1
    assert metric("tongban_delivery_seconds_sum", subscription="counted.timed") >= OLD.total_seconds()


def test_a_job_says_when_it_last_went_well(database: Database) -> None:
    def fail() -> None:
        raise ValueError("not today")

    labels = {"service": "counted", "job": "counted.job"}
    _runner("counted", Job("counted.job", 1.0, lambda: None))()
    well = metric("tongban_job_last_success_timestamp_seconds", **labels)
    assert well
    with pytest.raises(ValueError, match="not today"):
        _runner("counted", Job("counted.job", 1.0, fail))()
    assert metric("tongban_job_last_success_timestamp_seconds", **labels) == well
    assert metric("tongban_job_seconds_count", **labels) == 2
    assert metric("tongban_job_runs_total", outcome="failed", **labels) == 1


def test_a_services_own_gauges_are_asked_for_less_often(database: Database) -> None:
    asked: list[sa.Connection] = []
    service = service_of(database)
    service = cast("Service", SimpleNamespace(**(vars(service) | {"gauges": asked.append})))
    gauges, _prune = _housekeeping(service)
    for _ in range(4):
        gauges.run()
    assert len(asked) == 2
