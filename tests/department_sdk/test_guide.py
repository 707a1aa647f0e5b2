"""The examples of docs/departments.md run as they stand, with only the addresses replaced."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from contracts.envelope import decode_envelope
from contracts.registry import read
from department_sdk.cli import main
from gateway.bridge_check import Admitted, admit
from tests.department_sdk.broker_door import Door, broker_of, running_bridge, task, wait_until
from tests.department_sdk.small_platform import SmallPlatform, listening

GUIDE = Path("docs/departments.md").read_text()
BLOCKS = {
    language: re.findall(rf"^```{language}\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
    for language in ("python", "json", "sh")
}
AMQP, HTTPS, LATER = BLOCKS["python"]
URL = "amqp://police:secret@127.0.0.1:5672"


@contextmanager
def running(example: str, folder: Path) -> Iterator[subprocess.Popen[bytes]]:
    environment = os.environ | {"XDG_DATA_HOME": str(folder)}
    with subprocess.Popen([sys.executable, "-c", example], env=environment, stdout=subprocess.DEVNULL) as process:
        try:
            yield process
        finally:
            process.kill()


@pytest.mark.servers
def test_the_amqp_example_works(rabbitmq: Any, tmp_path: Path) -> None:
    door = Door(broker_of(rabbitmq), ("police",))
    assert URL in AMQP
    with running_bridge(door), running(AMQP.replace(URL, door.url("police")), tmp_path):
        door.tell(task())
        events = [read(envelope) for envelope in door.take("workflow.answers", 2)]
    assert [getattr(event, "verdict", None) for event in events] == [None, "correction_needed"]
    assert len(list(tmp_path.glob("tongban-department/police@*.sqlite"))) == 1
    door.close()


@pytest.mark.servers
def test_the_example_of_a_later_answer_works(rabbitmq: Any, tmp_path: Path) -> None:
    door = Door(broker_of(rabbitmq), ("police",))
    with running_bridge(door), running(LATER.replace(URL, door.url("police")), tmp_path) as process:
        assert process.wait(60) == 0
        [envelope] = door.take("workflow.answers", 1)
    event: Any = read(envelope)
    assert (event.verdict, event.officer) == ("agree", "王警官")
    door.close()


def test_the_https_example_works(tmp_path: Path) -> None:
    platform = SmallPlatform()
    platform.assign(task())
    with listening(platform) as base_url, running(HTTPS.replace("http://127.0.0.1:8000", base_url), tmp_path):
        wait_until(lambda: platform.opinions, "answered")
    assert platform.opinions[task().task_id]["verdict"] == "agree"


def test_the_example_message_passes_the_door() -> None:
    rejection, message = BLOCKS["json"]
    assert isinstance(admit("police", "police", message.encode()), Admitted)
    assert decode_envelope(message.encode()).type == "task.opinion_given.v2"
    assert set(json.loads(rejection)) == {"code", "detail", "task_id", "answer_id", "original"}


def test_the_simulators_options_are_the_ones_shown(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["simulate", "--help"])
    options = set(re.findall(r"--[a-z-]+", capsys.readouterr().out))
    shown = set(re.findall(r"--[a-z-]+", BLOCKS["sh"][-1]))
    assert shown <= options
    assert {"--verdict", "--once", "--delay-step"} <= shown


def test_every_reason_of_the_door_is_explained() -> None:
    codes = re.findall(r'_No\(\s*"([a-z_]+)"', Path("gateway/bridge_check.py").read_text())
    assert codes
    assert [code for code in codes if f"`{code}`" not in GUIDE] == []
