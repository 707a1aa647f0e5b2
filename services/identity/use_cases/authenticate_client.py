"""部门系统认证: a client id and a secret become a caller."""

from __future__ import annotations

import re

from chassis.errors import Refusal
from services.identity import queries
from services.identity.adapters.metrics import SIGN_INS
from services.identity.adapters.passwords import Passwords
from services.identity.domain.directory import CLIENT_ID, Caller
from services.identity.domain.sensitive import Sensitive


def authenticate_client(passwords: Passwords, client_id: str, secret: Sensitive) -> Caller:
    """The department's system. Raises Refusal ``invalid_client`` or ``busy``. An unknown id takes the same path."""
    with passwords.turn():
        client = queries.find_client(client_id) if re.fullmatch(CLIENT_ID, client_id) else None
        right = passwords.verify(None if client is None else client.secret_hash, secret)
    SIGN_INS.labels("client", "ok" if right else "failed").inc()
    if client is None or not right:
        raise Refusal(
            "invalid_client", "客户端编号或密钥有误 / the client id or secret is wrong", error="invalid_client"
        )
    return Caller(subject=client.client_id, name=client.name, kind=client.kind, department=client.department)
