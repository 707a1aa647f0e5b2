"""``tongban-department simulate`` as a child process, over both ways."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from contracts.registry import read
from contracts.task import OpinionGiven
from department_sdk.answers import event_id
from tests.department_sdk.broker_door import Door, broker_of, running_bridge, task, wait_until
from tests.department_sdk.small_platform import SmallPlatform, listening

FAST = ["--delay", "0"]


@contextmanager
def simulator(*arguments: str, secret: str = "secret") -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "department_sdk.cli", "simulate", "--department", "police", *arguments]
    environment = os.environ | {"TONGBAN_CLIENT_SECRET": secret}
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as process:
        try:
            assert line(process)["event"] == "started"
            yield process
        finally:
            process.terminate()
            process.wait(30)


def line(process: subprocess.Popen[str]) -> dict[str, Any]:
    assert process.stdout is not None
    said: dict[str, Any] = json.loads(process.stdout.readline())
    return said


def test_it_answers_over_https_and_says_what_happened() -> None:
    platform = SmallPlatform()
    platform.assign(task(1))
    with listening(platform) as base_url, simulator("--https", base_url, *FAST, "--once", "1") as process:
        received, answered = line(process), line(process)
        assert process.wait(60) == 0
    about = {"task_id": task(1).task_id, "case_no": task(1).case_no, "step": "police_opinion", "department": "police"}
    assert {**received, **about, "event": "received"} == received
    assert {**answered, **about, "event": "answered", "verdict": "agree"} == answered
    assert received["at"] <= answered["at"]
    opinion = OpinionGiven(task_id=task(1).task_id, **platform.opinions[task(1).task_id])
    assert answered["answer_id"] == event_id(opinion)


def test_a_correction_is_asked_for_in_the_first_round_only() -> None:
    platform = SmallPlatform()
    platform.assign(task(1), task(2, round_=2))
    verdict = ["--verdict", "correct", "--correct-material", "route"]
    with listening(platform) as base_url, simulator("--https", base_url, *FAST, *verdict):
        wait_until(lambda: len(platform.opinions) == 2, "both answered")
    first, second = (platform.opinions[t.task_id] for t in (task(1), task(2, round_=2)))
    assert [defect["material_code"] for defect in first["defects"]] == ["route"]
    assert second["verdict"] == "agree"


def test_sigterm_ends_it_while_it_thinks_and_nothing_was_answered() -> None:
    platform = SmallPlatform()
    platform.assign(task(1))
    slow = ["--delay-step", "police_opinion=600"]
    with listening(platform) as base_url, simulator("--https", base_url, *FAST, *slow) as process:
        assert line(process)["event"] == "received"
        process.terminate()
        assert process.wait(30) == 0
    assert platform.opinions == {}


def test_refused_credentials_are_said_and_end_it() -> None:
    with listening(SmallPlatform()) as base_url, simulator("--https", base_url, secret="wrong") as process:
        assert line(process)["code"] == "client_unknown"
        assert process.wait(30) == 1


@pytest.mark.servers
def test_it_answers_over_amqp(rabbitmq: Any, tmp_path: Path) -> None:
    door = Door(broker_of(rabbitmq), ("police",))
    with running_bridge(door), simulator("--amqp", door.url("police"), *FAST, "--verdict", "disagree") as process:
        door.tell(task(1))
        events = [read(envelope) for envelope in door.take("workflow.answers", 2)]
        assert [line(process)["event"] for _ in range(2)] == ["received", "answered"]
    assert {getattr(event, "verdict", None) for event in events} == {None, "disagree"}
    door.close()
