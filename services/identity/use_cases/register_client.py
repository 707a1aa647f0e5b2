"""部门系统接入: a department's system gets an id to fetch tokens with."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.models import clients
from services.identity.use_cases.open_account import require_department
from services.identity.use_cases.tell_act import tell_act

ClientKind = Literal["department", "kiosk"]


def register_client(
    tx: Tx,
    client_id: str,
    department: str,
    secret_hash: str | None,
    kind: ClientKind = "department",
    *,
    by: str,
    jwks: Mapping[str, Any] | None = None,
) -> None:
    """A department's system, or a kiosk that it looks after; it shows a secret, or signs with a key of ``jwks``.

    Raises Refusal ``department_unknown`` or ``client_exists``.
    """
    if not add_client(tx, client_id, department, secret_hash, kind, by=by, jwks=jwks):
        raise Refusal("client_exists", "客户端编号已被使用 / the client id is taken")


def add_client(
    tx: Tx,
    client_id: str,
    department: str,
    secret_hash: str | None,
    kind: ClientKind = "department",
    *,
    by: str,
    jwks: Mapping[str, Any] | None = None,
) -> bool:
    """Register it if the id is free. Raises Refusal ``department_unknown``."""
    require_department(tx, department)
    row = {
        "client_id": client_id,
        "department": department,
        "secret_hash": secret_hash,
        "jwks": None if jwks is None else dict(jwks),
        "kind": kind,
        "registered_at": tx.now,
    }
    if not tx.insert_new(clients, [row], [clients.c.client_id]):
        return False
    tell_act(tx, "client.registered", by=by, on=client_id, after=f"{kind} {department}")
    return True
