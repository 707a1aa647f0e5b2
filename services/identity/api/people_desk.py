"""What the routes about people share."""

from __future__ import annotations

from flask import current_app

from chassis.auth import principal
from chassis.errors import Refusal
from services.identity.adapters.registers import Registers

REGISTERS = "identity.registers"


def registers() -> Registers:
    """Of this process."""
    found: Registers = current_app.extensions["tongban"].parts[REGISTERS]
    return found


def require_oneself() -> None:
    """Refuse a token that acts for another. Raises Refusal ``not_while_representing``."""
    if principal().actor is not None:
        raise Refusal("not_while_representing", "代办期间不能办理 / not while acting for another")
