"""The invariants I1-I4 and I6-I8, judged by a program that shares no code with the services.

It reads the databases themselves and holds them against the clients' own list of what they were promised. It trusts
no unique key: a row that stands twice counts as doubled.
"""

from __future__ import annotations

import hashlib
import hmac
import json
import sqlite3
import time
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

SERVICES = ("identity", "catalog", "workflow", "documents", "audit")
DRAIN_TIMEOUT_S = 60.0

Row = Sequence[Any]
Reader = Callable[[str, str], list[Row]]


@dataclass(frozen=True)
class Violation:
    """One thing that does not hold. ``kind`` is lost, doubled or wrong."""

    invariant: str
    kind: str
    what: str


def sqlite_reader(folder: Path) -> Reader:
    """Reads the embedded platform's files: ``reader(service, query)``."""

    def read(service: str, query: str) -> list[Row]:
        connection = sqlite3.connect(f"file:{folder}/{service}.sqlite?mode=ro", uri=True, timeout=10)
        try:
            return list(connection.execute(query).fetchall())
        finally:
            connection.close()

    return read


def postgresql_reader(url_of: Callable[[str], str]) -> Reader:
    """Reads the services' databases; ``url_of`` gives a service's URL."""

    def read(service: str, query: str) -> list[Row]:
        with psycopg.connect(url_of(service).replace("+psycopg", "")) as connection:
            return list(connection.execute(query).fetchall())

    return read


def wait_until_drained(read: Reader, *, timeout_s: float = DRAIN_TIMEOUT_S) -> list[Violation]:
    """I7: every outbox drains, every retry comes to its end, every entry is signed; what has not in time is a violation."""
    deadline = time.monotonic() + timeout_s
    while waiting := [f"{s}: {n}" for s in SERVICES if (n := int(read(s, WAITING)[0][0]))] + _unsigned(read):
        if time.monotonic() > deadline:
            return [Violation("I7", "lost", f"never drained: {one}") for one in waiting]
        time.sleep(0.1)
    return []


def _unsigned(read: Reader) -> list[str]:
    left = int(read("audit", UNSIGNED)[0][0])
    return [f"{left} entries unsigned"] if left else []


def judge(read: Reader, shown: Mapping[str, Mapping[str, Any]], *, opinions_per_case: int) -> list[Violation]:
    """Everything that does not hold. ``shown`` is each acknowledged case as its citizen sees it; all are closed."""
    cases: dict[str, tuple[str, str]] = {no: (state, licence) for no, state, licence in read("workflow", CASES)}
    licences = read("documents", "SELECT case_no, item_code, licence_no FROM licences")
    found = _compare("I1", "case", shown, read("workflow", "SELECT case_no FROM cases"))
    found += [Violation("I1", "wrong", f"{no} is {state}") for no, (state, _) in cases.items() if state != "closed"]
    found += _compare("I2", "licence", shown, [row[:1] for row in licences])
    found += _compare("I3", "decision", shown, read("workflow", "SELECT case_no FROM decisions"))
    found += _opinions(read, shown, opinions_per_case)
    found += _ledger(read)
    found += [
        Violation("I6", "wrong", f"{s}: {row[0]} waits or is parked") for s in SERVICES for row in read(s, RETRIES)
    ]
    numbers = {case_no: licence_no for case_no, _, licence_no in licences}
    for case_no, seen in shown.items():
        stored = cases.get(case_no, ("", ""))
        if (seen["state"], seen["licence_no"]) != stored or seen["licence_no"] != numbers.get(case_no):
            found.append(Violation("I8", "wrong", f"{case_no} is shown as {seen['state']}, {seen['licence_no']}"))
    return found


