"""The independent judge of one case: the invariants I1 to I4, I6 to I8, read from the databases themselves. Shares no code
with the services; what it says of the ledger is ``faults.ledger``.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from faults.invariants import SERVICES, WAITING, Reader
from faults.ledger import Violation, ledger_violations

GRANTED = frozenset({"approved", "delivered", "closed", "revoked"})
STATES = GRANTED | {
    "received", "pre_review", "awaiting_correction", "under_examination", "special_procedure", "denied", "not_accepted",
    "withdrawn", "deemed_withdrawn", "terminated",
}  # fmt: skip
ENDED = frozenset({"closed", "denied", "not_accepted", "withdrawn", "deemed_withdrawn", "revoked", "terminated"})


def judge_case(read: Reader, case_no: str, shown: Mapping[str, Any], trail: Sequence[Any]) -> list[Violation]:
    """Everything about the case that does not hold. ``shown``: as its citizen sees it; ``trail``: audit's entries of it."""
    of_case = f"WHERE case_no = '{case_no}'"
    cases = read("workflow", f"SELECT state, licence_no, event_seq FROM cases {of_case}")
    if len(cases) != 1 or cases[0][0] not in STATES:
        return [Violation("I1", "lost" if not cases else "wrong", f"{case_no}: {cases}")]
    state, licence_no, event_seq = cases[0]
    found = []
    licences = [row[0] for row in read("documents", f"SELECT licence_no FROM licences {of_case}")]
    if licences != ([licence_no] if state in GRANTED else []):
        found.append(Violation("I2", "wrong", f"{case_no} is {state} with {licences}, and knows {licence_no}"))
    decisions = [bool(row[0]) for row in read("workflow", f"SELECT approved FROM decisions {of_case}")]
    wanted = {True: [True]}.get(state in GRANTED, [False] if state == "denied" else [])
    if decisions != wanted:
        found.append(Violation("I3", "wrong", f"{case_no} is {state} by the decisions {decisions}"))
    rounds = Counter(
        tuple(row)
        for row in read(
            "workflow", f"SELECT step, round FROM tasks JOIN opinions USING (task_id) WHERE tasks.case_no = '{case_no}'"
        )
    )
    found += [Violation("I3", "doubled", f"opinion {one} of {case_no}") for one, n in rounds.items() if n > 1]
    tasks = read("workflow", f"SELECT task_id, state, department, due_on FROM tasks {of_case}")
    if state in ENDED:
        found += [
            Violation("I1", "wrong", f"{task[0]} is open although {state}") for task in tasks if task[1] == "open"
        ]
    found += [Violation("I5", "wrong", f"{task[0]}") for task in tasks if not task[2] or not task[3]]
    found += _told_in_order(read, case_no, event_seq, trail)
    found += ledger_violations(read, SERVICES, {})
    waiting = {service: int(read(service, WAITING)[0][0]) for service in SERVICES}
    found += [Violation("I7", "lost", f"{service}: {n} wait") for service, n in waiting.items() if n]
    parked = [str(row[0]) for service in SERVICES for row in read(service, "SELECT event_id FROM retries")]
    found += [Violation("I6", "wrong", f"{one} is parked") for one in parked]
    seen = [(task["task_id"], task["state"]) for task in shown["tasks"]]
    if (shown["state"], shown["licence_no"]) != (state, licence_no) or sorted(seen) != sorted(
        (t[0], t[1]) for t in tasks
    ):
        found.append(Violation("I8", "wrong", f"{case_no} is shown as {shown['state']}"))
    return found


def _told_in_order(read: Reader, case_no: str, event_seq: int, trail: Sequence[Any]) -> list[Violation]:
    """I4 for the case: its events are numbered without a gap, and audit shows all of them, each once, in their order."""
    rows = [
        (service, json.loads(bytes(row[0])))
        for service in SERVICES
        for row in read(service, f"SELECT body FROM outbox WHERE subject LIKE '{case_no}%' ORDER BY position")
    ]
    numbered = [(said["caseseq"], said["id"]) for _, said in rows if said.get("caseseq") is not None]
    found = []
    if [number for number, _ in numbered] != list(range(1, event_seq + 1)):
        found.append(Violation("I4", "wrong", f"{case_no} told {[number for number, _ in numbered]} of {event_seq}"))
    recorded = [json.loads(entry["leaf"])["event_id"] for entry in trail]
    told = Counter(said["id"] for _, said in rows)
    if told - Counter(recorded):
        found.append(Violation("I4", "lost", f"{case_no}: the trail lacks {told - Counter(recorded)}"))
    if Counter(recorded) - told or max(told.values()) > 1:
        found.append(Violation("I4", "wrong", f"{case_no}: the trail shows what nobody told of it"))
    place = {event: n for n, event in enumerate(recorded)}
    order = [place[event] for _, event in numbered if event in place]
    if order != sorted(order):
        found.append(Violation("I4", "wrong", f"{case_no}: the trail is out of order"))
    return found
