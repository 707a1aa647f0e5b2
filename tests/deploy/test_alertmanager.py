"""Who is told of which alert, and what is silenced because another says it all."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import urllib3
import yaml

from localservers.alertmanager import Alertmanager
from localservers.requirements import require
from tests.architecture.house import ROOT
from tests.deploy.expressions import rules

ROUTES = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
PATIENCE_S = 60.0


def amtool(*arguments: str) -> str:
    require("prometheus-alertmanager")
    done = subprocess.run(["amtool", *arguments], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{done.stdout}\n{done.stderr}"
    return done.stdout.strip()


@pytest.mark.parametrize(
    ("labels", "receiver"),
    [
        ("severity=page alertname=TargetDown", "page"),
        ("severity=page alertname=LedgerTampered", "page"),
        ("severity=ticket alertname=MessagesParked", "ticket"),
        ("severity=none alertname=Watchdog", "heartbeat"),
    ],
)
def test_a_page_wakes_somebody_and_a_ticket_waits(labels: str, receiver: str) -> None:
    amtool("check-config", str(ROUTES))
    assert amtool("config", "routes", "test", f"--config.file={ROUTES}", *labels.split()) == receiver


def test_alerts_that_are_named_exist() -> None:
    config = yaml.safe_load(ROUTES.read_text(encoding="utf-8"))
    matchers = [m for rule in config["inhibit_rules"] for m in (*rule["source_matchers"], *rule["target_matchers"])]
    matchers += [m for route in config["route"]["routes"] for m in route["matchers"]]
    named = {
        name for m in matchers if m.startswith("alertname") for name in re.findall(r"[A-Z]\w+", m.split("=", 1)[1])
    }
    assert named
    assert named <= {rule["alert"] for rule in rules() if "alert" in rule}


def test_credentials_lie_in_a_file() -> None:
    config = yaml.safe_load(ROUTES.read_text(encoding="utf-8"))
    for receiver in config["receivers"]:
        [hook] = receiver["webhook_configs"]
        assert hook["http_config"]["authorization"] == {"credentials_file": "/etc/alertmanager/receiver-token"}


@pytest.fixture
def alertmanager(tmp_path: Path) -> Iterator[Alertmanager]:
    with Alertmanager(tmp_path, routes=ROUTES) as running:
        yield running


@pytest.mark.servers
def test_what_follows_from_another_alert_is_silenced_and_nothing_else(alertmanager: Alertmanager) -> None:
    down = {
        "alertname": "TargetDown",
        "severity": "page",
        "job": "tongban",
        "service": "workflow",
        "role": "jobs",
        "instance": "a",
    }
    alarm = {"alertname": "RabbitAlarm", "severity": "page", "instance": "rabbitmq"}
    follows = [
        {"alertname": "OutboxOld", "severity": "page", "service": "workflow"},
        {"alertname": "NotReady", "severity": "page", "instance": "a"},
        {"alertname": "JobNotRun", "severity": "page", "service": "workflow", "job": "workflow.ring_again"},
        {"alertname": "DataVolumeFilling", "severity": "ticket", "service": "audit"},
    ]
    stands = [
        {"alertname": "NotReady", "severity": "page", "instance": "b"},
        {"alertname": "JobNotRun", "severity": "page", "service": "audit", "job": "audit.checkpoint"},
        {"alertname": "ServiceErrors", "severity": "page", "service": "workflow"},
        {"alertname": "DataVolumeFilling", "severity": "ticket", "service": "documents"},
        {"alertname": "DataVolumeFilling", "severity": "page", "service": "audit"},
    ]
    body = [{"labels": labels} for labels in (down, alarm, *follows, *stands)]
    assert urllib3.request("POST", f"{alertmanager.url}/api/v2/alerts", json=body).status == 200
    until = time.monotonic() + PATIENCE_S
    while (silenced := inhibited(alertmanager)) != frozen(follows):
        assert time.monotonic() < until, silenced
        time.sleep(0.1)
    assert len(alertmanager.alerts()) == len(body)


def inhibited(alertmanager: Alertmanager) -> set[frozenset[tuple[str, str]]]:
    return frozen([alert["labels"] for alert in alertmanager.alerts() if alert["status"]["inhibitedBy"]])


def frozen(labels: list[dict[str, str]]) -> set[frozenset[tuple[str, str]]]:
    return {frozenset(each.items()) for each in labels}
