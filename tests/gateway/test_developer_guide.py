"""The commands of docs/developers.md, one after the other, against the whole platform in this process."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from werkzeug.test import TestResponse

from chassis import clock
from chassis.discovery import Local
from chassis.settings import load_settings
from contracts.open_api import DATASETS
from demo.client import wait_for
from embedded.platform import start_platform
from localservers.platform import DIRECTORY
from services.identity.domain.directory import Caller
from tests.rights.world import PATIENCE_S, World

GUIDE = Path("docs/developers.md").read_text(encoding="utf-8")
COMMANDS = [
    line for block in re.findall(r"^```sh\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE) for line in block.splitlines()
]
SITE = "http://tongban.example"
REMEMBERED = {"key": "KEY", "app_id": "APP", "key_id": "KEY_ID"}


class Shell:
    """Runs a curl command line in this process, with variables as the guide names them."""

    def __init__(self, platform: Any, world: World) -> None:
        self._platform, self._client = platform, world._client
        staff = Caller(subject=world.staff("administrator"), name="管理员", kind="system_admin")
        self.variables = {
            "SITE": SITE,
            "TOKEN": world.token(world.person("school-agent")),
            "ADMIN": world.token(staff),
        }

    def run(self, command: str) -> tuple[TestResponse, int]:
        """The answer and the status that the guide promises."""
        line, _, promised = command.rpartition("  # ")
        words = [self._filled(word) for word in shlex.split(line)]
        assert words[:2] == ["curl", "-s"]
        method, address, body, headers, rest = "GET", "", None, {}, iter(words[2:])
        for word in rest:
            match word:
                case "-X":
                    method = next(rest)
                case "-H":
                    name, _, value = next(rest).partition(": ")
                    headers[name] = value
                case "-d":
                    body = next(rest)
                case _:
                    address = word
        self._platform.app.api_keys.step()  # what happens by itself every second
        answer = self._client.open(address.removeprefix(SITE), method=method, headers=headers, data=body)
        self._remember(answer)
        return answer, int(promised)

    def _filled(self, word: str) -> str:
        return re.sub(r"\$([A-Z_]+)", lambda found: self.variables[found[1]], word)

    def _remember(self, answer: TestResponse) -> None:
        told = answer.json if answer.is_json else {}
        if answer.status_code == 201:
            self.variables |= {REMEMBERED[name]: value for name, value in told.items() if name in REMEMBERED}
        if "licences" in told:
            self.variables["LICENCE"] = told["licences"][0]["licence_no"]


@pytest.fixture(scope="module")
def shell(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shell]:
    folder = tmp_path_factory.mktemp("guide")
    (folder / "no-items").mkdir()
    settings = replace(
        load_settings("embedded"),
        data_dir=folder,
        catalog_dir=folder / "no-items",
        directory_file=DIRECTORY,
        log_level="ERROR",
        stop_timeout_s=0.2,
        staff_second_factor="offered",
    )
    platform = start_platform(settings)
    identity = platform.app._directory.find("identity")
    assert isinstance(identity, Local)
    world = World(folder, platform.app, identity.app)
    try:
        wait_for(
            "the ledger",
            lambda: world.ask("GET", "/api/v1/ledger/checkpoint", None).status_code == 200,
            timeout_s=PATIENCE_S,
        )
        yield Shell(platform, world)
    finally:
        platform.stop(20)
        world.close()
        platform.app.close()
        clock.follow(None)


def test_the_commands_of_the_guide_answer_as_it_says(shell: Shell) -> None:
    answers = {}
    for command in COMMANDS:
        answer, promised = shell.run(command)
        assert answer.status_code == promised, f"{command}\n{answer.text[:500]}"
        answers[command] = answer
    by_key = next(a for c, a in answers.items() if "X-Api-Key: $KEY" in c and a.status_code == 200)
    assert [value.partition(";")[0] for value in by_key.headers.getlist("RateLimit-Policy")] == [
        '"key_minute"',
        '"key_day"',
    ]
    sandbox = next(a for c, a in answers.items() if "$LICENCE" in c and "X-Api-Key" in c)
    assert sandbox.headers["Tongban-Environment"] == "sandbox"
    [*_, shown] = answers.values()
    assert {row["environment"] for row in shown.json["usage"]} == {"sandbox", "production"}
    assert sum(row["refused"] for row in shown.json["usage"]) == 1, "the dataset that was not granted"
    assert sorted(key["state"] for key in shown.json["keys"]) == ["active", "ending", "revoked"]


def test_the_guide_names_every_dataset() -> None:
    assert re.findall(r"^\| `([a-z-]+)`.*\| `/api/v1/", GUIDE, re.MULTILINE) == list(DATASETS)
