"""Failures at signing in are counted, by account and by network address, and make the next attempt wait.

Names that exist and names that do not are counted alike. What is counted here has its own transactions, or is counted in
one that commits although the attempt is refused.
"""

from __future__ import annotations

import ipaddress
import math
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.adapters.metrics import SIGN_INS
from services.identity.adapters.vault import Vault
from services.identity.domain.delay import QUIET, Delays
from services.identity.domain.sensitive import Sensitive
from services.identity.models import address_failures, db, sign_in_failures

IPV6_NETWORK_BITS = 64
"""What one subscriber gets: whoever has one address of it has all of them."""


@dataclass(frozen=True)
class Attempt:
    """One try at proving who one is. ``now`` is the machine's time; the indexes are keyed hashes."""

    username_index: str
    now: datetime
    address_index: str | None = None
    delays: Delays = field(default_factory=Delays)


def make_attempt(
    vault: Vault, username: Sensitive, now: datetime, address: str | None = None, delays: Delays | None = None
) -> Attempt:
    """An attempt on the account ``username`` from the network ``address``, None when it is not known."""
    network = None if address is None else _network(address)
    return Attempt(
        username_index=vault.keyed_hash("username", username),
        now=now,
        address_index=None if network is None else vault.keyed_hash("address", Sensitive(network)),
        delays=delays or Delays(),
    )


def require_waited(attempt: Attempt) -> bool:
    """Whether earlier attempts on this account failed. Raises Refusal ``too_many_attempts``."""
    with db.read() as connection:
        by_account = connection.execute(_not_before_of_account(attempt)).scalar_one_or_none()
        by_address = connection.execute(_not_before_of_address(attempt)).scalar_one_or_none()
    _require(attempt.now, by_account, by_address)
    return by_account is not None


def take_turn(tx: Tx, attempt: Attempt) -> None:
    """Like ``require_waited``, and nobody else attempts this account until the transaction ends: guesses made at the same
    moment are counted one after the other.
    """
    table = sign_in_failures
    row = {
        "username_index": attempt.username_index,
        "failures": 0,
        "last_failed_at": attempt.now,
        "not_before": attempt.now,
    }
    locked = (
        _insert(table)
        .values(row)
        .on_conflict_do_update(index_elements=[table.c.username_index], set_={"failures": table.c.failures})
        .returning(table.c.not_before)
    )
    by_account = tx.execute(locked).scalar_one()
    by_address = tx.execute(_not_before_of_address(attempt)).scalar_one_or_none()
    _require(attempt.now, by_account, by_address)


def count_failure(tx: Tx, attempt: Attempt) -> None:
    """One more failure of this account and of this address."""
    table = sign_in_failures
    counted = (
        _insert(table)
        .values(username_index=attempt.username_index, failures=1, last_failed_at=attempt.now, not_before=attempt.now)
        .on_conflict_do_update(
            index_elements=[table.c.username_index],
            set_={"failures": table.c.failures + 1, "last_failed_at": attempt.now},
        )
        .returning(table.c.failures)
    )
    not_before = attempt.now + attempt.delays.of_account(tx.execute(counted).scalar_one())
    where = table.c.username_index == attempt.username_index
    tx.execute(sa.update(table).where(where).values(not_before=not_before))
    if attempt.address_index is not None:
        _fill_bucket(tx, attempt)


def clear_failures(tx: Tx, attempt: Attempt) -> None:
    """After a whole sign-in the account's count starts anew. The address's does not: its owner may have one account himself
    and guess at others.
    """
    tx.execute(sa.delete(sign_in_failures).where(sign_in_failures.c.username_index == attempt.username_index))


def forget_failures(tx: Tx, now: datetime) -> None:
    """Drop the failures of accounts and addresses that have been quiet for long enough."""
    for table in (sign_in_failures, address_failures):
        tx.execute(sa.delete(table).where(table.c.last_failed_at < now - QUIET))


def _fill_bucket(tx: Tx, attempt: Attempt) -> None:
    table = address_failures
    row = {
        "address_index": attempt.address_index,
        "level": 0.0,
        "last_failed_at": attempt.now,
        "not_before": attempt.now,
    }
    locked = (
        _insert(table)
        .values(row)
        .on_conflict_do_update(index_elements=[table.c.address_index], set_={"level": table.c.level})
        .returning(table.c.level, table.c.last_failed_at)
    )
    before = tx.execute(locked).one()
    level = attempt.delays.filled(before.level, attempt.now - before.last_failed_at)
    values = {
        "level": level,
        "last_failed_at": max(attempt.now, before.last_failed_at),
        "not_before": attempt.now + attempt.delays.of_address(level),
    }
    tx.execute(sa.update(table).where(table.c.address_index == attempt.address_index).values(values))


def _not_before_of_account(attempt: Attempt) -> sa.Select[Any]:
    table = sign_in_failures
    return sa.select(table.c.not_before).where(table.c.username_index == attempt.username_index)


def _not_before_of_address(attempt: Attempt) -> sa.Select[Any]:
    table = address_failures
    return sa.select(table.c.not_before).where(table.c.address_index == attempt.address_index)


def _require(now: datetime, *not_before: datetime | None) -> None:
    latest = max((moment for moment in not_before if moment is not None), default=now)
    if now >= latest:
        return
    SIGN_INS.labels("password", "delayed").inc()
    raise Refusal(
        "too_many_attempts",
        "密码或验证码多次有误，请稍候再试 / too many wrong passwords or codes, wait before the next attempt",
        retry_after_s=math.ceil((latest - now) / timedelta(seconds=1)),
    )


def _network(address: str) -> str | None:
    """The address, of IPv6 its network; None for text that is no address."""
    try:
        parsed = ipaddress.ip_address(address.strip())
    except ValueError:
        return None
    if isinstance(parsed, ipaddress.IPv6Address):
        if parsed.ipv4_mapped is not None:
            return str(parsed.ipv4_mapped)
        return str(ipaddress.ip_network((int(parsed), IPV6_NETWORK_BITS), strict=False))
    return str(parsed)


def _insert(table: sa.Table) -> Any:
    return postgresql.insert(table) if db.is_postgresql else sqlite.insert(table)
