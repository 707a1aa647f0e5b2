"""监护关系核验: somebody says to be a child's guardian, and the population register knows."""

from __future__ import annotations

from typing import Any

import sqlalchemy as sa

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.adapters.party_keys import number_of
from services.identity.adapters.registers import Registers
from services.identity.adapters.vault import Vault
from services.identity.domain.assurance import Answer
from services.identity.domain.directory import Party
from services.identity.domain.sensitive import Sensitive
from services.identity.models import accounts, db, parties
from services.identity.use_cases.delegate import enter_guardianship
from services.identity.use_cases.register_party import find_or_add_party
from services.identity.use_cases.verify_account import keep_question, require_tries_left, turned_down

BASIS = "人口库监护关系核验 / guardianship in the population register"


def claim_child(registers: Registers, vault: Vault, account_id: str, name: str, number: Sensitive) -> str:
    """The guardianship's id. A child that is not registered yet is registered when the register knows both of it.

    Raises Refusal ``register_no_match``, ``register_unavailable``, ``too_many_verifications``, ``delegation_invalid`` for
    who is 14 or older. What was asked is kept.
    """
    with db.read() as connection:
        require_tries_left(connection, account_id)
        account = _account(connection, account_id)
        guardian = number_of(connection, vault, account.person_id)
    child = registers.person(name, number, None)
    relation = registers.guardian(guardian, number) if child == "match" else child
    with db.transaction() as tx:
        _keep(tx, account, relation)
    if relation != "match":
        raise turned_down(relation)
    with db.transaction() as tx:
        child_id, _ = find_or_add_party(tx, vault, Party(kind="person", name=name, number=number))
        _require_name(tx, child_id, name)
        return enter_guardianship(tx, account.person_id, child_id, by=account_id, basis=BASIS)


def _account(connection: sa.Connection, account_id: str) -> Any:
    row = connection.execute(sa.select(accounts).where(accounts.c.account_id == account_id)).one_or_none()
    if row is None or row.person_id is None:
        raise Refusal("account_unknown", "没有这个个人账号 / there is no such account of a person")
    return row


def _require_name(tx: Tx, party_id: str, name: str) -> None:
    """Registered here under another name: for a counter to clear up."""
    if tx.execute(sa.select(parties.c.name).where(parties.c.party_id == party_id)).scalar_one() != name:
        raise turned_down("no_match")


def _keep(tx: Tx, account: Any, answer: Answer) -> None:
    asked = ["name", "number", "guardian"]
    keep_question(
        tx,
        account.account_id,
        register="guardianship",
        party_id=account.person_id,
        asked=asked,
        answer=answer,
        purpose=BASIS,
        levels=(account.level, account.level),
        by=account.account_id,
    )
