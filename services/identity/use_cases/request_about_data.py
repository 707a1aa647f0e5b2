"""个人信息请求: a party asks for correction or erasure; staff decide by a day that the law sets, and say why."""

from __future__ import annotations

from datetime import date
from typing import Any

import sqlalchemy as sa
import uuid_utils

from chassis.db import Tx
from chassis.errors import Refusal
from chassis.workdays import is_working_day
from contracts.administration import AdministrativeAct
from services.identity.adapters.party_keys import key_of
from services.identity.adapters.vault import Vault
from services.identity.domain.delegation import law_date
from services.identity.domain.personal_data import CASE_RUNS, DETAILS, RequestKind, due_on
from services.identity.domain.sensitive import Sensitive
from services.identity.models import data_requests, running_cases
from services.identity.use_cases.change_party import erase_party, rename_party
from services.identity.use_cases.tell_act import tell_act


def ask(
    tx: Tx, vault: Vault, party_id: str, kind: RequestKind, details: Sensitive, *, by: str, working_days: int
) -> dict[str, Any]:
    """Keep the request; one for erasure is turned down at once while a case runs, and kept as turned down.

    Returns request_id, state, due_on and reason. Raises Refusal ``request_open`` for a second of its kind,
    ``party_erased``.
    """
    r = data_requests.c
    mine = sa.select(r.request_id).where(r.party_id == party_id, r.kind == kind, r.state == "open")
    if tx.execute(mine).first() is not None:
        raise Refusal("request_open", "同类请求正在处理 / a request of this kind is being decided")
    turned_down = kind == "erasure" and has_running_case(tx, party_id)
    until: date = due_on(law_date(tx.now), working_days, is_working_day)
    row = {
        "request_id": str(uuid_utils.uuid7()),
        "party_id": party_id,
        "kind": kind,
        "details_sealed": key_of(tx, vault, party_id).seal(DETAILS, details),
        "asked_by": by,
        "asked_at": tx.now,
        "due_on": until,
        "state": "refused" if turned_down else "open",
        "reason": CASE_RUNS if turned_down else None,
        "decided_by": "system" if turned_down else None,
        "decided_at": tx.now if turned_down else None,
    }
    tx.insert(data_requests, [row])
    return {
        "request_id": row["request_id"],
        "state": row["state"],
        "due_on": until.isoformat(),
        "reason": row["reason"],
    }


def decide(tx: Tx, request_id: str, *, granted: bool, reason: str, name: str | None, closed_hash: str, by: str) -> None:
    """Carry it out or turn it down, with the ``reason`` that its owner reads.

    ``name`` is the corrected one, ``closed_hash`` a password hash that nobody knows the password of. Raises Refusal
    ``request_unknown``, ``request_decided``, ``correction_missing``, or ``case_running`` for an erasure.
    """
    wanted = sa.select(data_requests).where(data_requests.c.request_id == request_id)
    row = tx.execute(wanted.with_for_update()).one_or_none()
    if row is None:
        raise Refusal("request_unknown", "没有这个请求 / there is no such request", request_id=request_id)
    if row.state != "open":
        raise Refusal("request_decided", "该请求已答复 / the request has been decided", state=row.state)
    if granted and row.kind == "erasure":
        if has_running_case(tx, row.party_id):
            raise Refusal("case_running", CASE_RUNS)
        erase_party(tx, row.party_id, closed_hash=closed_hash, by=by)
    elif granted:
        if name is None:
            raise Refusal("correction_missing", "请写明更正后的姓名或名称 / say what the name is to be")
        rename_party(tx, row.party_id, name)
    state = "granted" if granted else "refused"
    values = {"state": state, "reason": reason, "decided_by": by, "decided_at": tx.now}
    tx.execute(sa.update(data_requests).where(data_requests.c.request_id == request_id).values(**values))
    act: AdministrativeAct = "data_request.granted" if granted else "data_request.refused"
    tell_act(tx, act, by=by, on=request_id, after=row.kind)


def has_running_case(tx: Tx, party_id: str) -> bool:
    """Whether a case of the party has been told and its end has not."""
    mine = sa.select(running_cases.c.case_no).where(running_cases.c.party_id == party_id)
    return tx.execute(mine.limit(1)).first() is not None
