"""接口密钥: made, rotated, revoked; told to the gateway as fingerprints; and what was asked with them, told by the gateway."""

from __future__ import annotations

import hashlib
import secrets
import string
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

import msgspec
import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from chassis.db import Tx
from chassis.errors import Refusal
from contracts.open_api import Environment, fingerprint
from services.identity.adapters.vault import Vault
from services.identity.domain.developer_apps import (
    KEY_LIFE,
    MOST_KEYS,
    USAGE_KEPT,
    key_text,
    key_works,
    quota_of,
    shown_prefix,
)
from services.identity.domain.sensitive import Sensitive
from services.identity.models import db, developer_apps, developer_keys, developer_usage
from services.identity.use_cases.developer_apps import locked_app
from services.identity.use_cases.tell_owner import tell_owners

ID_LETTERS, ID_LENGTH = string.ascii_lowercase + string.digits, 10


def create_key(tx: Tx, vault: Vault, app_id: str, environment: Environment, *, label: str, now: datetime) -> str:
    """The key's id; ``whole_key`` gives the key. Raises Refusal ``app_state`` or ``too_many_keys``."""
    app = locked_app(tx, app_id)
    if not key_works(environment, app.state):
        raise Refusal(
            "app_state", "应用尚未获准正式使用 / the app is not approved for it", state=app.state, wanted=environment
        )
    k = developer_keys.c
    live = sa.select(sa.func.count()).select_from(developer_keys)
    live = live.where(k.app_id == app_id, k.environment == environment, k.revoked_at.is_(None), k.expires_at > now)
    if tx.execute(live).scalar_one() >= MOST_KEYS:
        raise Refusal(
            "too_many_keys",
            f"每个环境最多{MOST_KEYS}个有效密钥，请先吊销 / at most {MOST_KEYS} keys that work; revoke one first",
            most=MOST_KEYS,
        )
    key_id = "".join(secrets.choice(ID_LETTERS) for _ in range(ID_LENGTH))
    row = {
        "key_id": key_id,
        "app_id": app_id,
        "environment": environment,
        "secret_hash": fingerprint(whole_key(vault, environment, key_id)),
        "label": label,
        "created_at": now,
        "expires_at": now + KEY_LIFE,
    }
    tx.insert(developer_keys, [row])
    if environment == "production":
        prefix = shown_prefix(environment, key_id)
        tell_owners(tx, app.party_id, f"已新建接口密钥 {prefix} / an API key was made ({prefix})")
    return key_id


def whole_key(vault: Vault, environment: Environment, key_id: str) -> str:
    """Follows from the data key, so that a creation that is repeated gives the same key although no table holds it."""
    return key_text(environment, key_id, vault.keyed_hash("developer_key", Sensitive(key_id)))


def rotate_key(
    tx: Tx, vault: Vault, app_id: str, key_id: str, *, overlap: timedelta, now: datetime
) -> tuple[str, Environment]:
    """Id and environment of the key in its place; the old one works for ``overlap`` more.

    Raises Refusal ``key_unknown`` or ``key_ended``, or like ``create_key``.
    """
    app = locked_app(tx, app_id)
    old = _key(tx, app.app_id, key_id)
    if old.revoked_at is not None or old.expires_at <= now or old.replaced_by is not None:
        raise Refusal("key_ended", "密钥已失效或已更换 / the key has ended or was replaced", key_id=key_id)
    ends = min(old.expires_at, now + overlap)
    mine = developer_keys.c.key_id == key_id
    tx.execute(sa.update(developer_keys).where(mine).values(expires_at=ends))
    new = create_key(tx, vault, app_id, old.environment, label=old.label, now=now)
    tx.execute(sa.update(developer_keys).where(mine).values(replaced_by=new))
    return new, old.environment


def revoke_key(tx: Tx, app_id: str, key_id: str, now: datetime) -> None:
    """May be repeated. Raises Refusal ``key_unknown``."""
    locked_app(tx, app_id)
    if _key(tx, app_id, key_id).revoked_at is None:
        tx.execute(sa.update(developer_keys).where(developer_keys.c.key_id == key_id).values(revoked_at=now))


def keys_in_force(now: datetime) -> dict[str, Any]:
    """What the gateway goes by: ``keys`` by fingerprint, ``version`` changes with them."""
    k, a = developer_keys.c, developer_apps.c
    joined = sa.join(developer_keys, developer_apps, k.app_id == a.app_id)
    columns = (k.secret_hash, k.key_id, k.app_id, k.environment, k.expires_at, a.state, a.granted)
    live = sa.select(*columns).select_from(joined).where(k.revoked_at.is_(None), k.expires_at > now)
    with db.read() as connection:
        rows = list(connection.execute(live.order_by(k.key_id)))
    keys = {row.secret_hash: _told(row) for row in rows if key_works(row.environment, row.state)}
    return {"version": hashlib.sha256(msgspec.json.encode(keys)).hexdigest()[:32], "keys": keys}


@dataclass(frozen=True)
class Used:
    """Requests with one key on one day (Asia/Shanghai)."""

    key_id: str
    day: date
    answered: int
    refused: int


def count_usage(tx: Tx, used: Sequence[Used]) -> None:
    """Add to what is known; keys that are no more are passed over. In one order, so that two reports never wait in a circle."""
    known = sa.select(developer_keys.c.key_id).where(developer_keys.c.key_id.in_({one.key_id for one in used}))
    ids = set(tx.execute(known).scalars())
    insert = (postgresql if db.is_postgresql else sqlite).insert(developer_usage)
    u = developer_usage.c
    added = insert.on_conflict_do_update(
        index_elements=[u.key_id, u.day],
        set_={"answered": u.answered + insert.excluded.answered, "refused": u.refused + insert.excluded.refused},
    )
    for one in sorted(used, key=lambda one: (one.key_id, one.day)):
        if one.key_id in ids:
            row = {"key_id": one.key_id, "day": one.day, "answered": one.answered, "refused": one.refused}
            tx.execute(added, [row])


def forget_usage(tx: Tx, today: date) -> None:
    """Drop what is older than a year and a bit."""
    tx.execute(sa.delete(developer_usage).where(developer_usage.c.day < today - USAGE_KEPT))


def _key(tx: Tx, app_id: str, key_id: str) -> Any:
    mine = sa.and_(developer_keys.c.key_id == key_id, developer_keys.c.app_id == app_id)
    row = tx.execute(sa.select(developer_keys).where(mine)).one_or_none()
    if row is None:
        raise Refusal("key_unknown", "没有这个密钥 / there is no such key", key_id=key_id)
    return row


def _told(row: Any) -> dict[str, Any]:
    datasets, quota = quota_of(row.environment, row.granted)
    return {
        "key_id": row.key_id,
        "app_id": row.app_id,
        "environment": row.environment,
        "datasets": list(datasets),
        "per_minute": quota.per_minute,
        "per_day": quota.per_day,
        "expires_at": row.expires_at.timestamp(),
    }
