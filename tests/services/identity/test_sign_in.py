"""Passwords: one path for names that exist and names that do not, a growing delay, and a bound on the work."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

from chassis.errors import Refusal
from services.identity.adapters.passwords import AT_ONCE, Passwords
from services.identity.api.desk import DESK
from services.identity.domain.delay import FREE_FAILURES, LONGEST_WAIT_S, QUIET, wait_after
from services.identity.domain.directory import Caller
from services.identity.domain.sensitive import Sensitive
from services.identity.models import accounts, db, sign_in_failures
from services.identity.service import SERVICE
from services.identity.use_cases.attempts import forget_failures
from services.identity.use_cases.sign_in import sign_in
from tests.services.identity.conftest import PASSWORD, Counter, everything, hashes_computed
from tests.support import metric, show_gauges

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)


def attempt(counter: Counter, password: str, now: datetime, username: str = "parent") -> Caller:
    return sign_in(counter.desk.passwords, counter.desk.vault, Sensitive(username), Sensitive(password), now)


def outcome(counter: Counter, password: str, now: datetime, username: str = "parent") -> str:
    try:
        attempt(counter, password, now, username)
    except Refusal as refusal:
        return refusal.code
    return "signed in"


def use_up_free_failures(counter: Counter, username: str = "parent") -> None:
    for _ in range(FREE_FAILURES + 1):
        assert outcome(counter, "wrong", NOON, username) == "invalid_grant"


def failures() -> list[int]:
    with db.read() as connection:
        return list(connection.execute(sa.select(sign_in_failures.c.failures)).scalars())


def test_sign_ins_are_counted_by_how_they_ended_and_accounts_by_kind(counter: Counter) -> None:
    def counted(how: str) -> float:
        return metric("tongban_sign_ins_total", kind="password", outcome=how)

    counter.account()
    before = {how: counted(how) for how in ("ok", "failed", "delayed")}
    assert counter.sign_in().status_code == 200
    assert (counted("ok"), counted("failed")) == (before["ok"] + 1, before["failed"])
    use_up_free_failures(counter)
    assert counted("failed") == before["failed"] + FREE_FAILURES + 1
    assert outcome(counter, PASSWORD, NOON) == "too_many_attempts"
    assert (counted("ok"), counted("delayed")) == (before["ok"] + 1, before["delayed"] + 1)
    show_gauges(SERVICE)
    with db.read() as connection:
        kinds = dict(connection.execute(sa.select(accounts.c.kind, sa.func.count()).group_by(accounts.c.kind)).all())
    assert {kind: metric("tongban_accounts", kind=kind) for kind in kinds} == kinds


@pytest.mark.parametrize("unknown", ["nobody", "NOBODY", "x" * 900, "par\x00ent"])
def test_an_unknown_name_gets_the_answer_of_a_wrong_password_at_the_same_cost(counter: Counter, unknown: str) -> None:
    counter.account()
    before = hashes_computed()
    wrong = counter.sign_in("parent", "wrong")
    between = hashes_computed()
    missing = counter.sign_in(unknown, "wrong")
    assert between - before == hashes_computed() - between == 1
    assert wrong.status_code == missing.status_code == 400
    assert wrong.json == missing.json
    assert wrong.json["code"] == "invalid_grant"
    assert failures() == [1, 1]


def test_an_unknown_client_costs_what_a_known_one_costs(counter: Counter) -> None:
    before = hashes_computed()
    grant = {"grant_type": "client_credentials", "client_id": "nobody-system", "client_secret": "x"}
    assert counter.client.post("/oauth2/token", data=grant).json["error"] == "invalid_client"
    assert hashes_computed() == before + 1


def test_text_that_no_database_takes_is_a_wrong_name_and_no_fault(counter: Counter) -> None:
    assert counter.sign_in("\x01\x00", "\x00").json["code"] == "invalid_grant"


def test_one_password_typed_in_two_widths_is_one(counter: Counter) -> None:
    counter.account()
    assert counter.sign_in("parent", PASSWORD.replace("c", "\uff43")).status_code == 200


@pytest.mark.parametrize("username", ["parent", "nobody"])
def test_after_some_failures_the_next_attempt_has_to_wait(counter: Counter, username: str) -> None:
    counter.account()
    use_up_free_failures(counter, username)
    before, computed = everything(), hashes_computed()
    with pytest.raises(Refusal) as refused:
        attempt(counter, PASSWORD, NOON, username)
    assert refused.value.code == "too_many_attempts"
    assert refused.value.facts == {"retry_after_s": 1}
    assert everything() == before
    assert hashes_computed() == computed


def test_the_refusal_says_over_http_when_to_come_back(counter: Counter) -> None:
    counter.account()
    for _ in range(FREE_FAILURES + 5):
        with db.transaction() as tx:
            tx.execute(sa.update(sign_in_failures).values(not_before=NOON - timedelta(days=365)))
        assert counter.sign_in("parent", "wrong").status_code == 400
    answer = counter.sign_in()
    assert answer.status_code == 429
    assert answer.json["code"] == "too_many_attempts"
    assert 1 <= int(answer.headers["Retry-After"]) == answer.json["retry_after_s"] <= 16


def test_after_the_wait_the_right_password_is_let_in_and_the_count_starts_anew(counter: Counter) -> None:
    counter.account()
    use_up_free_failures(counter)
    assert outcome(counter, PASSWORD, NOON + timedelta(seconds=1)) == "signed in"
    assert failures() == []
    use_up_free_failures(counter)


def test_one_accounts_failures_delay_no_other(counter: Counter) -> None:
    counter.account()
    counter.account("second")
    use_up_free_failures(counter)
    assert outcome(counter, PASSWORD, NOON, "second") == "signed in"


def test_the_delay_doubles_and_never_becomes_a_lock() -> None:
    waits = [wait_after(failures).total_seconds() for failures in range(FREE_FAILURES + 12)]
    assert waits[: FREE_FAILURES + 4] == [0] * (FREE_FAILURES + 1) + [1, 2, 4]
    assert waits == sorted(waits)
    assert wait_after(10**9).total_seconds() == LONGEST_WAIT_S


def test_guesses_at_the_same_moment_do_not_slip_past_the_delay(counter: Counter) -> None:
    counter.account()
    with ThreadPoolExecutor(16) as pool:
        outcomes = list(pool.map(lambda _: outcome(counter, "wrong", NOON), range(32)))
    assert set(outcomes) == {"invalid_grant", "too_many_attempts"}
    assert outcomes.count("invalid_grant") <= FREE_FAILURES + AT_ONCE


def test_failures_are_forgotten_after_a_quiet_day(counter: Counter) -> None:
    use_up_free_failures(counter)
    with db.transaction() as tx:
        forget_failures(tx, NOON + QUIET - timedelta(seconds=1))
    assert failures() == [FREE_FAILURES + 1]
    with db.transaction() as tx:
        forget_failures(tx, NOON + QUIET + timedelta(seconds=1))
    assert failures() == []


def test_the_job_forgets_by_the_machines_clock(counter: Counter) -> None:
    use_up_free_failures(counter)
    with db.transaction() as tx:
        tx.execute(sa.update(sign_in_failures).values(last_failed_at=datetime.now(UTC) - 2 * QUIET))
    [job] = [job for job in SERVICE.jobs if job.name == "identity.forget_failures"]
    job.run()
    assert failures() == []


@pytest.mark.parametrize("username", ["parent", "nobody"])
def test_when_every_turn_is_taken_the_answer_is_busy_for_every_name(counter: Counter, username: str) -> None:
    counter.account()
    passwords = Passwords(wait_s=0.01)
    counter.runtime.parts[DESK] = replace(counter.desk, passwords=passwords)
    before = everything()
    with ExitStack() as taken:
        for _ in range(AT_ONCE):
            taken.enter_context(passwords.turn())
        answer = counter.sign_in(username)
    assert answer.status_code == 503
    assert answer.json["code"] == "busy"
    assert int(answer.headers["Retry-After"]) == answer.json["retry_after_s"] > 0
    assert everything() == before
    assert counter.sign_in().status_code == 200


def test_passwords_are_kept_as_argon2id_at_the_stated_cost(counter: Counter) -> None:
    counter.account()
    [account] = everything()["accounts"]
    [stored] = [value for value in account if str(value).startswith("$argon2id$")]
    assert "$m=19456,t=2,p=1$" in stored
