"""What each kind of caller may do, and for how long a token says so."""

from __future__ import annotations

from typing import Literal, get_args

AccountKind = Literal["person", "officer", "administrator", "supervisor"]
CallerKind = Literal["person", "officer", "department", "administrator", "supervisor"]

ACCOUNT_KINDS: tuple[str, ...] = get_args(AccountKind)

SCOPES: dict[CallerKind, str] = {
    "person": "cases:submit cases:read materials:write materials:read licences:read trails:read ratings:write ratings:read",
    "officer": "tasks:read tasks:answer cases:read materials:read",
    "department": "tasks:read tasks:answer materials:read",
    "supervisor": "cards:read trails:read cases:read ratings:read board:read",
    "administrator": "identity:admin catalog:publish",
}

PEOPLE_S = 15 * 60
CLIENTS_S = 60 * 60


def token_life_s(kind: CallerKind) -> int:
    """Seconds that a token of this kind is good for."""
    return CLIENTS_S if kind == "department" else PEOPLE_S
