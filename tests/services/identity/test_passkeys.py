"""Passkeys against an authenticator in software: every ceremony, and everything that must not pass."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import sqlalchemy as sa
from webauthn.helpers import bytes_to_base64url

from chassis.errors import Refusal
from services.identity import queries
from services.identity.adapters.passkey_ceremonies import CHALLENGE_LIFE_S, Site
from services.identity.domain.factors import TWO_FACTORS_ONE_CRYPTOGRAPHIC, acr_of, amr_of
from services.identity.models import db, passkeys, sign_in_failures
from services.identity.use_cases.passkeys import (
    MOST_PASSKEYS,
    Ceremonies,
    begin_passkey,
    begin_registration,
    finish_passkey,
    finish_registration,
    forget_challenges,
)
from tests.services.identity.authenticator import BACKED_UP, BACKUP_ELIGIBLE, PRESENT, VERIFIED, Authenticator
from tests.services.identity.conftest import Counter, everything

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
SITE = Site("tongban.example", "https://tongban.example")


class Desk:
    """One account and the ceremonies of its session."""

    def __init__(self, counter: Counter) -> None:
        self.account_id = counter.account()
        self.ceremonies = Ceremonies(counter.desk.vault, SITE, "session-1", NOON)

    def register(self, authenticator: Authenticator, name: str = "办公电脑") -> str:
        options = begin_registration(self.ceremonies, self.account_id)
        return self.finish(authenticator.create(options), name)

    def finish(self, credential: Any, name: str = "办公电脑", **changed: Any) -> str:
        with db.transaction() as tx:
            ceremonies = replace(self.ceremonies, **changed)
            return finish_registration(tx, ceremonies, self.account_id, credential, name)


@pytest.fixture
def key() -> Authenticator:
    return Authenticator(SITE.origin)


@pytest.fixture
def desk(counter: Counter) -> Desk:
    return Desk(counter)


def refused(attempt: Callable[[], Any], code: str = "passkey_invalid") -> None:
    """The attempt is refused and leaves no passkey more, and none changed."""
    before = everything()
    with pytest.raises(Refusal) as refusal:
        attempt()
    assert refusal.value.code == code
    after = everything()
    for rows in (before, after):
        rows.pop("passkey_challenges")
    assert after == before


def test_a_registered_passkey_signs_its_owner_in_without_a_name(desk: Desk, key: Authenticator) -> None:
    desk.register(key)
    options = begin_passkey(desk.ceremonies)
    assert options["userVerification"] == "required"
    assert options.get("allowCredentials", []) == []
    assert finish_passkey(desk.ceremonies, key.get(options)) == desk.account_id
    [row] = queries.passkeys_of(desk.account_id)
    assert (row.sign_count, row.last_used_at, row.name) == (2, NOON, "办公电脑")
    assert queries.factors_of(desk.account_id) == {"passkey"}
    assert acr_of(amr_of("passkey")) == TWO_FACTORS_ONE_CRYPTOGRAPHIC


def test_the_options_ask_for_a_discoverable_verified_credential_and_exclude_known_ones(
    desk: Desk, key: Authenticator
) -> None:
    desk.register(key)
    options = begin_registration(desk.ceremonies, desk.account_id)
    assert options["authenticatorSelection"] == {
        "residentKey": "required",
        "requireResidentKey": True,
        "userVerification": "required",
    }
    assert options["rp"] == {"name": "通办 Tongban", "id": "tongban.example"}
    assert options["attestation"] == "none"
    assert [one["id"] for one in options["excludeCredentials"]] == [bytes_to_base64url(key.credential_id)]


def test_an_account_has_several_passkeys_and_each_signs_in(desk: Desk, key: Authenticator) -> None:
    other = Authenticator(SITE.origin, counts=False, flags=PRESENT | VERIFIED | BACKUP_ELIGIBLE | BACKED_UP)
    desk.register(key)
    desk.register(other, "手机")
    for _ in range(2):  # one that keeps no count as well
        assert finish_passkey(desk.ceremonies, other.get(begin_passkey(desk.ceremonies))) == desk.account_id
    assert [(row.name, row.backed_up) for row in queries.passkeys_of(desk.account_id)] == [
        ("办公电脑", False),
        ("手机", True),
    ]


def test_no_more_passkeys_than_the_limit(desk: Desk) -> None:
    for _ in range(MOST_PASSKEYS):
        desk.register(Authenticator(SITE.origin))
    refused(lambda: desk.register(Authenticator(SITE.origin)), "too_many_passkeys")


def test_one_credential_is_registered_once(desk: Desk, key: Authenticator) -> None:
    desk.register(key)
    refused(lambda: desk.register(key), "passkey_exists")


WRONG_AUTHENTICATORS: dict[str, Any] = {
    "another origin": {"origin": "https://tongban.example.evil.org"},
    "another port": {"origin": "https://tongban.example:8443"},
    "no TLS": {"origin": "http://tongban.example"},
    "user not verified": {"flags": PRESENT},
    "user not present": {"flags": VERIFIED},
}


def test_a_wrong_answer_registers_nothing_and_signs_nobody_in(desk: Desk, key: Authenticator) -> None:
    for wrong in WRONG_AUTHENTICATORS.values():
        refused(lambda wrong=wrong: desk.register(replace(key, **wrong)))
    desk.register(key)
    for wrong in WRONG_AUTHENTICATORS.values():
        thief = replace(key, **wrong)
        refused(lambda thief=thief: finish_passkey(desk.ceremonies, thief.get(begin_passkey(desk.ceremonies))))
    assert finish_passkey(desk.ceremonies, replace(key, count=9).get(begin_passkey(desk.ceremonies)))


def test_another_key_does_not_sign_in(desk: Desk, key: Authenticator) -> None:
    desk.register(key)
    forger = Authenticator(SITE.origin, credential_id=key.credential_id, user_handle=key.user_handle, count=9)
    refused(lambda: finish_passkey(desk.ceremonies, forger.get(begin_passkey(desk.ceremonies))))


def test_a_credential_of_another_site_is_refused(desk: Desk, key: Authenticator) -> None:
    desk.register(key)
    options = begin_passkey(desk.ceremonies) | {"rpId": "evil.example"}
    refused(lambda: finish_passkey(desk.ceremonies, key.get(options)))


def test_the_user_handle_of_another_account_is_refused(desk: Desk, key: Authenticator) -> None:
    desk.register(key)
    key.user_handle = bytes_to_base64url(b"somebody else")
    refused(lambda: finish_passkey(desk.ceremonies, key.get(begin_passkey(desk.ceremonies))))


def test_a_sign_count_that_does_not_grow_is_a_copy_and_refused(desk: Desk, key: Authenticator) -> None:
    desk.register(key)
    copy = replace(key)
    finish_passkey(desk.ceremonies, key.get(begin_passkey(desk.ceremonies)))
    refused(lambda: finish_passkey(desk.ceremonies, copy.get(begin_passkey(desk.ceremonies))))


def test_a_challenge_is_good_once(desk: Desk, key: Authenticator) -> None:
    options = begin_registration(desk.ceremonies, desk.account_id)
    desk.finish(key.create(options))
    refused(lambda: desk.finish(Authenticator(SITE.origin).create(options)))
    options = begin_passkey(desk.ceremonies)
    finish_passkey(desk.ceremonies, key.get(options))
    refused(lambda: finish_passkey(desk.ceremonies, key.get(options)))


def test_a_challenge_answered_wrongly_is_used_up(desk: Desk, key: Authenticator) -> None:
    desk.register(key)
    options = begin_passkey(desk.ceremonies)
    refused(lambda: finish_passkey(desk.ceremonies, replace(key, flags=PRESENT).get(options)))
    refused(lambda: finish_passkey(desk.ceremonies, key.get(options)))


def test_a_challenge_is_bound_to_its_session_its_purpose_and_its_account(
    desk: Desk, key: Authenticator, counter: Counter
) -> None:
    options = begin_registration(desk.ceremonies, desk.account_id)
    refused(lambda: desk.finish(key.create(options), binding="session-2"))
    for_signing_in = begin_passkey(desk.ceremonies)
    refused(lambda: desk.finish(key.create(options | {"challenge": for_signing_in["challenge"]})))
    other = counter.account("second")
    for_other = begin_registration(desk.ceremonies, other)
    refused(lambda: desk.finish(key.create(options | {"challenge": for_other["challenge"]})))
    desk.register(key)
    elsewhere = begin_passkey(replace(desk.ceremonies, binding="session-2"))
    refused(lambda: finish_passkey(desk.ceremonies, key.get(elsewhere)))
    named = begin_passkey(desk.ceremonies, other)
    refused(lambda: finish_passkey(desk.ceremonies, key.get(named)))


def test_a_challenge_ends_after_five_minutes_and_is_forgotten(desk: Desk, key: Authenticator) -> None:
    options = begin_registration(desk.ceremonies, desk.account_id)
    late = NOON + timedelta(seconds=CHALLENGE_LIFE_S)
    refused(lambda: desk.finish(key.create(options), now=late))
    assert len(everything()["passkey_challenges"]) == 1
    with db.transaction() as tx:
        forget_challenges(tx, late + timedelta(seconds=1))
    assert everything()["passkey_challenges"] == []


NO_CREDENTIALS: tuple[Any, ...] = (
    {},
    {"id": "x"},
    {"response": None},
    {"response": {"clientDataJSON": 5}},
    {"response": {"clientDataJSON": "e30"}},
    {"response": {"clientDataJSON": "\x00"}},
    {"id": "\x00\ud800", "rawId": [], "response": {"clientDataJSON": "bnVsbA"}},
)


def test_what_is_no_credential_at_all_is_refused_and_no_fault(desk: Desk) -> None:
    for credential in NO_CREDENTIALS:
        refused(lambda credential=credential: desk.finish(credential))
        refused(lambda credential=credential: finish_passkey(desk.ceremonies, credential))


def test_parts_that_are_damaged_are_refused_and_no_fault(desk: Desk, key: Authenticator) -> None:
    desk.register(key)
    for name in ("authenticatorData", "signature", "userHandle"):
        for damage in ("", "AA", "\x00", 7, None, {}):
            credential = key.get(begin_passkey(desk.ceremonies))
            credential["response"][name] = damage
            if name == "userHandle" and damage is None:
                continue  # it is optional when the credential was named
            refused(lambda credential=credential: finish_passkey(desk.ceremonies, credential))


def test_a_sign_in_with_a_passkey_forgets_the_failures(desk: Desk, key: Authenticator, counter: Counter) -> None:
    desk.register(key)
    counter.sign_in(password="wrong")
    assert finish_passkey(desk.ceremonies, key.get(begin_passkey(desk.ceremonies)))
    with db.read() as connection:
        assert connection.execute(sa.select(sign_in_failures)).all() == []


def test_a_removed_passkey_signs_nobody_in(desk: Desk, key: Authenticator) -> None:
    desk.register(key)
    options = begin_passkey(desk.ceremonies)
    with db.transaction() as tx:
        tx.execute(sa.delete(passkeys))
    refused(lambda: finish_passkey(desk.ceremonies, key.get(options)))


@pytest.mark.parametrize(
    ("public_url", "site"),
    [
        ("https://zwfw.example.gov.cn", Site("zwfw.example.gov.cn", "https://zwfw.example.gov.cn")),
        ("https://zwfw.example.gov.cn:443/", Site("zwfw.example.gov.cn", "https://zwfw.example.gov.cn")),
        ("https://zwfw.example.gov.cn:8443", Site("zwfw.example.gov.cn", "https://zwfw.example.gov.cn:8443")),
        ("http://localhost:8000", Site("localhost", "http://localhost:8000")),
        ("http://zwfw.example.gov.cn", None),
        ("http://127.0.0.1:8000", None),
        ("https://[::1]:8000", None),
        ("ftp://zwfw.example.gov.cn", None),
        ("", None),
    ],
)
def test_the_site_is_the_public_address_where_browsers_allow_passkeys(public_url: str, site: Site | None) -> None:
    assert Site.at(public_url) == site


def test_without_a_site_there_are_no_ceremonies(desk: Desk) -> None:
    nowhere = replace(desk.ceremonies, site=None)
    refused(lambda: begin_registration(nowhere, desk.account_id), "passkeys_unavailable")
    refused(lambda: begin_passkey(nowhere), "passkeys_unavailable")
