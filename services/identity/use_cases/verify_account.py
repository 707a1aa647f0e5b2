"""实名核验: an account's level is raised by what a register, a kiosk or a counter has seen. It never falls by asking.

The registers are far away: they are asked between two transactions, and what was asked, why, and the answer are kept
whatever it was.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

import sqlalchemy as sa
import uuid_utils

from chassis import clock
from chassis.db import Tx
from chassis.errors import Refusal
from services.identity.adapters.party_keys import number_of
from services.identity.adapters.registers import Registers
from services.identity.adapters.vault import Vault
from services.identity.domain.assurance import IN_PERSON, SELF_DECLARED, THREE_ITEMS, Answer, Register, level_after
from services.identity.domain.delegation import law_date
from services.identity.domain.sensitive import Sensitive
from services.identity.models import accounts, db, parties, posts, verifications

MOST_FAILURES, FAILURES_WITHIN = 5, timedelta(hours=24)
WINDOW_POST = "window"


@dataclass(frozen=True, kw_only=True)
class Question:
    """What one register is asked about an account."""

    register: Register
    party_id: str
    name: str
    number: Sensitive
    third: tuple[str, Sensitive] | None

    @property
    def items(self) -> list[str]:
        """Names of what is compared."""
        return ["name", "number", *([] if self.third is None else [self.third[0]])]


def verify_account(
    registers: Registers,
    vault: Vault,
    account_id: str,
    *,
    third: tuple[str, Sensitive] | None,
    legal_representative: Sensitive | None,
    purpose: str,
) -> int:
    """The account's level after the registers were asked about its person, and about the organisation that it acts for.

    Raises Refusal ``register_no_match``, ``register_unavailable`` or ``too_many_verifications``; the questions are kept.
    """
    with db.read() as connection:
        account = _account(connection, account_id)
        require_tries_left(connection, account_id)
        questions = _questions(connection, vault, account, third, legal_representative)
    answers = [_ask(registers, question) for question in questions]
    worst = _worst(answers)
    with db.transaction() as tx:
        level = _level(tx, account_id)
        raised = level_after(level, worst, third_item=all(question.third for question in questions))
        for question, answer in zip(questions, answers, strict=True):
            keep_question(
                tx,
                account_id,
                register=question.register,
                party_id=question.party_id,
                asked=question.items,
                answer=answer,
                purpose=purpose,
                levels=(level, raised),
                by=account_id,
            )
        _set_level(tx, account_id, raised)
    if worst != "match":
        raise turned_down(worst)
    return raised


def verify_in_person(tx: Tx, account_id: str, *, by: str, kiosk: bool, basis: str) -> int:
    """现场核验: somebody at a counter, or a kiosk that has read the identity card, vouches for an account; its new level.

    Raises Refusal ``account_unknown``, ``post_required`` for an officer without a counter's post today.
    """
    account = _account(tx.connection, account_id)
    if not kiosk:
        require_counter(tx, by)
    level = _level(tx, account_id)
    raised = max(level, THREE_ITEMS if kiosk else IN_PERSON)
    keep_question(
        tx,
        account_id,
        register="counter",
        party_id=account.person_id,
        asked=["name", "number", "card"],
        answer="match",
        purpose=basis,
        levels=(level, raised),
        by=by,
    )
    _set_level(tx, account_id, raised)
    return raised


def vouch_at_import(tx: Tx, account_id: str, person_id: str, level: int) -> None:
    """The directory file says how well its people were verified when they were entered into it."""
    keep_question(
        tx,
        account_id,
        register="directory",
        party_id=person_id,
        asked=[],
        answer="match",
        purpose="名录导入 / directory file",
        levels=(SELF_DECLARED, level),
        by="directory",
    )
    _set_level(tx, account_id, level)


def require_counter(tx: Tx, account_id: str) -> None:
    """Raises Refusal ``post_required`` for who holds no post at a counter (综合窗口) today."""
    if not holds_post(tx, account_id, WINDOW_POST):
        raise Refusal(
            "post_required", "仅限综合窗口岗位 / only who has a post at a counter may do this", post=WINDOW_POST
        )


def holds_post(tx: Tx, account_id: str, code: str) -> bool:
    """Whether the account has this post today."""
    p, today = posts.c, law_date(tx.now)
    mine = sa.select(p.code).where(p.account_id == account_id, p.code == code, p.from_on <= today)
    return tx.execute(mine.where(sa.or_(p.until_on.is_(None), p.until_on >= today)).limit(1)).first() is not None


def _account(connection: sa.Connection, account_id: str) -> Any:
    row = connection.execute(sa.select(accounts).where(accounts.c.account_id == account_id)).one_or_none()
    if row is None or row.person_id is None:
        raise Refusal("account_unknown", "没有这个个人账号 / there is no such account of a person")
    return row


def require_tries_left(connection: sa.Connection, account_id: str) -> None:
    """A third item must not be found by trying. Raises Refusal ``too_many_verifications``."""
    v = verifications.c
    failed = sa.select(sa.func.count()).where(
        v.account_id == account_id, v.answer == "no_match", v.asked_at > clock.now() - FAILURES_WITHIN
    )
    if connection.execute(failed).scalar_one() >= MOST_FAILURES:
        raise Refusal(
            "too_many_verifications",
            "核验不符次数过多，请24小时后再试或到窗口办理 / too many mismatches: try again in 24 hours, or go to a counter",
        )


def _questions(
    connection: sa.Connection,
    vault: Vault,
    account: Any,
    third: tuple[str, Sensitive] | None,
    legal_representative: Sensitive | None,
) -> list[Question]:
    number = number_of(connection, vault, account.person_id)
    asked = [Question(register="population", party_id=account.person_id, name=account.name, number=number, third=third)]
    if account.party_id != account.person_id:
        party = connection.execute(sa.select(parties).where(parties.c.party_id == account.party_id)).one()
        named = None if legal_representative is None else ("legal_representative", legal_representative)
        code = number_of(connection, vault, party.party_id)
        asked.append(
            Question(register="enterprise", party_id=party.party_id, name=party.name, number=code, third=named)
        )
    return asked


def _ask(registers: Registers, question: Question) -> Answer:
    if question.register == "population":
        return registers.person(question.name, question.number, question.third)
    named = None if question.third is None else question.third[1].reveal()
    return registers.organisation(question.name, question.number.reveal(), named)


def _worst(answers: Sequence[Answer]) -> Answer:
    if "unavailable" in answers:
        return "unavailable"
    return "no_match" if "no_match" in answers else "match"


def _level(tx: Tx, account_id: str) -> int:
    locked = sa.select(accounts.c.level).where(accounts.c.account_id == account_id).with_for_update()
    return int(tx.execute(locked).scalar_one())


def _set_level(tx: Tx, account_id: str, level: int) -> None:
    tx.execute(sa.update(accounts).where(accounts.c.account_id == account_id).values(level=level))


def keep_question(
    tx: Tx,
    account_id: str,
    *,
    register: Register,
    party_id: str,
    asked: list[str],
    answer: Answer,
    purpose: str,
    levels: tuple[int, int],
    by: str,
) -> None:
    """What was asked of a register, why, and what it said; ``levels`` before and after."""
    row = {
        "verification_id": str(uuid_utils.uuid7()),
        "account_id": account_id,
        "party_id": party_id,
        "register": register,
        "asked": asked,
        "purpose": purpose,
        "answer": answer,
        "level_before": levels[0],
        "level_after": levels[1],
        "asked_by": by,
        "asked_at": tx.now,
    }
    tx.insert(verifications, [row])


def turned_down(answer: str) -> Refusal:
    """What to say when the answer was not ``match``."""
    if answer == "unavailable":
        return Refusal(
            "register_unavailable",
            "登记库暂不可用，请稍后再试或到窗口核验 / the register does not answer: try later, or go to a counter",
        )
    return Refusal("register_no_match", "与登记库信息不一致 / this is not what the register has")
