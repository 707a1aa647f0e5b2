"""The operator's commands, on a real service of the product."""

from __future__ import annotations

import json
from datetime import date
from pathlib import Path

import pytest
from click.testing import CliRunner

from chassis.cli import main
from chassis.inbox import Inbox
from contracts.item import ItemRetired
from services.workflow.service import SERVICE
from tests.chassis.rig import on_the_wire


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> CliRunner:
    monkeypatch.setenv("TONGBAN_DATABASE_URL", f"sqlite:///{tmp_path}/{{service}}.sqlite")
    monkeypatch.setenv("TONGBAN_BUS_URL", "embedded")
    return CliRunner()


def test_migrate_all_brings_every_service_up_to_date(runner: CliRunner, tmp_path: Path) -> None:
    for _ in range(2):
        done = runner.invoke(main, ["migrate", "--all"], catch_exceptions=False)
        assert done.exit_code == 0
    assert {path.stem for path in tmp_path.glob("*.sqlite")} >= {
        "identity",
        "catalog",
        "workflow",
        "documents",
        "audit",
    }


def test_check_says_whether_a_program_may_start_and_changes_nothing(runner: CliRunner, tmp_path: Path) -> None:
    early = runner.invoke(main, ["migrate", "--service", "workflow", "--check"])
    assert early.exit_code == 1
    assert "run --role migrate" in early.stderr
    assert runner.invoke(main, ["migrate", "--service", "workflow"]).exit_code == 0
    assert runner.invoke(main, ["migrate", "--service", "workflow", "--check"]).exit_code == 0
    assert runner.invoke(main, ["migrate", "--all", "--check"]).exit_code == 1


def test_migrate_all_refuses_one_database_for_every_service(runner: CliRunner, tmp_path: Path) -> None:
    done = runner.invoke(main, ["migrate", "--all"], env={"TONGBAN_DATABASE_URL": f"sqlite:///{tmp_path}/one.sqlite"})
    assert done.exit_code == 2
    assert list(tmp_path.iterdir()) == []


def test_parked_messages_are_listed_shown_and_replayed(runner: CliRunner) -> None:
    assert runner.invoke(main, ["migrate", "--service", "workflow"]).exit_code == 0
    [subscription] = [s for s in SERVICE.subscriptions if s.name == "workflow.items"]
    message = on_the_wire(
        ItemRetired(item_code="x", retired_on=date(2026, 1, 1), reason="停办"), event_type="item.retired.v9"
    )
    Inbox(SERVICE.database, subscription, retry_limit=3).receive([message.body])

    listed = runner.invoke(main, ["parked", "list", "--service", "workflow"])
    [line] = [json.loads(line) for line in listed.stdout.splitlines()]
    assert (line["event_id"], line["type"], line["subscription"]) == (
        message.event_id,
        "item.retired.v9",
        "workflow.items",
    )

    shown = runner.invoke(main, ["parked", "show", "--service", "workflow", message.event_id])
    assert json.loads(shown.stdout)["body"]["data"]["reason"] == "停办"

    replayed = runner.invoke(main, ["parked", "replay", "--service", "workflow", message.event_id])
    assert replayed.exit_code == 0
    assert runner.invoke(main, ["parked", "list", "--service", "workflow"]).stdout == ""
    assert runner.invoke(main, ["parked", "replay", "--service", "workflow", message.event_id]).exit_code == 1
    assert runner.invoke(main, ["parked", "replay", "--service", "workflow", "--all"]).exit_code == 0


@pytest.mark.parametrize(
    "arguments",
    [
        ["migrate"],
        ["migrate", "--all", "--service", "workflow"],
        ["migrate", "--service", "nowhere"],
        ["parked", "list"],
        ["parked", "replay", "--service", "workflow"],
        ["parked", "replay", "--service", "workflow", "--all", "e"],
    ],
)
def test_commands_that_make_no_sense_are_refused(runner: CliRunner, arguments: list[str]) -> None:
    assert runner.invoke(main, arguments).exit_code == 2
