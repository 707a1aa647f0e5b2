"""The bridge on a real broker: what goes where, who can reach what, and that nothing is lost when it dies."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pika
import pytest
from pika.exceptions import AMQPError, ChannelClosedByBroker, ChannelWrongStateError, ConnectionWrongStateError

from chassis import trace
from chassis.bus import Subscription, each
from chassis.inbox import Inbox
from chassis.rabbit_bus import RabbitBus, queue_of
from chassis.spans import Spans
from contracts.envelope import Event, encode
from contracts.task import OpinionGiven, OpinionRefused, TaskCancelled
from department_sdk.amqp import AmqpDepartment
from department_sdk.answers import agree, event_id, stamped_id
from gateway import bridge as bridge_module
from gateway.bridge import QUEUE_ARGUMENTS
from gateway.bridge_check import admit
from gateway.provision import CORE_VHOST
from localservers.trace_store import TraceServer, TraceStore
from tests.chassis.rig import effects, leave_effect, make_database
from tests.department_sdk.broker_door import (
    Door,
    bridge_process,
    broker_of,
    envelope_of,
    running_bridge,
    task,
    wait_until,
)

pytestmark = pytest.mark.servers

CLOSED = (ChannelClosedByBroker, ChannelWrongStateError, ConnectionWrongStateError)


@pytest.fixture
def door(rabbitmq: Any) -> Iterator[Door]:
    opened = Door(broker_of(rabbitmq), ("police", "transport"))
    yield opened
    opened.close()


def opinion(number: int | str = 1, department: str = "police") -> OpinionGiven:
    return OpinionGiven(task_id=task(number, department).task_id, verdict="agree", reason="同意")


def answer(door: Door, department: str, *events: Event, **properties: Any) -> None:
    """Publish as a department system that is no SDK of ours would."""
    out = door.connect(department, f"d.{department}")
    for event in events:
        body = encode(envelope_of(event, source="anything", event_id=event_id(event)))
        out.basic_publish("out", "", body, pika.BasicProperties(**{"user_id": department} | properties), mandatory=True)
    out.connection.close()


def test_each_task_reaches_its_department_and_no_other(door: Door) -> None:
    with running_bridge(door):
        door.tell(task(1, "police"), task(2, "transport"), task(3, "police"))
        assert [e.subject for e in door.take("tasks", 2, vhost="d.police")] == [task(1).case_no, task(3).case_no]
        assert [e.subject for e in door.take("tasks", 1, vhost="d.transport")] == [task(2).case_no]
    assert door.waiting("tasks", vhost="d.police") == door.waiting("tasks", vhost="d.transport") == 0


def test_a_cancellation_follows_its_task_and_a_refused_answer_is_returned(door: Door) -> None:
    refused = OpinionRefused(
        task_id="t-1", department="police", code="task_of_another_department", detail="不是 / not", opinion_id="o-1"
    )
    cancelled = TaskCancelled(task_id="t-2", case_no="c", department="police", reason="case_withdrawn")
    with running_bridge(door):
        door.tell(refused, cancelled)
        assert [e.type for e in door.take("tasks", 1, vhost="d.police")] == ["task.cancelled.v1"]
        [returned] = door.rejections("police", 1)
    assert (returned["code"], returned["task_id"], returned["answer_id"]) == (refused.code, "t-1", "o-1")
    assert door.waiting("rejected", vhost="d.transport") == 0


def test_an_answer_reaches_the_core_in_its_departments_name(door: Door) -> None:
    with running_bridge(door):
        answer(door, "police", opinion())
        [envelope] = door.take("workflow.answers", 1)
    assert envelope.source == "department/police"
    assert envelope.id == stamped_id("police", event_id(opinion()))


def test_a_task_its_way_to_the_department_and_the_answer_are_one_trace(door: Door, tmp_path: Path) -> None:
    trace_id, store = "a" * 32, TraceStore()
    with TraceServer("127.0.0.1:0", store) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        trace.keep_spans(Spans(server.url, 1.0, bus="rabbitmq", version="test"))
        try:
            with running_bridge(door), AmqpDepartment(door.url("police"), "police", journal=tmp_path / "j") as police:
                threading.Thread(target=police.serve, args=(lambda _task: agree(),), daemon=True).start()
                door.tell(task(1), traceparent=f"00-{trace_id}-{'b' * 16}-01")
                told = door.take("workflow.answers", 2, unique=True)
        finally:
            trace.stop_spans()
            server.shutdown()
    [into] = store.roots(trace_id) or []
    assert (into.service, into.name, into.facts["tongban.department"]) == ("bridge", "in task.assigned.v1", "police")
    assert into.parent_id == "b" * 16
    assert {span.name for span in into.children} == {"out task.received.v1", "out task.opinion_given.v2"}
    assert {trace.ids(envelope.traceparent) for envelope in told} == {
        (trace_id, span.span_id) for span in into.children
    }


def test_carbon_copies_and_reply_addresses_reach_nobody(door: Door) -> None:
    """CC and BCC pass topic permissions on RabbitMQ 3.10. A fanout ignores them, and the bridge copies no header."""
    elsewhere = ["tasks", "rejected", "task.assigned.v1", "task.opinion_given.v1", "gateway.bridge", "workflow.answers"]
    headers = {"CC": elsewhere, "BCC": elsewhere}
    with running_bridge(door):
        answer(door, "police", opinion(), headers=headers, reply_to="tasks", expiration="1000000")
        [envelope] = door.take("workflow.answers", 1)
    assert envelope.source == "department/police"
    for code in door.departments:
        for queue in ("tasks", "rejected"):
            assert door.waiting(queue, vhost=f"d.{code}") == 0
    assert door.waiting("workflow.answers") == door.waiting("gateway.bridge") == 0


ATTACKS: dict[str, Callable[[Any], object]] = {
    "default exchange": lambda ch: ch.basic_publish("", "rejected", b"{}", mandatory=True),
    "another user's name": lambda ch: ch.basic_publish("out", "", b"{}", pika.BasicProperties(user_id="transport")),
    "the gateway's name": lambda ch: ch.basic_publish("out", "", b"{}", pika.BasicProperties(user_id="gateway")),
    "own answers read back": lambda ch: ch.basic_get("answers"),
    "a queue of its own": lambda ch: ch.queue_declare("mine", durable=True),
    "a nameless queue": lambda ch: ch.queue_declare("", exclusive=True),
    "another binding": lambda ch: ch.queue_bind("tasks", "out"),
    "an exchange of its own": lambda ch: ch.exchange_declare("mine"),
    "a purge of the answers": lambda ch: ch.queue_purge("answers"),
    "deleting the way out": lambda ch: ch.exchange_delete("out"),
}


@pytest.mark.parametrize("attack", ATTACKS)
def test_a_department_can_do_nothing_but_tell_and_take(door: Door, attack: str) -> None:
    channel = door.connect("police", "d.police")
    with pytest.raises(CLOSED):
        ATTACKS[attack](channel)
    for queue in ("tasks", "rejected", "answers"):
        assert door.waiting(queue, vhost="d.police") == 0


@pytest.mark.parametrize("vhost", ["d.transport", CORE_VHOST, "/"])
def test_a_department_cannot_enter_another_virtual_host(door: Door, vhost: str) -> None:
    with pytest.raises(AMQPError):
        door.connect("police", vhost)


def test_what_cannot_be_understood_comes_back_and_neighbours_pass(door: Door) -> None:
    poison = {
        b"no json": "not_cloudevents",
        encode(envelope_of(task())): "type_forbidden",
        b"x" * (300 * 1024): "too_large",
    }
    with running_bridge(door):
        out = door.connect("police", "d.police")
        for body in poison:
            out.basic_publish("out", "", body, pika.BasicProperties(user_id="police"), mandatory=True)
        out.basic_publish("out", "", encode(envelope_of(opinion())), pika.BasicProperties(), mandatory=True)
        answer(door, "police", opinion(2))
        answer(door, "transport", opinion(3, "transport"))
        sources = {e.source for e in door.take("workflow.answers", 2)}
        codes = {r["code"] for r in door.rejections("police", 4)}
    assert sources == {"department/police", "department/transport"}
    assert codes == {*poison.values(), "sender_missing"}
    assert door.waiting("workflow.answers") == door.waiting("rejected", vhost="d.transport") == 0


def test_a_task_that_no_owner_told_goes_nowhere(door: Door) -> None:
    documents = door.admin(CORE_VHOST)
    with running_bridge(door):
        for sender in (None, door.broker.user):
            properties = pika.BasicProperties(user_id=sender)
            documents.basic_publish("tongban.events", "task.assigned.v1", encode(envelope_of(task())), properties)
        door.tell(task(2))
        assert [e.subject for e in door.take("tasks", 1, vhost="d.police")] == [task(2).case_no]
        wait_until(lambda: door.waiting("tongban.unreadable") == 2, "two unreadable")
    assert door.waiting("tasks", vhost="d.police") == 0


def test_a_service_tells_its_own_events_only(door: Door) -> None:
    for event_type in ("case.approved.v1", "task.opinion_given.v2"):
        channel = door.connect("documents", CORE_VHOST)
        with pytest.raises(CLOSED):
            channel.basic_publish("tongban.events", event_type, b"{}", pika.BasicProperties(user_id="documents"))


def test_a_department_without_a_door_holds_up_no_other(door: Door) -> None:
    with running_bridge(door, ["police"]):
        door.tell(*(task(number, "transport") for number in range(5)), task(9, "police"))
        assert len(door.take("tasks", 1, vhost="d.police")) == 1
    with running_bridge(door):
        subjects = {e.subject for e in door.take("tasks", 5, vhost="d.transport", unique=True)}
    assert subjects == {task(number).case_no for number in range(5)}


def test_messages_of_a_department_that_works_another_way_do_not_pile_up(
    door: Door, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bridge_module, "DOOR_EXPECTED", timedelta(0))
    with running_bridge(door, ["police"]):
        door.tell(*(task(number, "transport") for number in range(5)), task(9, "police"))
        assert len(door.take("tasks", 1, vhost="d.police")) == 1
        wait_until(lambda: not door.waiting("gateway.bridge"), "they are let go")
    assert door.waiting("tasks", vhost="d.transport") == 0


def test_cut_connections_lose_nothing(door: Door) -> None:
    count = 60
    with running_bridge(door) as bridge:
        door.tell(*(task(number) for number in range(count // 2)))
        wait_until(lambda: door.cut_connections("gateway") >= 3, "connections listed")
        door.tell(*(task(number) for number in range(count // 2, count)))
        for number in range(count):
            answer(door, "transport", opinion(number))
        assert len(door.take("tasks", count, vhost="d.police", unique=True)) == count
        assert len(door.take("workflow.answers", count, unique=True)) == count
        wait_until(lambda: bridge.health.report()[0], "connected again")


def test_a_fault_in_the_bridge_ends_no_more_than_one_of_its_lives(door: Door, monkeypatch: pytest.MonkeyPatch) -> None:
    faults = iter([True, True, False])

    def faulty(*arguments: Any) -> Any:
        if next(faults, False):
            raise RuntimeError("a fault")
        return admit(*arguments)

    monkeypatch.setattr(bridge_module, "admit", faulty)
    with running_bridge(door):
        for number in range(5):
            answer(door, "police", opinion(number))
        assert len(door.take("workflow.answers", 5, unique=True)) == 5


@pytest.mark.parametrize("failpoint", ["bridge.before_publish", "bridge.before_ack"])
@pytest.mark.parametrize("nth", [1, 9, 33])
def test_a_bridge_killed_between_two_steps_loses_nothing(door: Door, tmp_path: Path, failpoint: str, nth: int) -> None:
    count = 20
    tasks = [task(number, department) for number in range(count // 2) for department in door.departments]
    door.tell(*tasks)
    for number in range(count):
        answer(door, "police", opinion(number))
    with bridge_process(door, tmp_path, f"{failpoint}:{nth}:kill") as process:
        assert process.wait(60) == 1, "the parent reports the killed worker"
    with bridge_process(door, tmp_path):
        moved = [e for code in door.departments for e in door.take("tasks", count // 2, vhost=f"d.{code}", unique=True)]
        answers = door.take("workflow.answers", count, unique=True)
    assert {e.subject for e in moved} == {t.case_no for t in tasks}
    assert {e.id for e in answers} == {stamped_id("police", event_id(opinion(number))) for number in range(count)}
    assert door.waiting("tongban.unreadable") == 0


def test_sigterm_ends_the_process_in_good_order(door: Door, tmp_path: Path) -> None:
    with bridge_process(door, tmp_path) as process:
        door.tell(task())
        door.take("tasks", 1, vhost="d.police")
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0


def test_settings_that_make_no_sense_are_said_in_a_sentence() -> None:
    for wrong in ({"TONGBAN_DEPARTMENTS": ""}, {"TONGBAN_DEPARTMENTS": "police", "TONGBAN_BUS_URL": "embedded"}):
        process = subprocess.run(
            [sys.executable, "-m", "gateway.bridge"], env=os.environ | wrong, capture_output=True, check=False
        )
        assert process.returncode == 2
        assert b"TONGBAN_" in process.stderr


def test_the_bridges_queue_is_made_like_every_subscriptions() -> None:
    assert queue_of(Subscription("gateway.bridge")).queue_arguments == QUEUE_ARGUMENTS


def test_provisioning_again_changes_passwords_and_nothing_else(door: Door) -> None:
    door.tell(task())
    again = Door(door.broker, door.departments)
    assert door.waiting("gateway.bridge") == 1
    again.connect("police", "d.police")
    before = door.api("GET", "queues/d.police/tasks")["arguments"]
    assert before["x-queue-type"] == "quorum"
    again.close()


@pytest.mark.parametrize("failpoint", ["bridge.before_publish", "bridge.before_ack"])
def test_of_two_bridges_one_may_be_killed_at_any_point_again_and_again(
    door: Door, tmp_path: Path, failpoint: str
) -> None:
    """Messages may come twice under one id; workflow's inbox is where they count, and there each counts once."""
    share, kills = 40, (1, 12)
    database = make_database("workflow", f"sqlite:///{tmp_path}/workflow.sqlite")
    leave = each(lambda tx, event: leave_effect(tx, database, event.task_id))
    bus = RabbitBus(door.url("workflow", CORE_VHOST))
    bus.attach(Inbox(database, Subscription("workflow.opinions", {OpinionGiven: leave}), retry_limit=3))
    bus.start()
    wait_until(lambda: bus.trouble() is None, "workflow hears")
    try:
        with bridge_process(door, tmp_path):
            for start, nth in zip(range(0, share * len(kills), share), kills, strict=True):
                numbers = range(start, start + share)
                with bridge_process(door, tmp_path, f"{failpoint}:{nth}:kill") as killed:
                    wait_until(lambda: door.consumers("gateway.bridge") == 2, "two bridges move tasks")
                    wait_until(lambda: door.consumers("answers", vhost="d.police") == 2, "and answers")
                    door.tell(*(task(number, "transport") for number in numbers))
                    answer(door, "police", *(opinion(number) for number in numbers))
                    assert killed.wait(60) == 1, "the parent reports the killed worker"
            everything = [opinion(number) for number in range(share * len(kills))]
            moved = door.take("tasks", len(everything), vhost="d.transport", unique=True)
            answers = door.take("workflow.answers", len(everything), unique=True)
            wait_until(lambda: len(effects(database)) >= len(everything), "every answer counts")
    finally:
        bus.stop(10)
    assert {e.subject for e in moved} == {task(number).case_no for number in range(len(everything))}
    assert {e.id for e in answers} == {stamped_id("police", event_id(given)) for given in everything}
    assert effects(database) == sorted(given.task_id for given in everything)
    assert door.waiting("tongban.unreadable") == 0
