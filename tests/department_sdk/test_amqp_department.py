"""The SDK over AMQP with the bridge and a real broker."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pika
import pytest

from contracts.envelope import Envelope, encode
from contracts.registry import read
from contracts.task import OpinionGiven, OpinionRefused, TaskCancelled, TaskReceived
from department_sdk import AmqpDepartment, Answer, Rejection, Stopped, Task, agree, disagree
from department_sdk.answers import event_id, stamped_id
from gateway.provision import CORE_VHOST
from tests.department_sdk.broker_door import Door, broker_of, envelope_of, running_bridge, serving, task, wait_until

pytestmark = pytest.mark.servers

T1, T2 = task(1), task(2)


@pytest.fixture
def door(rabbitmq: Any) -> Iterator[Door]:
    opened = Door(broker_of(rabbitmq), ("police",))
    with running_bridge(opened):
        yield opened
    opened.close()


def department(door: Door, folder: Path, **options: Any) -> AmqpDepartment:
    return AmqpDepartment(door.url("police"), "police", journal=folder / "journal.sqlite", **options)


def told(door: Door, count: int) -> list[Any]:
    """What the department has told, in order of arrival, without repetitions."""
    return [read(envelope) for envelope in door.take("workflow.answers", count, unique=True)]


def opinions(envelopes: list[Envelope]) -> list[Envelope]:
    return [envelope for envelope in envelopes if envelope.type == OpinionGiven.TYPE]


def ring(door: Door, *tasks: Task) -> None:
    """Ring at the department as the bridge does, past the core."""
    gateway = door.connect("gateway", "d.police")
    for one in tasks:
        gateway.basic_publish("", "tasks", encode(envelope_of(one)), pika.BasicProperties(user_id="gateway"))
    gateway.connection.close()


def test_a_task_is_received_answered_and_done_with(door: Door, tmp_path: Path) -> None:
    with serving(department(door, tmp_path), lambda _task: disagree("线路不安全")):
        door.tell(T1)
        assert told(door, 2) == [
            TaskReceived(task_id=T1.task_id),
            OpinionGiven(task_id=T1.task_id, verdict="disagree", reason="线路不安全"),
        ]
    assert door.waiting("tasks", vhost="d.police") == 0


def test_tasks_are_handled_at_the_same_time(door: Door, tmp_path: Path) -> None:
    together = threading.Barrier(6, timeout=60)

    def handler(_task: Task) -> Answer:
        together.wait()
        return agree()

    with serving(department(door, tmp_path), handler):
        door.tell(*(task(number) for number in range(6)))
        told(door, 12)


def test_a_doorbell_that_rings_again_gets_the_same_answer_without_deciding_again(door: Door, tmp_path: Path) -> None:
    calls: list[str] = []

    def handler(one: Task) -> Answer:
        calls.append(one.task_id)
        return agree(f"第 {len(calls)} 次")

    heard: list[Envelope] = []
    for _process in range(2):
        police = department(door, tmp_path)
        with serving(police, handler):
            for _ring in range(2):
                ring(door, T1)
                heard += door.take("workflow.answers", 2)
                wait_until(lambda police=police: not police._desk._in_hand, "done with")  # type: ignore[misc]
    answer = agree("第 1 次").to(T1.task_id)
    assert {envelope.id for envelope in opinions(heard)} == {stamped_id("police", event_id(answer))}
    assert len({encode(envelope) for envelope in heard}) == 2, "repetitions are the same bytes"
    assert calls == [T1.task_id]


def test_a_doorbell_that_rings_during_the_work_is_answered_once(door: Door, tmp_path: Path) -> None:
    started, finish = threading.Event(), threading.Event()

    def handler(_task: Task) -> Answer:
        assert not started.is_set()
        started.set()
        finish.wait(60)
        return agree()

    with serving(department(door, tmp_path), handler):
        ring(door, T1)
        assert started.wait(60)
        ring(door, T1, T1)
        wait_until(lambda: door.waiting("tasks", vhost="d.police") == 0, "all delivered")
        finish.set()
        told(door, 2)
    assert door.waiting("tasks", vhost="d.police") == 0
    assert door.waiting("workflow.answers") == 0


def test_a_task_taken_over_is_answered_later_by_another_process(door: Door, tmp_path: Path) -> None:
    taken = threading.Event()
    with serving(department(door, tmp_path), lambda _task: taken.set()):
        door.tell(T1)
        assert taken.wait(60)
        assert told(door, 1) == [TaskReceived(task_id=T1.task_id)]
    with department(door, tmp_path) as police:
        answer_id = police.answer(T1.task_id, agree())
    [envelope] = door.take("workflow.answers", 1)
    assert envelope.id == stamped_id("police", answer_id)


def test_a_cancelled_task_is_told_and_not_decided(door: Door, tmp_path: Path) -> None:
    cancelled: list[str] = []
    decided: list[str] = []

    def handler(one: Task) -> Answer:
        decided.append(one.task_id)
        return agree()

    with serving(department(door, tmp_path), handler, on_cancelled=lambda event: cancelled.append(event.task_id)):
        door.tell(TaskCancelled(task_id=T1.task_id, case_no=T1.case_no, department="police", reason="case_withdrawn"))
        wait_until(lambda: cancelled == [T1.task_id], "cancellation told")
        door.tell(T1, T2)
        told(door, 2)
    assert decided == [T2.task_id]


def test_a_refused_answer_is_told_and_may_be_given_anew(door: Door, tmp_path: Path) -> None:
    refused: list[Rejection] = []
    calls: list[str] = []

    def handler(one: Task) -> Answer:
        calls.append(one.task_id)
        return agree()

    police = department(door, tmp_path)
    with serving(police, handler, on_refused=refused.append):
        door.tell(T1)
        [first] = opinions(door.take("workflow.answers", 2))
        no = OpinionRefused(
            task_id=T1.task_id, department="police", code="material_unknown", detail="x", opinion_id=first.id
        )
        door.tell(no)
        wait_until(lambda: refused, "refusal told")
        assert (refused[0].code, refused[0].task_id) == ("material_unknown", T1.task_id)
        ring(door, T1)
        assert told(door, 1) == [TaskReceived(task_id=T1.task_id)], "the refused answer is not repeated"
        police.answer(T1.task_id, agree("改正"))
        assert [event.reason for event in told(door, 1)] == ["改正"]
    assert calls == [T1.task_id]


def test_a_handler_that_fails_is_called_again_and_blocks_nobody(door: Door, tmp_path: Path) -> None:
    failures = iter([True, True, False])

    def handler(one: Task) -> Answer:
        if one.task_id == T1.task_id and next(failures):
            raise RuntimeError("the register does not answer")
        return agree()

    with serving(department(door, tmp_path, workers=1), handler):
        door.tell(T1, T2)
        events = told(door, 4)
    assert {event.task_id for event in events if isinstance(event, OpinionGiven)} == {T1.task_id, T2.task_id}


def test_a_cut_connection_loses_nothing_and_decides_nothing_twice(door: Door, tmp_path: Path) -> None:
    calls: list[str] = []
    tasks = [task(number) for number in range(40)]

    def handler(one: Task) -> Answer:
        calls.append(one.task_id)
        return agree()

    with serving(department(door, tmp_path, workers=4), handler):
        door.tell(*tasks[:20])
        wait_until(lambda: door.cut_connections("police"), "connection listed")
        door.tell(*tasks[20:])
        told(door, 80)
        wait_until(lambda: door.waiting("tasks", vhost="d.police") == 0, "all settled")
    assert sorted(calls) == sorted(one.task_id for one in tasks)


def test_answers_wait_for_a_platform_that_cannot_be_reached_and_stop_ends_the_wait(tmp_path: Path) -> None:
    police = AmqpDepartment("amqp://police:x@127.0.0.1:9", "police", journal=tmp_path / "j")
    ended = threading.Event()

    def give() -> None:
        with pytest.raises(Stopped):
            police.answer("t-1", agree())
        ended.set()

    threading.Thread(target=give).start()
    wait_until(lambda: "attempt" not in (police.trouble() or "") and police._unsent, "waiting")
    police.close()
    assert ended.wait(30)


CHILD = """
import sys, time
from pathlib import Path
from department_sdk import AmqpDepartment, agree

def handler(task):
    print("deciding", flush=True)
    if sys.argv[3] == "hang":
        time.sleep(600)
    return agree()

AmqpDepartment(sys.argv[1], "police", journal=Path(sys.argv[2])).serve(handler)
"""


def test_a_department_killed_at_work_gets_its_task_again(door: Door, tmp_path: Path) -> None:
    arguments = [sys.executable, "-c", CHILD, door.url("police"), str(tmp_path / "j")]
    door.tell(T1)
    with subprocess.Popen([*arguments, "hang"], stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"deciding\n"
        child.send_signal(signal.SIGKILL)
    with subprocess.Popen([*arguments, "answer"], stdout=subprocess.PIPE) as child:
        events = told(door, 2)
        child.kill()
    assert [type(event) for event in events] == [TaskReceived, OpinionGiven]
    assert door.waiting("workflow.answers", vhost=CORE_VHOST) == 0
