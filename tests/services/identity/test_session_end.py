"""When a session ends, so do its tokens that are out, what its clients hold, and what was begun through it; and clients hear."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
import sqlalchemy as sa
from joserfc import jwt

from chassis.auth import ENDED_PATH, mark_of
from services.identity.adapters.logout_sender import LOGOUT_SENDER, LogoutSender
from services.identity.adapters.machine_clock import machine_now
from services.identity.adapters.outside_web import OutsideAnswer, OutsideAway
from services.identity.domain.logout import EVENT, WAITS_S, address_problem, is_final, next_try
from services.identity.domain.oauth import SESSION_LIFE, TOKENS_GONE_AFTER
from services.identity.models import accounts, db, logout_notices, relying_parties
from services.identity.use_cases.after_restore import after_restore
from services.identity.use_cases.change_party import erase_party
from services.identity.use_cases.end_sessions import end_overdue_sessions, end_sessions
from services.identity.use_cases.notify_logout import notify_due
from services.identity.use_cases.reset_account import reset_account
from tests.services.identity.oidc import Flow, Provider, fresh_provider, payload, session_rows

TOLD_AT = "https://shop.example/signed-out"


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    return fresh_provider(tmp_path)


def ended(provider: Provider) -> list[str]:
    listed: list[str] = provider.app.test_client().get(ENDED_PATH).json["ended"]
    return listed


LAST: list[Any] = [None]
"""The browser in which somebody has signed in."""


def signed_in(provider: Provider, client: str = "shop") -> dict[str, Any]:
    LAST[0] = provider.browser()
    tokens: dict[str, Any] = LAST[0].tokens(Flow(client))
    return tokens


def by_sign_out(provider: Provider, tokens: dict[str, Any]) -> None:
    LAST[0].client.get("/oauth2/logout", query_string={"id_token_hint": tokens["id_token"]})


def by_reset(provider: Provider, _tokens: dict[str, Any]) -> None:
    with db.transaction() as tx:
        reset_account(tx, provider.account_id, "x", machine_now(), by="a-1")


def by_owner(provider: Provider, _tokens: dict[str, Any]) -> None:
    with db.transaction() as tx:
        end_sessions(tx, provider.account_id, machine_now(), but=None)


def by_erasure(provider: Provider, _tokens: dict[str, Any]) -> None:
    [party] = {row.party_id for row in provider_accounts() if row.account_id == provider.account_id}
    with db.transaction() as tx:
        erase_party(tx, party, closed_hash="x", by="a-1")


def by_theft(provider: Provider, tokens: dict[str, Any]) -> None:
    for _ in range(3):
        following = provider.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        if following.status_code == 200:
            provider.token(grant_type="refresh_token", refresh_token=following.json["refresh_token"])


def by_restore(_provider: Provider, _tokens: dict[str, Any]) -> None:
    with db.transaction() as tx:
        after_restore(tx)


def provider_accounts() -> list[Any]:
    with db.read() as connection:
        return list(connection.execute(sa.select(accounts)))


@pytest.mark.parametrize("end", [by_sign_out, by_reset, by_owner, by_erasure, by_theft, by_restore])
def test_whatever_ends_a_session_is_published(
    provider: Provider, end: Callable[[Provider, dict[str, Any]], None]
) -> None:
    tokens = signed_in(provider)
    claims = payload(tokens["access_token"])
    assert ended(provider) == []
    end(provider, tokens)
    assert ended(provider) == [mark_of(claims["sid"])]
    assert claims["sid"] not in json.dumps(ended(provider))
    assert provider.userinfo(tokens["access_token"]).status_code == 401


def test_what_a_client_revokes_ends_for_that_client_alone(provider: Provider) -> None:
    shop = signed_in(provider)
    other = LAST[0].tokens(Flow("other"))
    assert provider.post("/oauth2/revoke", token=shop["refresh_token"]).status_code == 200
    assert ended(provider) == [mark_of(payload(shop["access_token"])["grant"])]
    assert provider.userinfo(other["access_token"]).status_code == 200


def test_what_has_ended_is_published_until_its_last_token_has_run_out(provider: Provider) -> None:
    tokens = signed_in(provider)
    by_sign_out(provider, tokens)
    provider.at(lambda: machine_now() + TOKENS_GONE_AFTER - timedelta(seconds=5))
    assert len(ended(provider)) == 1
    provider.at(lambda: machine_now() + TOKENS_GONE_AFTER)
    assert ended(provider) == []
    assert timedelta(seconds=tokens["expires_in"]) < TOKENS_GONE_AFTER


def test_a_list_that_is_the_same_is_not_sent_again(provider: Provider) -> None:
    client = provider.app.test_client()
    first = client.get(ENDED_PATH)
    same = client.get(ENDED_PATH, headers={"If-None-Match": first.headers["ETag"]})
    assert (same.status_code, same.data) == (304, b"")
    by_sign_out(provider, signed_in(provider))
    changed = client.get(ENDED_PATH, headers={"If-None-Match": first.headers["ETag"]})
    assert (changed.status_code, len(changed.json["ended"])) == (200, 1)


def test_a_code_of_a_session_that_has_ended_is_worth_nothing(provider: Provider) -> None:
    browser, flow = provider.browser(), Flow()
    code = browser.code(flow)
    by_owner(provider, {})
    assert browser.redeem(flow, code).json["error"] == "invalid_grant"


def test_no_token_outlives_its_session_and_the_clock_ends_it(provider: Provider) -> None:
    tokens = signed_in(provider)
    late = machine_now() + SESSION_LIFE - timedelta(seconds=100)
    provider.at(lambda: late)
    following = provider.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json
    assert 0 < following["expires_in"] <= 100
    with db.transaction() as tx:
        assert end_overdue_sessions(tx, late) == 0
        assert end_overdue_sessions(tx, late + timedelta(seconds=200)) == 1
    assert [row.ended_at for row in session_rows()] == [late + timedelta(seconds=200)]


# 后台退出 back-channel logout


class Clients:
    """The web of the clients: what they were sent, and what they answer."""

    def __init__(self, *answers: int | str) -> None:
        self.answers, self.heard = list(answers), list[tuple[str, str]]()

    def call(self, method: str, address: str, _headers: Any, body: bytes = b"") -> OutsideAnswer:
        assert method == "POST"
        self.heard.append((address, parse_qs(body.decode())["logout_token"][0]))
        answer = self.answers.pop(0) if self.answers else 200
        if isinstance(answer, str):
            raise OutsideAway(answer)
        return OutsideAnswer(answer, b"")


@pytest.fixture
def told(provider: Provider) -> Clients:
    """``shop`` is registered with a back-channel address."""
    with db.transaction() as tx:
        mine = relying_parties.c.client_id == "shop"
        tx.execute(sa.update(relying_parties).where(mine).values(backchannel_logout_uri=TOLD_AT))
    clients = Clients()
    LOGOUT_SENDER.hold(LogoutSender(provider.counter.desk.tokens, clients, "http://127.0.0.1:8000"))
    return clients


def notices() -> list[Any]:
    with db.read() as connection:
        return list(connection.execute(sa.select(logout_notices)))


def test_a_client_is_told_with_a_logout_token_that_is_nothing_else(provider: Provider, told: Clients) -> None:
    tokens = signed_in(provider)
    LAST[0].tokens(Flow("other"))
    by_sign_out(provider, tokens)
    assert notify_due() == 1, "the other client has no address"
    [(address, token)] = told.heard
    assert address == TOLD_AT
    read = jwt.decode(token, provider.keys(), algorithms=["ES256"])
    id_token = provider.id_token(tokens["id_token"])
    assert read.header["typ"] == "logout+jwt"
    said = dict(read.claims)
    assert set(said) == {"iss", "aud", "sub", "sid", "iat", "exp", "jti", "events"}
    assert (said["iss"], said["aud"]) == (id_token["iss"], "shop")
    assert (said["sub"], said["sid"]) == (id_token["sub"], id_token["sid"]), "the pairwise subject of this client"
    assert said["events"] == {EVENT: {}}
    assert 0 < said["exp"] - said["iat"] <= 120
    assert notify_due() == 0
    [row] = notices()
    assert (row.due_at, row.problem, row.delivered_at is not None) == (None, None, True)


def test_a_logout_token_opens_nothing_and_hints_at_nobody(provider: Provider, told: Clients) -> None:
    by_sign_out(provider, signed_in(provider))
    notify_due()
    [(_, token)] = told.heard
    assert provider.userinfo(token).status_code == 401
    assert provider.browser().authorize(Flow(), prompt="none", id_token_hint=token).status_code == 303
    answer = provider.app.test_client().get("/oauth2/logout", query_string={"id_token_hint": token})
    assert answer.status_code == 400


def test_who_did_not_take_it_gets_it_again_later_under_a_new_id_and_at_last_no_more(
    provider: Provider, told: Clients, monkeypatch: pytest.MonkeyPatch
) -> None:
    by_sign_out(provider, signed_in(provider))
    told.answers = [503, "address is private", *([500] * 10)]
    now = machine_now()
    for number in range(len(WAITS_S) + 1):
        monkeypatch.setattr("services.identity.use_cases.notify_logout.machine_now", lambda at=now: at)
        assert notify_due() == 1
        assert notify_due() == 0, "not before its time"
        now += timedelta(seconds=WAITS_S[number] if number < len(WAITS_S) else 10**6)
    assert notify_due() == 0
    ids = [payload(token)["jti"] for _, token in told.heard]
    assert len(set(ids)) == len(ids) == len(WAITS_S) + 1
    [row] = notices()
    assert (row.due_at, row.delivered_at, row.problem) == (None, None, "status 500")


def test_who_says_no_is_not_asked_again(provider: Provider, told: Clients) -> None:
    by_sign_out(provider, signed_in(provider))
    told.answers = [400]
    assert notify_due() == 1
    [row] = notices()
    assert (row.due_at, row.problem) == (None, "status 400")


def test_a_client_that_was_removed_meanwhile_is_not_called(provider: Provider, told: Clients) -> None:
    by_sign_out(provider, signed_in(provider))
    with db.transaction() as tx:
        tx.execute(sa.delete(relying_parties).where(relying_parties.c.client_id == "shop"))
    notify_due()
    assert told.heard == []
    assert [row.due_at for row in notices()] == [None]


def test_who_has_had_no_token_of_the_session_is_not_told(provider: Provider, told: Clients) -> None:
    browser = provider.browser()
    browser.code(Flow())
    by_owner(provider, {})
    assert notices() == []


@pytest.mark.parametrize(
    ("address", "good"),
    [
        ("https://shop.example/out", True),
        ("http://127.0.0.1:5000/out", True),
        ("http://shop.example/out", False),
        ("https://shop.example/out#x", False),
        ("https://user@shop.example/", False),
        ("com.example.app:/out", False),
    ],
)
def test_a_back_channel_address_is_a_websites(address: str, good: bool) -> None:
    assert (address_problem(address) is None) == good


def test_a_relying_party_is_registered_with_its_back_channel_address(provider: Provider) -> None:
    body = {
        "client_id": "cinema",
        "name": "影院",
        "name_en": "Cinema",
        "authentication": "client_secret",
        "client_secret": "a-long-random-secret-of-the-cinema",
        "redirect_uris": ["https://cinema.example/return"],
        "backchannel_logout_uri": "https://cinema.example/out",
    }
    headers = provider.counter.tokens.headers("security:admin", kind="security_admin") | {"Idempotency-Key": "1"}
    client = provider.app.test_client()
    bad = client.post("/api/v1/relying-parties", json=body | {"backchannel_logout_uri": "com.x:/o"}, headers=headers)
    assert (bad.status_code, bad.json["code"]) == (422, "client_invalid")
    headers["Idempotency-Key"] = "2"
    assert client.post("/api/v1/relying-parties", json=body, headers=headers).status_code == 201
    listed = {
        one["client_id"]: one for one in client.get("/api/v1/relying-parties", headers=headers).json["relying_parties"]
    }
    assert listed["cinema"]["backchannel_logout_uri"] == "https://cinema.example/out"
    document = provider.document()
    assert document["backchannel_logout_supported"] is document["backchannel_logout_session_supported"] is True


@pytest.mark.parametrize(("status", "final"), [(400, True), (404, True), (408, False), (429, False), (500, False)])
def test_no_means_no_and_not_now_means_later(status: int, final: bool) -> None:
    assert is_final(status) == final
    assert next_try(1, machine_now()) is not None
    assert next_try(len(WAITS_S) + 1, machine_now()) is None
