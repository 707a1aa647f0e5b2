"""The invariants, read from the databases' files by a program that shares no code with the services."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

SERVICES = ("identity", "catalog", "workflow", "documents", "audit")
DRAIN_TIMEOUT_S = 30.0


def rows(folder: Path, service: str, query: str) -> list[tuple[Any, ...]]:
    """Result of a query on one service's database file."""
    connection = sqlite3.connect(f"file:{folder}/{service}.sqlite?mode=ro", uri=True, timeout=10)
    try:
        return connection.execute(query).fetchall()
    finally:
        connection.close()


def wait_until_drained(folder: Path) -> None:
    """I7: every outbox drains."""
    deadline = time.monotonic() + DRAIN_TIMEOUT_S
    while unsent := {
        s: n for s in SERVICES if (n := rows(folder, s, "SELECT count(*) FROM outbox WHERE sent_at IS NULL")[0][0])
    }:
        assert time.monotonic() < deadline, unsent
        time.sleep(0.1)


def check(folder: Path, acknowledged: Iterable[str]) -> None:
    """I1-I4 and I6 over everything that was acknowledged."""
    promised = set(acknowledged)
    cases = dict(rows(folder, "workflow", "SELECT case_no, state FROM cases"))
    assert promised == set(cases), "I1: acknowledged applications are the cases, none lost, none doubled"
    assert set(cases.values()) == {"closed"}
    licences = rows(folder, "documents", "SELECT case_no, item_code FROM licences")
    assert sorted(case_no for case_no, _ in licences) == sorted(promised), "I2: one licence per case and item"
    opinions = rows(folder, "workflow", "SELECT case_no, step, round FROM tasks JOIN opinions USING (task_id, case_no)")
    assert len(opinions) == len(set(opinions)) == 6 * len(promised), "I3: one opinion per case, step and round"
    decisions = rows(folder, "workflow", "SELECT case_no FROM decisions")
    assert len(decisions) == len(promised), "I3: one decision per case"
    told = [row[0] for service in SERVICES for row in rows(folder, service, "SELECT event_id FROM outbox")]
    leaves = [json.loads(row[0])["event_id"] for row in rows(folder, "audit", LEAVES)]
    assert sorted(told) == sorted(leaves), "I4: the events told are the ledger's leaves, both ways"
    for service in SERVICES:
        assert rows(folder, service, "SELECT * FROM retries") == [], "I6: nothing is parked or waits for retry"


LEAVES = "SELECT leaf FROM entries ORDER BY seq"
