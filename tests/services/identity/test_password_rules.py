"""What a password may be, as pure rules; and the two delays, of an account and of an address."""

from __future__ import annotations

import secrets
import string
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from services.identity.domain.common_passwords import is_common
from services.identity.domain.delay import Delays
from services.identity.domain.password_rules import PasswordRules, contains_name, kinds

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
GOOD = "Gr8!lake-Under7"
RULES = PasswordRules()


def test_the_defaults_are_the_strict_ones() -> None:
    assert (RULES.length, RULES.classes, RULES.days, RULES.history) == (12, 3, 90, 5)
    assert RULES.problems(GOOD, "officer-police") == ()


@pytest.mark.parametrize(
    ("password", "problems"),
    [
        ("Gr8!lake-Un", ("too_short",)),
        (GOOD * 10, ("too_long",)),
        ("grate lake under seven", ("too_few_kinds",)),
        ("Gr8!Police-Officer", ()),
        ("Gr8!officer-POLICE", ("contains_username",)),
        ("Gr8!ecilop-reciffo", ("contains_username",)),
        ("Password2026!", ("common",)),
        ("password", ("too_short", "too_few_kinds", "common")),
        ("", ("too_short", "too_few_kinds", "common")),
    ],
)
def test_every_problem_of_a_password_is_named(password: str, problems: tuple[str, ...]) -> None:
    assert RULES.problems(password, "officer-police") == problems


@pytest.mark.parametrize(
    "password",
    [
        "P@ssw0rd2025!!", "Qwertyuiop123!", "Admin@123456", "1qaz@WSX3edc", "!QAZ2wsx#EDC4", "Aa123456!!!!", "aaaaaaaaaaaA1!",
        "Tongban@2026!", "Woaini1314520!", "ABCabc123!@#", "Welcome1234!!", "zzzxxxcccvvvA1!", "Changeme123!@#",
        "Zhengwu-Mima-2026", "Summer2025!!!!",
    ],
)  # fmt: skip
def test_dressed_up_common_passwords_are_recognised(password: str) -> None:
    assert is_common(password)


def test_random_passwords_are_hardly_ever_taken_for_common_ones() -> None:
    letters = string.ascii_letters + string.digits + string.punctuation
    tried = ["".join(secrets.choice(letters) for _ in range(16)) for _ in range(500)]
    assert sum(map(is_common, tried)) <= 5


@given(st.text(max_size=60))
def test_any_text_at_all_can_be_judged_and_kinds_are_one_to_four(text: str) -> None:
    RULES.problems(text, "parent")
    assert kinds(text) <= 4
    assert (kinds(text) == 0) == (text == "")


@given(st.text(max_size=20), st.text(max_size=20), st.sampled_from(["parent", "zhang.san@example.cn"]))
def test_a_name_inside_is_found_in_any_case_and_direction(before: str, after: str, name: str) -> None:
    assert contains_name(before + name.upper() + after, name)
    assert contains_name(before + name.partition("@")[0][::-1] + after, name)


def test_a_password_expires_by_its_age_or_never() -> None:
    assert not RULES.expired(NOON, NOON + timedelta(days=90, seconds=-1))
    assert RULES.expired(NOON, NOON + timedelta(days=90))
    assert not PasswordRules(days=0).expired(NOON, NOON + timedelta(days=9999))
    assert PasswordRules(days=0).expires_at(NOON) is None


@given(st.integers(1, 50), st.integers(1, 3600), st.integers(1, 200))
def test_the_delay_of_an_account_begins_where_it_is_set_and_grows_to_its_ceiling(first: int, most: int, n: int) -> None:
    delays = Delays(first, most)
    waits = [delays.of_account(failures) for failures in range(n + first)]
    assert waits == sorted(waits)
    assert all(not wait for wait in waits[:first])
    assert delays.of_account(first) == timedelta(seconds=1)
    assert max(waits) <= timedelta(seconds=most) == delays.of_account(10**6)


@given(st.lists(st.floats(0, 600), max_size=60))
def test_the_bucket_of_an_address_fills_by_failures_empties_by_time_and_never_locks(pauses_s: list[float]) -> None:
    delays, level = Delays(address_failures=20), 0.0
    for pause in pauses_s:
        level = delays.filled(level, timedelta(seconds=pause))
        assert 1 <= level <= 32
        assert delays.of_address(level) <= timedelta(seconds=300)
    assert delays.filled(level, timedelta(minutes=40)) == 1


def test_an_address_waits_after_twenty_failures_in_a_row_and_not_after_slow_ones() -> None:
    delays, quick, slow = Delays(), 0.0, 0.0
    for _ in range(20):
        quick, slow = delays.filled(quick, timedelta()), delays.filled(slow, timedelta(minutes=2))
    assert delays.of_address(quick) == timedelta()
    assert delays.of_address(delays.filled(quick, timedelta())) == timedelta(seconds=1)
    assert slow == 1
