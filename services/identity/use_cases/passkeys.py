"""通行密钥 passkeys: registered, signed in with, named, removed.

A passkey with user verification is two factors at once: the device that has it, and the person's PIN or body. Challenges
are good once, for one purpose, within five minutes, and only for the session (``binding``) that asked for them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import uuid_utils

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity import queries
from services.identity.adapters.metrics import SIGN_INS
from services.identity.adapters.passkey_ceremonies import (
    CHALLENGE_LIFE_S,
    NewPasskey,
    Site,
    UsedPasskey,
    challenge_of,
    creation_options,
    invalid,
    request_options,
    user_handle,
    verify_assertion,
    verify_creation,
)
from services.identity.adapters.vault import Vault
from services.identity.domain.sensitive import Sensitive
from services.identity.models import accounts, db, passkey_challenges, passkeys
from services.identity.use_cases.attempts import clear_failures, make_attempt
from services.identity.use_cases.sign_in import require_active
from services.identity.use_cases.tell_owner import tell_owner

MOST_PASSKEYS = 20
REGISTER, SIGN_IN = "register", "sign_in"


@dataclass(frozen=True)
class Ceremonies:
    """What every ceremony needs. ``binding`` is the secret or the id of the session, the same at begin and finish."""

    vault: Vault
    site: Site | None
    binding: str
    now: datetime

    @property
    def place(self) -> Site:
        """The site. Raises Refusal ``passkeys_unavailable``."""
        if self.site is None:
            raise Refusal(
                "passkeys_unavailable",
                "平台的公开地址不支持通行密钥 / the platform's public address does not allow passkeys",
            )
        return self.site

    @property
    def binding_hash(self) -> str:
        """Keyed hash of the binding."""
        return self.vault.keyed_hash("passkey binding", Sensitive(self.binding))


def begin_registration(ceremonies: Ceremonies, account_id: str) -> dict[str, Any]:
    """Options for ``navigator.credentials.create``. Raises Refusal ``passkeys_unavailable``."""
    site, account = ceremonies.place, queries.account_of(account_id)
    assert account is not None
    known = [row.credential_id for row in queries.passkeys_of(account_id)]
    challenge, options = creation_options(
        site, account_id=account_id, username=account.username, name=account.name, known=known
    )
    _remember(ceremonies, challenge, REGISTER, account_id)
    return options


def finish_registration(
    tx: Tx, ceremonies: Ceremonies, account_id: str, credential: Mapping[str, Any], name: str
) -> str:
    """Id of the new passkey. Raises Refusal ``passkey_invalid``, ``passkey_exists``, ``too_many_passkeys``."""
    site, challenge = ceremonies.place, challenge_of(credential)
    _take(tx, ceremonies, challenge, REGISTER, account_id)
    made = verify_creation(site, credential, challenge)
    tx.execute(sa.select(accounts.c.account_id).where(accounts.c.account_id == account_id).with_for_update())
    if _count(tx, account_id) >= MOST_PASSKEYS:
        raise Refusal("too_many_passkeys", f"最多{MOST_PASSKEYS}个通行密钥 / at most {MOST_PASSKEYS} passkeys")
    passkey_id = _add(tx, account_id, made, name, ceremonies.now)
    tell_owner(tx, account_id, "已添加通行密钥 / a passkey was added")
    return passkey_id


def begin_passkey(ceremonies: Ceremonies, account_id: str | None = None) -> dict[str, Any]:
    """Options for ``navigator.credentials.get``. For a sign-in without a name any passkey of the site will do.

    Raises Refusal ``passkeys_unavailable``.
    """
    site = ceremonies.place
    known = [] if account_id is None else [row.credential_id for row in queries.passkeys_of(account_id)]
    challenge, options = request_options(site, known)
    _remember(ceremonies, challenge, SIGN_IN, account_id)
    return options


def finish_passkey(ceremonies: Ceremonies, credential: Mapping[str, Any]) -> str:
    """The account that the passkey signed in to. Its failures are forgotten: this was a whole sign-in.

    Raises Refusal ``passkey_invalid``, whatever was wrong, ``account_suspended`` or ``passkeys_unavailable``.
    """
    try:
        account = _signed_in(ceremonies, credential)
    except Refusal as refusal:
        if refusal.code == "passkey_invalid":
            SIGN_INS.labels("passkey", "failed").inc()
        raise
    require_active(account)
    return str(account.account_id)


def _signed_in(ceremonies: Ceremonies, credential: Mapping[str, Any]) -> Any:
    """The account's row."""
    site, challenge = ceremonies.place, challenge_of(credential)
    with db.transaction() as tx:  # on its own, so that a challenge answered wrongly is used up as well
        expected = _take(tx, ceremonies, challenge, SIGN_IN)
    with db.transaction() as tx:
        row = _passkey(tx, str(credential.get("id")), expected)
        used = verify_assertion(site, credential, challenge, row.public_key, row.sign_count)
        _require_handle(credential, row.account_id)
        _count_use(tx, row, used, ceremonies.now)
        account = tx.execute(sa.select(accounts).where(accounts.c.account_id == row.account_id)).one()
        clear_failures(tx, make_attempt(ceremonies.vault, Sensitive(account.username), ceremonies.now, None))
    return account


