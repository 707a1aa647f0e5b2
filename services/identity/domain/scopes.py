"""What each kind of caller may do, and for how long a token says so."""

from __future__ import annotations

from typing import Literal, get_args

from contracts import rights
from contracts.rights import ROLES, Role, scopes_of

AccountKind = Literal["person", "officer", "hotline", "supervisor", "system_admin", "security_admin", "audit_admin"]
CallerKind = Role

ACCOUNT_KINDS: tuple[str, ...] = get_args(AccountKind)
STAFF = rights.STAFF
OWN_ACCOUNT = "account:self"
"""One's own password, factors and sessions. The only scope of a token whose owner has to change the password first."""

SCOPES: dict[CallerKind, str] = {role: scopes_of(role) for role in ROLES}
"""Scopes of a role's tokens. A scope is an action of the table in contracts/rights.py; change them there."""

PEOPLE_S = 15 * 60
CLIENTS_S = 60 * 60


def token_life_s(kind: CallerKind) -> int:
    """Seconds that a token of this kind is good for."""
    return CLIENTS_S if kind in ("department", "kiosk") else PEOPLE_S
