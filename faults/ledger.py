"""I4: what was told is what the ledger holds, and its tree is the one that was signed. Shares no code with the services."""

from __future__ import annotations

import hashlib
import hmac
import json
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid5

from faults.databases import Row

# the name space in which the SDK derives the ids of what a department tells
_DEPARTMENTS = UUID("6f0d5f0c-7c1b-5b7e-9d55-0c3f4c2f6a10")


@dataclass(frozen=True)
class Violation:
    """One thing that does not hold. ``kind`` is lost, doubled or wrong."""

    invariant: str
    kind: str
    what: str


def ledger_violations(
    read: Callable[[str, str], list[Row]], services: Iterable[str], journals: Mapping[str, Iterable[Row]]
) -> list[Violation]:
    """The services' outboxes and the departments' journals (rows of task id and opinion) against the ledger, both ways."""
    bodies = [(str(row[0]), bytes(row[1])) for s in services for row in read(s, "SELECT event_id, body FROM outbox")]
    leaves = [bytes(row[0]) for row in read("audit", "SELECT leaf FROM entries ORDER BY seq")]
    entries = [json.loads(leaf) for leaf in leaves]
    told = [event_id for event_id, _ in bodies]
    told += [one for department, rows in journals.items() for one in _told_by(department, rows)]
    found = _both_ways(told, [entry["event_id"] for entry in entries])
    if [entry["seq"] for entry in entries] != list(range(len(entries))):
        found.append(Violation("I4", "wrong", "the ledger's numbers have a gap"))
    salts = {row[0]: bytes(row[1]) for row in read("audit", "SELECT seq, salt FROM openings")}
    said = dict(bodies)
    for entry in entries:
        body = said.get(entry["event_id"])
        if body is not None and entry["payload_commitment"] != _commitment(salts[entry["seq"]], body):
            found.append(Violation("I4", "wrong", f"entry {entry['seq']} is not what {entry['event_id']} said"))
    signed = read("audit", "SELECT size, root FROM checkpoints ORDER BY size DESC LIMIT 1")
    if signed and bytes(signed[0][1]) != tree_root(leaves[: signed[0][0]]):
        found.append(Violation("I4", "wrong", "the signed root is not the entries' root"))
    return found


def _both_ways(told: Sequence[str], recorded: Sequence[str]) -> list[Violation]:
    found = [Violation("I4", "lost", f"{one} is not in the ledger") for one in set(told) - set(recorded)]
    found += [
        Violation("I4", "wrong", f"{one} is in the ledger and nobody told it") for one in set(recorded) - set(told)
    ]
    for where, ids in (("told", told), ("recorded", recorded)):
        found += [Violation("I4", "doubled", f"{one} was {where} twice") for one, n in Counter(ids).items() if n > 1]
    return found


def _told_by(department: str, rows: Iterable[Row]) -> Iterable[str]:
    """Ids under which the platform knows what a department told: that it has a task, and its answer."""
    for task_id, opinion in rows:
        yield _stamped(department, "task.received.v1", {"task_id": task_id})
        if opinion is not None:
            yield _stamped(department, "task.opinion_given.v2", json.loads(opinion))


def _stamped(department: str, event_type: str, content: Mapping[str, Any]) -> str:
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, separators=(",", ":"))
    return str(uuid5(uuid5(_DEPARTMENTS, department), str(uuid5(_DEPARTMENTS, f"{event_type}\n{canonical}"))))


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
