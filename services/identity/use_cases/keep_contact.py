"""联系方式: a mobile number or an e-mail address that its owner has proved to receive at. Sealed under the owner's key.

A new one waits beside the one in force until the code that was sent to it comes back. Sending is another's:
``codes_to_send`` and ``note_sent`` are for whoever sends.
"""

from __future__ import annotations

import hmac
import re
import secrets
from collections.abc import Callable, Sequence
from datetime import timedelta
from typing import Any, Literal

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from chassis import clock
from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.adapters.party_keys import key_of
from services.identity.adapters.vault import Vault
from services.identity.domain.sensitive import Sensitive
from services.identity.models import contacts, db
from services.identity.use_cases.tell_owner import OldContact, tell_owners

ContactKind = Literal["mobile", "email"]
Send = Callable[[ContactKind, Sensitive, Sensitive], bool]
PATTERNS: dict[str, str] = {
    "mobile": r"1[3-9][0-9]{9}",
    "email": r"[^@\s\x00-\x1f]{1,64}@[A-Za-z0-9.-]{1,180}\.[A-Za-z]{2,}",
}
CODE_LIFE, BETWEEN_CODES, MOST_TRIES = timedelta(minutes=10), timedelta(minutes=1), 5


def change_contact(tx: Tx, vault: Vault, party_id: str, kind: ContactKind, address: Sensitive) -> None:
    """Keep it beside the one in force, with a code to prove it. Raises Refusal ``contact_invalid``, ``code_too_soon``."""
    if not re.fullmatch(PATTERNS[kind], address.reveal()):
        raise Refusal("contact_invalid", "手机号或邮箱格式有误 / this is no mobile number or no e-mail address")
    key = key_of(tx, vault, party_id)
    known = _locked(tx, party_id, kind)
    if known is not None and known.code_until is not None and tx.now < known.code_until - CODE_LIFE + BETWEEN_CODES:
        raise Refusal("code_too_soon", "验证码刚刚发出，请一分钟后再试 / a code was sent within the last minute")
    code = Sensitive(f"{secrets.randbelow(1_000_000):06d}")
    values = {
        "pending": key.seal(kind, address),
        "code_sealed": key.seal(_code(kind), code),
        "code_until": tx.now + CODE_LIFE,
        "code_sent_at": None,
        "tries": 0,
    }
    insert = postgresql.insert if db.is_postgresql else sqlite.insert
    row = {"party_id": party_id, "kind": kind} | values
    keys = [contacts.c.party_id, contacts.c.kind]
    tx.execute(insert(contacts).values(**row).on_conflict_do_update(index_elements=keys, set_=values))


def confirm_contact(vault: Vault, party_id: str, kind: ContactKind, code: Sensitive) -> None:
    """The code came back: the new one is in force. Opens its own transactions: a wrong code stays counted.

    Raises Refusal ``contact_code_wrong``, the same for a code that was wrong, has run out, or was never sent.
    """
    right = False
    with db.transaction() as tx:
        row = _locked(tx, party_id, kind)
        if row is not None:
            right = _is_right(tx, vault, row, code)
            _set(
                tx,
                row,
                **(_DONE | {"sealed": row.pending, "verified_at": tx.now} if right else {"tries": row.tries + 1}),
            )
            if right:
                _warn(tx, row, "更改", "changed")
    if not right:
        raise Refusal("contact_code_wrong", "验证码有误或已失效 / the code is wrong or has run out")


def remove_contact(tx: Tx, party_id: str, kind: ContactKind) -> None:
    """May be repeated."""
    row = _locked(tx, party_id, kind)
    tx.execute(sa.delete(contacts).where(contacts.c.party_id == party_id, contacts.c.kind == kind))
    if row is not None and row.sealed is not None:
        _warn(tx, row, "删除", "removed")


def send_codes(vault: Vault, send: Send) -> int:
    """Hand every code that waits to ``send`` (kind, address, code), outside any transaction; how many were taken.

    ``send`` says whether it took the code; one that it did not take waits for the next call. Codes are claimed first, so that
    several processes send each once; after a crash in between their owner asks for another.
    """
    with db.transaction() as tx:
        claimed = _claim_codes(tx)
    with db.read() as connection:
        opened = [
            (row, key.open(row.kind, row.pending), key.open(_code(row.kind), row.code_sealed))
            for row in claimed
            for key in [key_of(connection, vault, row.party_id)]
        ]
    left = [row for row, address, code in opened if not send(row.kind, address, code)]
    with db.transaction() as tx:
        for row in left:
            same = sa.and_(contacts.c.party_id == row.party_id, contacts.c.code_sealed == row.code_sealed)
            tx.execute(sa.update(contacts).where(same).values(code_sent_at=None))
    return len(claimed) - len(left)


def _claim_codes(tx: Tx) -> Sequence[Any]:
    c = contacts.c
    waiting = sa.and_(c.code_sealed.is_not(None), c.code_sent_at.is_(None), c.code_until > clock.now())
    in_order = sa.select(contacts).where(waiting).order_by(c.party_id, c.kind).limit(200)
    rows = tx.execute(in_order.with_for_update(skip_locked=True)).fetchall()
    for row in rows:
        _set(tx, row, code_sent_at=tx.now)
    return rows


_DONE: dict[str, Any] = {"pending": None, "code_sealed": None, "code_until": None, "code_sent_at": None, "tries": 0}


def _is_right(tx: Tx, vault: Vault, row: Any, code: Sensitive) -> bool:
    if row.code_sealed is None or tx.now > row.code_until or row.tries >= MOST_TRIES:
        return False
    wanted = key_of(tx, vault, row.party_id).open(_code(row.kind), row.code_sealed)
    return hmac.compare_digest(wanted.reveal().encode(), code.reveal().encode())


def _warn(tx: Tx, row: Any, done: str, done_en: str) -> None:
    """Tell the owners; ``row`` is the contact as it was, and where it led is told, too."""
    name, name_en = {"mobile": ("手机号", "mobile number"), "email": ("邮箱", "e-mail address")}[row.kind]
    old = None if row.sealed is None else OldContact(row.kind, row.sealed)
    tell_owners(tx, row.party_id, f"联系{name}已{done} / the {name_en} was {done_en}", old)


def _code(kind: str) -> str:
    return f"code for {kind}"


def _locked(tx: Tx, party_id: str, kind: str) -> Any | None:
    mine = sa.select(contacts).where(contacts.c.party_id == party_id, contacts.c.kind == kind)
    return tx.execute(mine.with_for_update()).one_or_none()


def _set(tx: Tx, row: Any, **values: Any) -> None:
    mine = sa.and_(contacts.c.party_id == row.party_id, contacts.c.kind == row.kind)
    tx.execute(sa.update(contacts).where(mine).values(**values))
