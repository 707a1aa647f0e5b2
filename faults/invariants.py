"""The invariants I1-I4 and I6-I8, judged by a program that shares no code with the services.

It reads the databases themselves and the departments' journals, and holds them against the clients' own list of what they
were promised. It trusts no unique key: a row that stands twice counts as doubled.
"""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from faults.clients import Promises
from faults.databases import Row, read_sqlite
from faults.ledger import Violation, ledger_violations

SERVICES = ("identity", "catalog", "workflow", "documents", "audit")
POLL_S = 0.1

Reader = Callable[[str, str], list[Row]]


@dataclass(frozen=True)
class Evidence:
    """What is held against what. ``shown``: acknowledged cases as their citizen sees them. ``plan``:
    step -> the steps that it waits for. ``journals``: department -> its
    file, for departments over AMQP. ``poison``: ids of the events planted to fail.
    """

    read: Reader
    promises: Promises
    shown: Mapping[str, Mapping[str, Any]]
    plan: Mapping[str, Collection[str]]
    journals: Mapping[str, Path] = field(default_factory=dict)
    poison: Collection[str] = ()


def wait_until_settled(evidence: Evidence, *, timeout_s: float) -> list[Violation]:
    """Return when every acknowledged case is closed and everything told has arrived; what has not in time is a violation.

    I7: every outbox drains into the ledger and the other services, every retry comes to its end, every entry is signed.
    """
    deadline = time.monotonic() + timeout_s
    while waiting := _open_cases(evidence) + _undelivered(evidence):
        if time.monotonic() > deadline:
            return waiting
        time.sleep(POLL_S)
    return []


def _open_cases(evidence: Evidence) -> list[Violation]:
    closed = {row[0] for row in evidence.read("workflow", "SELECT case_no FROM cases WHERE state = 'closed'")}
    return [
        Violation("I1", "lost", f"case {case_no} never closed") for case_no in set(evidence.promises.cases) - closed
    ]


def _undelivered(evidence: Evidence) -> list[Violation]:
    read = evidence.read
    found = [f"{s}: {n} events or retries wait" for s in SERVICES if (n := int(read(s, WAITING)[0][0]))]
    told = sum(int(read(s, "SELECT count(*) FROM outbox")[0][0]) for s in SERVICES)
    told += sum(
        int(read_sqlite(f, "SELECT count(*) + count(opinion) FROM tasks")[0][0]) for f in evidence.journals.values()
    )
    entries, signed = (int(n) for n in read("audit", ENTRIES_AND_SIGNED)[0])
    if entries < told:
        found.append(f"{told - entries} events are not in the ledger")
    if signed < entries:
        found.append(f"{entries - signed} entries are not signed")
    if (counted := int(read("audit", COUNTED)[0][0])) < len(evidence.promises.cases):
        found.append(f"{len(evidence.promises.cases) - counted} cases are not in the figures")
    parked = sum(int(read(s, "SELECT count(*) FROM retries WHERE parked_at IS NOT NULL")[0][0]) for s in SERVICES)
    if parked < len(evidence.poison):
        found.append(f"{len(evidence.poison) - parked} of the planted messages are not parked")
    published = read("catalog", "SELECT count(*) FROM item_versions")[0][0]
    behind = [s for s in ("workflow", "documents") if read(s, "SELECT count(*) FROM items")[0][0] < published]
    found += [f"versions of items have not reached {service}" for service in behind]
    return [Violation("I7", "lost", what) for what in found]


def judge(evidence: Evidence) -> list[Violation]:
    """Everything that does not hold, once all is settled."""
    read, promises = evidence.read, evidence.promises
    cases: dict[str, tuple[str, str]] = {no: (state, licence) for no, state, licence in read("workflow", CASES)}
    licences = read("documents", "SELECT case_no, licence_no FROM licences")
    found = compare("I1", "case", promises.cases, read("workflow", "SELECT case_no FROM cases"))
    found += [Violation("I1", "wrong", f"{no} is {state}") for no, (state, _) in cases.items() if state != "closed"]
    found += _other_promises(read, promises)
    found += compare("I2", "licence", promises.cases, licences)
    found += compare("I3", "decision", promises.cases, read("workflow", "SELECT case_no FROM decisions"))
    found += _opinions(read, promises.cases, len(evidence.plan)) + _joins(read, evidence.plan)
    found += ledger_violations(read, SERVICES, {d: read_sqlite(f, JOURNAL) for d, f in evidence.journals.items()})
    found += _told_once(read, promises.cases, evidence.poison)
    found += _rejected(read, evidence.poison) + _cards(read)
    if (surplus := int(read("audit", COUNTED)[0][0]) - len(cases)) > 0:
        found.append(Violation("I4", "doubled", f"{surplus} cases too many in the figures"))
    numbers: dict[str, str] = dict(licences)  # type: ignore[arg-type]
    for case_no, seen in evidence.shown.items():
        stored = cases.get(case_no, ("", ""))
        if (seen["state"], seen["licence_no"]) != stored or seen["licence_no"] != numbers.get(case_no):
            found.append(Violation("I8", "wrong", f"{case_no} is shown as {seen['state']}, {seen['licence_no']}"))
    return found


def compare(invariant: str, what: str, promised: Iterable[str], rows: Iterable[Row]) -> list[Violation]:
    """Each promised thing stands there exactly once, and no other."""
    there, wanted = Counter(row[0] for row in rows), set(promised)
    lost = [Violation(invariant, "lost", f"{what} of {one}") for one in wanted - there.keys()]
    doubled = [Violation(invariant, "doubled", f"{what} of {one}: {n}") for one, n in there.items() if n > 1]
    surplus = [Violation(invariant, "doubled", f"{what} of {one}, which nobody holds") for one in there.keys() - wanted]
    return lost + doubled + surplus


