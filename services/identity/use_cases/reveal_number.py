"""查看完整信息: a member of staff is shown a number in full, for a case that runs and a reason that its owner can read."""

from __future__ import annotations

import sqlalchemy as sa
import uuid_utils

from chassis.auth import Principal
from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.adapters.party_keys import number_of
from services.identity.adapters.vault import Vault
from services.identity.domain.sensitive import Sensitive
from services.identity.models import disclosures, running_cases


def reveal_number(tx: Tx, vault: Vault, party_id: str, caller: Principal, *, case_no: str, reason: str) -> Sensitive:
    """The number; that it was seen, by whom and why is kept in the same transaction.

    Raises Refusal ``party_unknown``, ``party_erased``, or ``reveal_without_case`` when no such case of the party runs.
    """
    number = number_of(tx, vault, party_id)
    mine = sa.select(running_cases.c.case_no).where(
        running_cases.c.case_no == case_no, running_cases.c.party_id == party_id
    )
    if tx.execute(mine).first() is None:
        raise Refusal(
            "reveal_without_case",
            "仅可因正在办理的办件查看 / a number is shown for a case of the party that runs",
            case_no=case_no,
        )
    row = {
        "disclosure_id": str(uuid_utils.uuid7()),
        "party_id": party_id,
        "field": "number",
        "seen_by": caller.subject,
        "seen_by_name": caller.name,
        "department": caller.department,
        "reason": f"{case_no}：{reason}",
        "seen_at": tx.now,
    }
    tx.insert(disclosures, [row])
    return number
