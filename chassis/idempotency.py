"""``Idempotency-Key``: the same key and body give the first answer again; the same key with another body is refused.

Source: draft-ietf-httpapi-idempotency-key-header.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa
from flask import request

from chassis.auth import principal
from chassis.db import Database, Tx
from chassis.errors import Refusal

MAX_LENGTH = 200


@dataclass(frozen=True)
class IdempotencyKey:
    """One caller's key with a fingerprint (SHA-256 hex) of what was asked."""

    actor: str
    key: str
    fingerprint: str


def idempotency_key() -> IdempotencyKey:
    """The key of the current request. Raises Refusal ``idempotency_key_missing``."""
    key = request.headers.get("Idempotency-Key", "")
    if not key or len(key) > MAX_LENGTH:
        raise Refusal(
            "idempotency_key_missing",
            f"请给出 1 至 {MAX_LENGTH} 个字符的 Idempotency-Key / an Idempotency-Key of 1 to {MAX_LENGTH} characters is required",
        )
    asked = b"\0".join((request.method.encode(), request.full_path.encode(), request.get_data()))
    return IdempotencyKey(principal().subject, key, hashlib.sha256(asked).hexdigest())


def once(database: Database, write: Callable[[Tx], Any], *, key: IdempotencyKey | None = None) -> Any:
    """What ``write`` answers (JSON) in one transaction, or what it answered the first time under the request's key.

    ``key`` where the request's own is not the one to use. Raises like ``idempotency_key`` and ``claim_key``.
    """
    claimed = key or idempotency_key()
    with database.transaction() as tx:
        answer = claim_key(tx, database, claimed)
        if answer is None:
            answer = write(tx)
            store_answer(tx, database, claimed, answer)
        return answer


def claim_key(tx: Tx, database: Database, key: IdempotencyKey) -> Any | None:
    """Take the key for this transaction, or return the answer that was stored under it.

    Raises Refusal ``idempotency_key_reused`` when it was used for something else. A second request that comes while
    the first is still open waits for its commit.
    """
    table = database.idempotency
    row = {"actor": key.actor, "key": key.key, "fingerprint": key.fingerprint, "answer": None, "created_at": tx.now}
    if tx.insert_new(table, [row], [table.c.key]):
        return None
    stored = tx.execute(sa.select(table).where(table.c.actor == key.actor, table.c.key == key.key)).one()
    if stored.fingerprint != key.fingerprint:
        raise Refusal(
            "idempotency_key_reused",
            "该 Idempotency-Key 已用于另一请求 / this Idempotency-Key was used with another request",
            key=key.key,
        )
    return stored.answer


def store_answer(tx: Tx, database: Database, key: IdempotencyKey, answer: Any) -> None:
    """Keep ``answer`` (JSON) under a claimed key."""
    table = database.idempotency
    where = sa.and_(table.c.actor == key.actor, table.c.key == key.key)
    tx.execute(sa.update(table).where(where).values(answer=answer))