def _other_promises(read: Reader, promises: Promises) -> list[Violation]:
    """I1 for what is acknowledged besides cases; the shipped directory and catalogue stand beside it."""
    materials = read("documents", "SELECT material_id FROM materials")
    found = compare("I1", "material", promises.materials, materials) if promises.materials else []
    parties = {row[0] for row in read("identity", "SELECT party_id FROM parties")}
    found += [Violation("I1", "lost", f"party {party}") for party in set(promises.parties) - parties]
    versions = [tuple(row) for row in read("catalog", "SELECT item_code, version FROM item_versions")]
    for service in ("workflow", "documents"):
        copies = {tuple(row) for row in read(service, "SELECT item_code, version FROM items")}
        found += [Violation("I7", "lost", f"{one} never reached {service}") for one in set(versions) - copies]
    found += [Violation("I1", "lost", f"publication {one}") for one in set(promises.publications) - set(versions)]
    twice = [one for one, n in Counter(promises.publications).items() if n > 1]
    return found + [Violation("I1", "doubled", f"publication {one} promised twice") for one in twice]


def _opinions(read: Reader, promised: Iterable[str], each: int) -> list[Violation]:
    rows = [tuple(row) for row in read("workflow", OPINIONS)]
    found = [Violation("I3", "doubled", f"opinion {row}: {n}") for row, n in Counter(rows).items() if n > 1]
    counts = Counter(row[0] for row in set(rows))
    return found + [
        Violation("I3", "lost" if counts[no] < each else "doubled", f"{counts[no]} opinions of {no}, not {each}")
        for no in promised
        if counts[no] != each
    ]


def _joins(read: Reader, plan: Mapping[str, Collection[str]]) -> list[Violation]:
    """I3 for the join: no step was begun before every step that it waits for was answered."""
    by_case: dict[str, dict[str, Row]] = defaultdict(dict)
    for case_no, step, begun, ended in read("workflow", "SELECT case_no, step, assigned_at, closed_at FROM tasks"):
        by_case[case_no][step] = (begun, ended)
    return [
        Violation("I3", "wrong", f"{step} of {case_no} was begun before {earlier} was answered")
        for case_no, steps in by_case.items()
        for step, (begun, _) in steps.items()
        for earlier in plan[step]
        if earlier not in steps or steps[earlier][1] is None or steps[earlier][1] > begun
    ]


def _told_once(read: Reader, promised: Collection[str], poison: Collection[str]) -> list[Violation]:
    """I4 for the facts of a case: each was told once, by whom it concerns."""
    found = []
    for service, fact in ONCE:
        rows = read(service, f"SELECT subject, event_id FROM outbox WHERE type LIKE '{fact}.%'")
        found += compare("I4", f"{fact}", promised, [row[:1] for row in rows if row[1] not in poison])
    return found


def _rejected(read: Reader, poison: Collection[str]) -> list[Violation]:
    """I6: what is parked is the planted poison, nothing else; no department's answer was refused."""
    parked = {str(row[0]) for service in SERVICES for row in read(service, "SELECT event_id FROM retries")}
    found = [Violation("I6", "wrong", f"{one} waits or is parked") for one in parked - set(poison)]
    found += [Violation("I6", "lost", f"planted {one} is not parked") for one in set(poison) - parked]
    refused = read("workflow", "SELECT event_id FROM outbox WHERE type LIKE 'task.opinion_refused.%'")
    return found + [Violation("I6", "wrong", f"an answer was refused: {row[0]}") for row in refused]


def _cards(read: Reader) -> list[Violation]:
    """I5 for the clocks of supervision: a late answer has one yellow and one red card."""
    cards = Counter((task_id, level) for task_id, level in read("audit", CARDS))
    found = [
        Violation("I5", "doubled", f"{level} card of {task_id}: {n}") for (task_id, level), n in cards.items() if n > 1
    ]
    late = [row[0] for row in read("workflow", ANSWERED) if str(row[1])[:10] > str(row[2])[:10]]
    wanted = {(task_id, level) for task_id in late for level in ("yellow", "red")}
    return found + [Violation("I5", "lost", f"{level} card of {task_id}") for task_id, level in wanted - cards.keys()]


ONCE = (
    ("workflow", "case.submitted"),
    ("workflow", "case.accepted"),
    ("workflow", "case.approved"),
    ("documents", "licence.issued"),
    ("workflow", "case.closed"),
)
CARDS = "SELECT task_id, level FROM cards WHERE revoked_at IS NULL"
ANSWERED = "SELECT task_id, closed_at, due_on FROM tasks WHERE state <> 'open'"
COUNTED = "SELECT coalesce(sum(number), 0) FROM total_figures WHERE figure = 'submitted'"
ENTRIES_AND_SIGNED = "SELECT (SELECT count(*) FROM entries), (SELECT coalesce(max(size), 0) FROM checkpoints)"
CASES = "SELECT case_no, state, licence_no FROM cases"
OPINIONS = "SELECT tasks.case_no, step, round FROM tasks JOIN opinions USING (task_id)"
JOURNAL = "SELECT task_id, opinion FROM tasks"
WAITING = (
    "SELECT (SELECT count(*) FROM outbox WHERE sent_at IS NULL)"
    " + (SELECT count(*) FROM retries WHERE parked_at IS NULL)"
)