def rename_passkey(tx: Tx, account_id: str, passkey_id: str, name: str) -> None:
    """Raises Refusal ``passkey_unknown``."""
    if tx.execute(sa.update(passkeys).where(_own(account_id, passkey_id)).values(name=name)).rowcount != 1:
        raise _unknown()


def delete_passkey(tx: Tx, account_id: str, passkey_id: str) -> None:
    """Raises Refusal ``passkey_unknown``."""
    if tx.execute(sa.delete(passkeys).where(_own(account_id, passkey_id))).rowcount != 1:
        raise _unknown()
    tell_owner(tx, account_id, "已移除通行密钥 / a passkey was removed")


def forget_challenges(tx: Tx, now: datetime) -> None:
    """Drop the challenges that nobody answered in time."""
    tx.execute(sa.delete(passkey_challenges).where(passkey_challenges.c.expires_at < now))


def _remember(ceremonies: Ceremonies, challenge: str, purpose: str, account_id: str | None) -> None:
    row = {
        "challenge": challenge,
        "purpose": purpose,
        "binding": ceremonies.binding_hash,
        "account_id": account_id,
        "expires_at": ceremonies.now + timedelta(seconds=CHALLENGE_LIFE_S),
    }
    with db.transaction() as tx:
        tx.execute(sa.insert(passkey_challenges).values(row))


def _take(tx: Tx, ceremonies: Ceremonies, challenge: str, purpose: str, account_id: str | None = None) -> str | None:
    """Use the challenge up; the account that it was made for. Raises Refusal ``passkey_invalid``."""
    table = passkey_challenges
    mine = sa.and_(
        table.c.challenge == challenge,
        table.c.purpose == purpose,
        table.c.binding == ceremonies.binding_hash,
        table.c.expires_at > ceremonies.now,
        sa.true() if account_id is None else table.c.account_id == account_id,
    )
    taken = tx.execute(sa.delete(table).where(mine).returning(table.c.account_id)).one_or_none()
    if taken is None:
        raise invalid()
    return None if taken.account_id is None else str(taken.account_id)


def _passkey(tx: Tx, credential_id: str, expected: str | None) -> Any:
    row = None
    if credential_id.isascii() and credential_id.isprintable():  # PostgreSQL takes no text with a NUL
        row = tx.execute(sa.select(passkeys).where(passkeys.c.credential_id == credential_id)).one_or_none()
    if row is None or expected not in (None, row.account_id):
        raise invalid()
    return row


def _require_handle(credential: Mapping[str, Any], account_id: str) -> None:
    """The user handle, which only the authenticator of a discoverable credential gives, is the account's (§7.2, step 6)."""
    given = credential["response"].get("userHandle")
    if given is not None and given != user_handle(account_id):
        raise invalid()


def _count_use(tx: Tx, row: Any, used: UsedPasskey, now: datetime) -> None:
    """Raises Refusal ``passkey_invalid`` when the same count was used at the same moment: one of the two is a copy."""
    table = passkeys
    unchanged = sa.and_(table.c.passkey_id == row.passkey_id, table.c.sign_count == row.sign_count)
    values = {"sign_count": used.sign_count, "backed_up": used.backed_up, "last_used_at": now}
    if tx.execute(sa.update(table).where(unchanged).values(values)).rowcount != 1:
        raise invalid()


def _add(tx: Tx, account_id: str, made: NewPasskey, name: str, now: datetime) -> str:
    row = {
        "passkey_id": str(uuid_utils.uuid7()),
        "account_id": account_id,
        "credential_id": made.credential_id,
        "public_key": made.public_key,
        "sign_count": made.sign_count,
        "name": name,
        "backed_up": made.backed_up,
        "created_at": now,
        "last_used_at": None,
    }
    if not tx.insert_new(passkeys, [row], [passkeys.c.passkey_id]):
        raise Refusal("passkey_exists", "该通行密钥已登记 / this passkey is registered already")
    return str(row["passkey_id"])


def _count(tx: Tx, account_id: str) -> int:
    query = sa.select(sa.func.count()).select_from(passkeys).where(passkeys.c.account_id == account_id)
    return int(tx.execute(query).scalar_one())


def _own(account_id: str, passkey_id: str) -> sa.ColumnElement[bool]:
    return sa.and_(passkeys.c.account_id == account_id, passkeys.c.passkey_id == passkey_id)


def _unknown() -> Refusal:
    return Refusal("passkey_unknown", "没有这个通行密钥 / there is no such passkey")