def _compare(invariant: str, what: str, promised: Iterable[str], rows: Iterable[Row]) -> list[Violation]:
    """Each promised thing stands there exactly once, and no other."""
    there, wanted = Counter(row[0] for row in rows), set(promised)
    lost = [Violation(invariant, "lost", f"{what} of {one}") for one in wanted - there.keys()]
    doubled = [Violation(invariant, "doubled", f"{what} of {one}: {n}") for one, n in there.items() if n > 1]
    surplus = [Violation(invariant, "doubled", f"{what} of {one}, which nobody holds") for one in there.keys() - wanted]
    return lost + doubled + surplus


def _opinions(read: Reader, promised: Iterable[str], each: int) -> list[Violation]:
    rows = [tuple(row) for row in read("workflow", OPINIONS)]
    found = [Violation("I3", "doubled", f"opinion {row}: {n}") for row, n in Counter(rows).items() if n > 1]
    counts = Counter(row[0] for row in set(rows))
    found += [Violation("I3", "lost", f"{each - counts[no]} opinions of {no}") for no in promised if counts[no] < each]
    return found


def _ledger(read: Reader) -> list[Violation]:
    """I4: what was told is what the ledger holds, payloads included, and its tree is the one that was signed."""
    told = [(row[0], bytes(row[1])) for s in SERVICES for row in read(s, "SELECT event_id, body FROM outbox")]
    leaves = [(json.loads(row[0]), bytes(row[0])) for row in read("audit", "SELECT leaf FROM entries ORDER BY seq")]
    # what departments tell over AMQP is in no outbox: it comes from their own journals, through the bridge
    own = [leaf["event_id"] for leaf, _ in leaves if not str(leaf["producer"]).startswith("department/")]
    found = _compare("I4", "ledger entry", [event_id for event_id, _ in told], [[one] for one in own])
    found += [Violation("I4", "doubled", f"told twice: {e}") for e, n in Counter(e for e, _ in told).items() if n > 1]
    if [leaf["seq"] for leaf, _ in leaves] != list(range(len(leaves))):
        found.append(Violation("I4", "wrong", "the ledger's numbers have a gap"))
    salts = {row[0]: bytes(row[1]) for row in read("audit", "SELECT seq, salt FROM openings")}
    bodies = dict(told)
    for leaf, _ in leaves:
        body = bodies.get(leaf["event_id"])
        if body is not None and leaf["payload_commitment"] != _commitment(salts[leaf["seq"]], body):
            found.append(Violation("I4", "wrong", f"entry {leaf['seq']} is not what {leaf['event_id']} said"))
    roots = read("audit", "SELECT size, root FROM checkpoints ORDER BY size DESC LIMIT 1")
    if roots and bytes(roots[0][1]) != tree_root([data for _, data in leaves[: roots[0][0]]]):
        found.append(Violation("I4", "wrong", "the signed root is not the entries' root"))
    return found


def _commitment(salt: bytes, body: bytes) -> str:
    data = json.loads(body)["data"]
    return hmac.digest(salt, json.dumps(data, ensure_ascii=False, separators=(",", ":")).encode(), hashlib.sha256).hex()


def tree_root(leaves: Sequence[bytes]) -> bytes:
    """RFC 6962 §2.1 root over leaf data."""
    level = [hashlib.sha256(b"\x00" + leaf).digest() for leaf in leaves]
    while len(level) > 1:
        pairs = [hashlib.sha256(b"\x01" + a + b).digest() for a, b in zip(level[::2], level[1::2], strict=False)]
        level = pairs + level[len(pairs) * 2 :]
    return level[0] if level else hashlib.sha256(b"").digest()


UNSIGNED = "SELECT (SELECT count(*) FROM entries) - (SELECT coalesce(max(size), 0) FROM checkpoints)"
CASES = "SELECT case_no, state, licence_no FROM cases"
OPINIONS = "SELECT case_no, step, round FROM tasks JOIN opinions USING (task_id, case_no)"
RETRIES = "SELECT type FROM retries"
WAITING = (
    "SELECT (SELECT count(*) FROM outbox WHERE sent_at IS NULL)"
    " + (SELECT count(*) FROM retries WHERE parked_at IS NULL)"
)
