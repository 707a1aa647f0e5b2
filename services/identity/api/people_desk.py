"""What the routes about people share."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask import current_app

from chassis.auth import principal
from chassis.db import Tx
from chassis.errors import Refusal
from chassis.idempotency import claim_key, store_answer
from services.identity.adapters.registers import Registers
from services.identity.api.desk import keyed_idempotency_key
from services.identity.models import db

REGISTERS = "identity.registers"


def registers() -> Registers:
    """Of this process."""
    found: Registers = current_app.extensions["tongban"].parts[REGISTERS]
    return found


def once(write: Callable[[Tx], dict[str, Any]]) -> Any:
    """Write in one transaction, or give the answer (JSON) that this Idempotency-Key got before."""
    key = keyed_idempotency_key()
    with db.transaction() as tx:
        if earlier := claim_key(tx, db, key):
            return earlier
        answer = write(tx)
        store_answer(tx, db, key, answer)
        return answer


def require_oneself() -> None:
    """Refuse a token that acts for another. Raises Refusal ``not_while_representing``."""
    if principal().actor is not None:
        raise Refusal("not_while_representing", "代办期间不能办理 / not while acting for another")
