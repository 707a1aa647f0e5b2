"""Which parties have a case that runs: beginnings and ends may come in any order, and a pair of both leaves nothing."""

from __future__ import annotations

from collections.abc import Sequence

import sqlalchemy as sa

from chassis.among import among
from chassis.bus import Delivery
from chassis.db import Tx
from services.identity.models import running_cases


def begin_cases(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """A case was handed in."""
    _pair_up(tx, {d.event.case_no: d.event.applicant_id for d in deliveries})


def end_cases(tx: Tx, deliveries: Sequence[Delivery]) -> None:
    """A case was closed, denied, withdrawn or not accepted."""
    _pair_up(tx, {d.event.case_no: None for d in deliveries})


def _pair_up(tx: Tx, heard: dict[str, str | None]) -> None:
    """Every event is handled once, so a row that is there already is the other half. In one order: two batches may meet."""
    rows = [{"case_no": case_no, "party_id": party_id} for case_no, party_id in sorted(heard.items())]
    new = {row.case_no for row in tx.insert_new(running_cases, rows, [running_cases.c.case_no])}
    if paired := sorted(heard.keys() - new):
        tx.execute(sa.delete(running_cases).where(among(running_cases.c.case_no, "case_nos")), {"case_nos": paired})
