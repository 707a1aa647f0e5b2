"""安全提醒: the owner of an account hears of every change of its locks, and of a sign-in from where it was never seen.

In the account's own inbox at once, and over every proved contact of its person. Preferences do not switch it off and quiet
hours do not delay it: whoever has taken an account over would do just that. Mails and texts are few a day.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import uuid_utils

from chassis.db import Tx
from services.identity.adapters.post_office import CONTACT, POST_OFFICE
from services.identity.adapters.vault import Vault
from services.identity.domain.familiar import KEPT, called, device_of, network_of
from services.identity.domain.messages import SHANGHAI, Kind
from services.identity.domain.sensitive import Sensitive
from services.identity.models import accounts, contacts, familiar_marks, message_deliveries, messages

MOST_A_DAY: dict[Kind, int] = {"account_changed": 10, "new_sign_in": 3}
"""Mails and texts of a kind in 24 hours; what goes beyond is in the inbox alone."""


@dataclass(frozen=True)
class OldContact:
    """Where the party was reached until now: sealed under its key."""

    kind: str
    sealed: bytes


@dataclass(frozen=True)
class _Notice:
    """For the inbox of an account, and for the proved contacts of the party ``reach``."""

    account_id: str
    kind: Kind
    facts: dict[str, str]
    reach: str | None
    old: OldContact | None = None


def tell_owner(tx: Tx, account_id: str, what: str) -> None:
    """``what`` was changed, as ``中文 / English``."""
    person = tx.execute(sa.select(accounts.c.person_id).where(accounts.c.account_id == account_id)).scalar_one_or_none()
    _tell(tx, _Notice(account_id, "account_changed", {"what": what}, person))


def tell_owners(tx: Tx, party_id: str, what: str, old: OldContact | None = None) -> None:
    """Everybody who signs in as the party or for it. Mails and texts go to the party, once, and to the ``old`` contact
    instead of the one that has taken its place.
    """
    theirs = sa.or_(accounts.c.person_id == party_id, accounts.c.party_id == party_id)
    live = sa.select(accounts.c.account_id).where(theirs, accounts.c.state != "closed").order_by(accounts.c.account_id)
    for place, account_id in enumerate(tx.execute(live).scalars().all()):
        _tell(tx, _Notice(account_id, "account_changed", {"what": what}, party_id if place == 0 else None, old))


def note_sign_in(tx: Tx, vault: Vault, account_id: str, *, address: str, agent: str, now: datetime) -> None:
    """Remember device and network; tell the owner when one of them is new. Of the first sign-in nobody needs to be told."""
    since = now - KEPT
    known = sa.select(familiar_marks.c.mark).where(
        familiar_marks.c.account_id == account_id, familiar_marks.c.seen_at > since
    )
    marks = [
        vault.keyed_hash(f"familiar {account_id}", Sensitive(text))
        for text in (f"device {device_of(agent)}", f"network {network_of(address)}")
    ]
    seen = set(tx.execute(known).scalars())
    rows = [{"account_id": account_id, "mark": mark, "seen_at": now} for mark in sorted(set(marks))]
    new = {row.mark for row in tx.insert_new(familiar_marks, rows, [familiar_marks.c.mark])}
    tx.update(familiar_marks, ["account_id", "mark"], [row for row in rows if row["mark"] not in new])
    if seen and not seen.issuperset(marks):
        person = sa.select(accounts.c.person_id).where(accounts.c.account_id == account_id)
        facts = {"address": address[:64], "device": called(agent)}
        _tell(tx, _Notice(account_id, "new_sign_in", facts, tx.execute(person).scalar_one_or_none()))


def forget_marks(tx: Tx, now: datetime) -> None:
    """Drop devices and networks that were not seen for long."""
    tx.execute(sa.delete(familiar_marks).where(familiar_marks.c.seen_at < now - KEPT))


def _tell(tx: Tx, notice: _Notice) -> None:
    few_so_far = _told_today(tx, notice.account_id, notice.kind) < MOST_A_DAY[notice.kind]
    row = {
        "message_id": str(uuid_utils.uuid7()),
        "event_id": str(uuid_utils.uuid7()),
        "party_id": None,
        "fallback_party_id": notice.reach,
        "department": None,
        "account_id": notice.account_id,
        "kind": notice.kind,
        "case_no": None,
        "facts": notice.facts | {"at": f"{tx.now.astimezone(SHANGHAI):%Y-%m-%d %H:%M}"},
        "created_at": tx.now,
        "read_at": None,
    }
    tx.insert(messages, [row])
    if notice.reach is not None and few_so_far:
        _order_deliveries(tx, row["message_id"], notice.reach, notice.old)


def _told_today(tx: Tx, account_id: str, kind: Kind) -> int:
    mine = sa.and_(messages.c.account_id == account_id, messages.c.kind == kind)
    recent = sa.select(sa.func.count()).where(mine, messages.c.created_at > tx.now - timedelta(days=1))
    return int(tx.execute(recent).scalar_one())


def _order_deliveries(tx: Tx, message_id: Any, party_id: str, old: OldContact | None) -> None:
    proved = sa.select(contacts.c.kind).where(contacts.c.party_id == party_id, contacts.c.sealed.is_not(None))
    kinds: set[str] = set(tx.execute(proved).scalars()) | ({old.kind} if old is not None else set())
    rows: Sequence[dict[str, Any]] = [
        {
            "delivery_id": str(uuid_utils.uuid7()),
            "message_id": message_id,
            "channel": channel,
            "state": "waiting",
            "attempts": 0,
            "due_at": tx.now,
            "address_sealed": old.sealed if old is not None and old.kind == CONTACT[channel] else None,
        }
        for channel in POST_OFFICE.channels
        if CONTACT[channel] in kinds
    ]
    if rows:
        tx.insert(message_deliveries, rows)
