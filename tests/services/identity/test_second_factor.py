"""One-time codes: RFC 6238's own vectors, each step and each recovery code once, wrong ones counted like wrong passwords."""

from __future__ import annotations

import base64
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyotp
import pytest
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st

from chassis.errors import Refusal
from services.identity.adapters.totp import DRIFT_STEPS, STEP_S, matching_steps, new_secret, step_at
from services.identity.adapters.vault import load_or_create_vault
from services.identity.domain.delay import FREE_FAILURES
from services.identity.domain.factors import (
    ONE_FACTOR,
    TWO_FACTORS,
    TWO_FACTORS_ONE_CRYPTOGRAPHIC,
    acr_of,
    amr_of,
    must_have_second,
)
from services.identity.domain.scopes import ACCOUNT_KINDS
from services.identity.domain.sensitive import Sensitive
from services.identity.models import accounts, db, recovery_codes, sign_in_failures, totp_secrets
from services.identity.service import SERVICE
from services.identity.use_cases.attempts import make_attempt
from services.identity.use_cases.enrol_totp import begin_totp, confirm_totp
from services.identity.use_cases.recovery_codes import COUNT, make_recovery_codes
from services.identity.use_cases.second_factor import factors_of, verify_recovery, verify_totp
from tests.services.identity.conftest import PASSWORD, Counter, everything
from tests.services.identity.races import NOON, ROUNDS, race
from tests.support import bind

# RFC 6238, appendix B, SHA-1; the last six of its eight digits.
RFC_SECRET = Sensitive(base64.b32encode(b"12345678901234567890").decode())
RFC_VECTORS = {
    59: "94287082",
    1111111109: "07081804",
    1111111111: "14050471",
    1234567890: "89005924",
    2000000000: "69279037",
    20000000000: "65353130",
}


