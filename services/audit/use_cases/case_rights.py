"""The table of rights (contracts/rights.py) over a case as the record knows it."""

from __future__ import annotations

from sqlalchemy.engine import Connection

from contracts.rights import Caller, unmet
from services.audit import queries
from services.audit.domain.figures import item_of


def unmet_for_case(connection: Connection, caller: Caller, action: str, case_no: str) -> str | None:
    """Code of the condition that keeps ``caller`` from ``action`` on the case; None when it is allowed."""
    party = queries.party_of_case(connection, case_no)
    facts = {
        "party": frozenset() if party is None else frozenset({party}),
        "item": frozenset({item_of(case_no)}),
        "stage": frozenset({"ended" if queries.has_ended(connection, case_no) else "running"}),
    }
    return unmet(caller, action, facts)
