"""``make up``: what an operator relies on. All tests share one start, whose end is the last of them."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from demo.applications import SCHOOL_BUS
from evidence.usage import tree
from localservers.platform import SERVICES
from tests.operations.conftest import AT_ONCE
from tests.operations.queries import check_queries, check_rules
from tests.operations.traces import check_case
from tests.operations.watched import CASES, Watched

pytestmark = pytest.mark.servers

PARTS = [
    *(f"{name}-{role}" for name in SERVICES for role in ("web", "worker", "jobs")),
    "workflow-web-2", "gateway", "bridge", "portal",
]  # fmt: skip
SERVERS = [
    "postgresql",
    "rabbitmq",
    "consul",
    "redis",
    "alertmanager",
    "postgres-exporter",
    "trace-store",
    "witness",
    "prometheus",
]
BY_HAND = "health"


def test_each_part_is_announced_with_its_address(watched: Watched) -> None:
    lines = [line.split() for line in watched.said().splitlines() if "就绪 / ready" in line]
    announced = {line[5]: line[6] for line in lines}
    named = [*PARTS, *SERVERS, *(f"department-{code}" for code in watched.book["departments"])]
    assert sorted(announced) == sorted(named)
    assert all(announced[name] == address for name, address in watched.book["addresses"].items())
    assert f"通办已就绪 / Tongban is ready: {watched.book['public']}" in watched.said()


def test_every_process_is_scraped_under_its_name(watched: Watched) -> None:
    watched.wait("all up", lambda: not watched.prometheus.query("up != 1"))  # a busy machine may miss one scrape
    found = {(series["metric"]["job"], series["metric"]["instance"]) for series in watched.prometheus.query("up")}
    assert {instance for job, instance in found if job == "tongban"} == set(PARTS)
    assert {job for job, _ in found} == {"tongban", "rabbitmq", "postgresql", "consul", "prometheus", "alertmanager"}
    said = watched.prometheus.query("tongban_build_info")
    assert {series["metric"]["instance"] for series in said} == set(PARTS)


def test_every_query_and_rule_answers_on_it(watched: Watched) -> None:
    check_queries(watched)
    check_rules(watched)


def test_the_gateway_spreads_over_both_instances(watched: Watched) -> None:
    series = watched.prometheus.query('sum by (instance) (tongban_http_requests_total{service="workflow", role="web"})')
    served = {one["metric"]["instance"]: float(one["value"][1]) for one in series}
    assert sorted(served) == ["workflow-web", "workflow-web-2"]
    assert min(served.values()) > sum(served.values()) / 4


def test_traffic_works_with_departments_on_both_ways(watched: Watched) -> None:
    """Over AMQP those with a system; by its officer the one without, which asks for a correction."""
    supervisor = watched.sign_in("supervisor")
    tasks = [task for case_no in watched.cases for task in supervisor.get(f"/api/v1/cases/{case_no}")["tasks"]]
    assert len(watched.cases) == CASES
    assert {task["round"] for task in tasks if task["department"] == BY_HAND} == {1, 2}
    moved = watched.prometheus.query('sum by (department) (tongban_bridge_messages_total{outcome="moved"}) > 0')
    assert {one["metric"]["department"] for one in moved} >= {task["department"] for task in tasks} - {BY_HAND}


def test_a_case_is_one_trace_from_the_click_to_the_ledger(watched: Watched) -> None:
    [case_no] = [number for number in watched.cases if watched.items[number] == SCHOOL_BUS.item]
    check_case(watched.traces_url, case_no, ["police", "transport"], over="rabbitmq")


def test_a_part_that_is_killed_is_said_and_reaches_alertmanager(watched: Watched) -> None:
    os.kill(watched.book["pids"]["documents-worker"], signal.SIGKILL)
    watched.wait("said", lambda: "已结束 / ended: documents-worker\n" in watched.said())
    watched.wait("alert", lambda: ("documents-worker", AT_ONCE) in _alerts(watched))
    watched.wait("the rule that waits", lambda: _pending(watched) == {("documents-worker", "TargetDown")})


def test_sigterm_ends_it_with_status_0_and_leaves_no_process(watched: Watched) -> None:
    pids = tree(watched.process.pid)
    assert len(pids) > len(PARTS) + len(SERVERS)
    watched.process.send_signal(signal.SIGTERM)
    assert watched.process.wait(120) == 0, watched.said()
    assert watched.said().rstrip().endswith("已停止 / stopped")
    assert [pid for pid in pids if _runs(pid)] == []


def _alerts(watched: Watched) -> set[tuple[str, str]]:
    return {
        (alert["labels"].get("instance", ""), alert["labels"]["alertname"]) for alert in watched.alertmanager.alerts()
    }


def _pending(watched: Watched) -> set[tuple[str, str]]:
    found = [alert["labels"] for alert in watched.prometheus.alerts() if alert["state"] == "pending"]
    return {(one["instance"], one["alertname"]) for one in found if one["alertname"] == "TargetDown"}


def _runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except FileNotFoundError:
        return False