@pytest.mark.parametrize(("second", "code"), RFC_VECTORS.items())
def test_the_vectors_of_rfc_6238(second: int, code: str) -> None:
    now = datetime.fromtimestamp(second, UTC)
    assert matching_steps(RFC_SECRET, code[-6:], now) == [second // 30]


@given(second=st.integers(86_400, 4_000_000_000), away=st.integers(-5, 5))
def test_a_code_is_good_in_its_step_and_the_two_beside_it(second: int, away: int) -> None:
    now = datetime.fromtimestamp(second, UTC)
    code = pyotp.TOTP(RFC_SECRET.reveal()).generate_otp(step_at(now) + away)
    steps = matching_steps(RFC_SECRET, code, now)
    assert (step_at(now) + away in steps) == (abs(away) <= DRIFT_STEPS)
    assert steps == sorted(steps, reverse=True)


@given(st.text(max_size=12))
def test_text_that_is_no_code_matches_nothing(text: str) -> None:
    codes = {pyotp.TOTP(RFC_SECRET.reveal()).generate_otp(step_at(NOON) + away) for away in (-1, 0, 1)}
    assert bool(matching_steps(RFC_SECRET, text, NOON)) == ("".join(text.split()) in codes)


class Owner:
    """An account with an app, confirmed ten steps before noon, and recovery codes."""

    def __init__(self, counter: Counter, username: str = "parent") -> None:
        self.vault, self.account_id, self.username = counter.desk.vault, counter.account(username), username
        self.secret = self.begin()
        confirm_totp(self.vault, self.account_id, self.code(-10), self.attempt(-10))
        with db.transaction() as tx:
            self.recovery = make_recovery_codes(tx, self.vault, self.account_id, NOON)

    def begin(self) -> Sensitive:
        with db.transaction() as tx:
            return begin_totp(tx, self.vault, self.account_id)

    def attempt(self, step: int = 0):  # type: ignore[no-untyped-def]
        return make_attempt(self.vault, Sensitive(self.username), at(step))

    def code(self, step: int = 0) -> str:
        return pyotp.TOTP(self.secret.reveal()).generate_otp(step_at(at(step)))

    def verify(self, code: str, step: int = 0) -> bool:
        return verify_totp(self.vault, self.account_id, code, at(step))

    def wrong(self, step: int = 0) -> str:
        near = {self.code(step + away) for away in (-1, 0, 1)}
        return next(code for code in ("000000", "111111", "222222", "333333") if code not in near)


def at(step: int) -> datetime:
    return NOON + timedelta(seconds=STEP_S * step)


def failures() -> list[int]:
    with db.read() as connection:
        return list(connection.execute(sa.select(sign_in_failures.c.failures)).scalars())


@pytest.fixture
def owner(counter: Counter) -> Owner:
    return Owner(counter)


def test_a_code_is_taken_once_and_older_ones_not_after_it(owner: Owner) -> None:
    code, next_code = owner.code(), owner.code(1)
    assert owner.verify(f"{code[:3]} {code[3:]}")
    assert not owner.verify(code), "a replay"
    assert not owner.verify(owner.code(-1)), "of the step before, which was not used"
    assert owner.verify(next_code), "a clock may be a step ahead"
    assert not owner.verify(next_code, 1), "a replay in its own step"
    assert owner.verify(owner.code(2), 2)


def test_the_code_that_confirmed_does_not_sign_in_as_well(owner: Owner) -> None:
    assert not owner.verify(owner.code(-10), -10)


def test_an_unconfirmed_secret_signs_nobody_in_and_leaves_the_old_one_in_force(owner: Owner) -> None:
    old = owner.code()
    fresh = owner.begin()
    assert not owner.verify(pyotp.TOTP(fresh.reveal()).generate_otp(step_at(NOON)))
    assert owner.verify(old)


def test_a_wrong_code_confirms_nothing(owner: Owner) -> None:
    owner.secret = owner.begin()
    before = everything()["totp_secrets"]
    with pytest.raises(Refusal) as refusal:
        confirm_totp(owner.vault, owner.account_id, owner.wrong(), owner.attempt())
    assert refusal.value.code == "code_wrong"
    assert everything()["totp_secrets"] == before
    assert failures() == [1]


def test_the_secret_is_sealed_to_its_account(owner: Owner, counter: Counter) -> None:
    [row] = everything()["totp_secrets"]
    assert owner.secret.reveal().encode() not in b"".join(part for part in row if isinstance(part, bytes))
    other = Owner(counter, "second")
    with db.transaction() as tx:
        sealed = tx.execute(
            sa.select(totp_secrets.c.sealed).where(totp_secrets.c.account_id == owner.account_id)
        ).scalar_one()
        tx.execute(sa.update(totp_secrets).where(totp_secrets.c.account_id == other.account_id).values(sealed=sealed))
    with pytest.raises(Exception, match="data key"):
        other.verify(owner.code())


def test_wrong_codes_grow_the_delay_of_wrong_passwords_and_the_password_does_not_reset_it(
    owner: Owner, counter: Counter
) -> None:
    for number in range(FREE_FAILURES):
        assert not owner.verify(owner.wrong())
        assert counter.sign_in().json["code"] == "second_factor_required", "the password was right"
        assert failures() == [number + 1]
    assert not owner.verify(owner.wrong())
    before = everything()
    with pytest.raises(Refusal) as refusal:
        owner.verify(owner.code())
    assert (refusal.value.code, refusal.value.facts) == ("too_many_attempts", {"retry_after_s": 1})
    assert everything() == before
    assert owner.verify(owner.code(1), 1), "it is a delay and no lock"
    assert failures() == []


def test_each_of_ten_recovery_codes_is_good_once_however_it_is_typed(owner: Owner) -> None:
    assert len(set(owner.recovery)) == COUNT == 10
    for number, code in enumerate(owner.recovery):
        typed = code.lower().replace("-", " ") if number % 2 else code
        assert verify_recovery(owner.vault, owner.account_id, typed, NOON)
        assert not verify_recovery(owner.vault, owner.account_id, code, NOON)
    assert factors_of(owner.account_id) == {"totp"}


def test_new_recovery_codes_replace_the_old_and_none_is_kept_readable(owner: Owner) -> None:
    with db.transaction() as tx:
        fresh = make_recovery_codes(tx, owner.vault, owner.account_id, NOON)
    assert not verify_recovery(owner.vault, owner.account_id, owner.recovery[0], NOON)
    assert verify_recovery(owner.vault, owner.account_id, fresh[0], NOON)
    kept = str(everything())
    assert not any(code in kept or code.replace("-", "") in kept for code in fresh)


def test_a_recovery_code_is_of_its_own_account_only(owner: Owner, counter: Counter) -> None:
    other = Owner(counter, "second")
    assert not verify_recovery(other.vault, other.account_id, owner.recovery[0], NOON)
    assert verify_recovery(owner.vault, owner.account_id, owner.recovery[0], NOON)


def test_two_processes_at_the_same_moment_use_a_code_once(database_url: str, tmp_path: Path) -> None:
    bind(SERVICE, tmp_path, database_url)
    key = tmp_path / "data.key"
    vault, secret = load_or_create_vault(key), new_secret()
    account = {"account_id": "a-1", "username": "parent", "kind": "supervisor", "name": "郑监督", "password_hash": "x"}
    dates = {"opened_at": NOON, "password_set_at": NOON, "password_temporary": False}
    defaults = {column.name: 2 for column in accounts.c if column.name == "level"}
    with db.transaction() as tx:
        tx.execute(sa.insert(accounts).values(account | dates | defaults))
        sealed = vault.seal("totp:a-1", secret)
        tx.execute(sa.insert(totp_secrets).values(account_id="a-1", sealed=sealed, confirmed_at=NOON, last_step=-1))
        recovery = make_recovery_codes(tx, vault, "a-1", NOON)
    totp = pyotp.TOTP(secret.reveal())
    codes = {
        "totp": [totp.generate_otp(step_at(at(number))) for number in range(ROUNDS)],
        "recovery": recovery[:ROUNDS],
    }
    told = race(database_url, key, "a-1", codes)
    assert [sorted(pair) for pair in told["totp"]] == [[False, True]] * ROUNDS
    assert [sorted(pair) for pair in told["recovery"]] == [[False, True]] * ROUNDS
    with db.read() as connection:
        used = sa.select(sa.func.count(recovery_codes.c.used_at))
        assert connection.execute(used).scalar_one() == ROUNDS


def test_who_must_have_a_second_factor() -> None:
    assert {kind for kind in ACCOUNT_KINDS if must_have_second(kind, "required")} == set(ACCOUNT_KINDS) - {"person"}
    assert not any(must_have_second(kind, "offered") for kind in ACCOUNT_KINDS)


@pytest.mark.parametrize(
    ("methods", "amr", "acr"),
    [
        (("password",), ("pwd",), ONE_FACTOR),
        (("password", "recovery"), ("pwd", "recovery", "mfa"), TWO_FACTORS),
        (("password", "totp"), ("pwd", "otp", "mfa"), TWO_FACTORS_ONE_CRYPTOGRAPHIC),
        (("passkey",), ("pop", "user", "mfa"), TWO_FACTORS_ONE_CRYPTOGRAPHIC),
    ],
)
def test_what_tokens_say_of_a_sign_in(methods: tuple[str, ...], amr: tuple[str, ...], acr: str) -> None:
    assert amr_of(*methods) == amr
    assert acr_of(amr) == acr


def test_the_password_alone_gets_no_token_for_an_account_with_a_second_factor(owner: Owner, counter: Counter) -> None:
    right, wrong = counter.sign_in(), counter.sign_in(password=PASSWORD + "x")
    assert (right.status_code, right.json["code"]) == (200, "second_factor_required")
    assert (wrong.status_code, wrong.json["code"]) == (400, "invalid_grant")
    assert "access_token" not in right.json
