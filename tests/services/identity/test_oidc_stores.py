"""The provider on both kinds of database: what only one of several at once may do, and the schedule of its keys."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from werkzeug.test import TestResponse

from chassis.errors import Refusal
from services.identity import queries
from services.identity.adapters.machine_clock import machine_now
from services.identity.domain.key_schedule import (
    AHEAD,
    SIGNS_FOR,
    KeyTimes,
    current,
    gone_after,
    next_begins,
    published,
)
from services.identity.models import db, grants, refresh_tokens, sessions, used_once
from services.identity.use_cases.keep_signing_keys import keep_signing_keys, rotate_signing_key
from services.identity.use_cases.sign_in_sessions import forget_sessions
from tests.services.identity.conftest import everything
from tests.services.identity.oidc import ISSUER, Flow, Provider, answer_of, start_provider

AT_ONCE = 4
NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


@pytest.fixture
def provider(tmp_path: Path, database_url: str) -> Provider:
    return start_provider(tmp_path, database_url)


def at_once(call: Callable[[], TestResponse]) -> list[int]:
    with ThreadPoolExecutor(AT_ONCE) as pool:
        return sorted(answer.status_code for answer in pool.map(lambda _: call(), range(AT_ONCE)))


def test_of_several_at_once_one_redeems_a_code_one_assertion_is_taken_and_one_refreshes(provider: Provider) -> None:
    browser, flow = provider.browser(), Flow(client="public")
    code = browser.code(flow)
    assert at_once(lambda: browser.redeem(flow, code)) == [200, 400, 400, 400]
    with db.read() as connection:
        grant = connection.execute(sa.select(grants).where(grants.c.client_id == "public")).one()
        assert grant.ended_at is not None, "the others used it again"
        assert len(connection.execute(sa.select(refresh_tokens)).all()) == 1

    assertion = provider.assertion()
    sent = provider.credentials("signs") | {"client_assertion": assertion, "token": "x"}
    post = lambda: provider.app.test_client().post("/oauth2/revoke", data=sent)  # noqa: E731
    assert at_once(post) == [200, 401, 401, 401]

    tokens = browser.tokens(Flow(client="public"))
    again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert at_once(lambda: provider.token("public", **again)) == [200, 400, 400, 400]
    assert answer_of(browser.authorize(Flow(), prompt="none"))["error"] == "login_required"


def test_several_windows_of_a_client_with_a_secret_refresh_at_once(provider: Provider) -> None:
    tokens = provider.browser().tokens(Flow())
    again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    with ThreadPoolExecutor(AT_ONCE) as pool:
        answers = list(pool.map(lambda _: provider.token(**again), range(AT_ONCE)))
    assert [answer.status_code for answer in answers] == [200] * AT_ONCE
    assert len({answer.json["refresh_token"] for answer in answers}) == 1


def test_old_sessions_are_forgotten_with_all_that_hangs_on_them(provider: Provider) -> None:
    provider.browser().tokens(Flow(client="signs"))
    with db.transaction() as tx:
        forget_sessions(tx, machine_now() + timedelta(days=29))
    with db.read() as connection:
        assert connection.execute(sa.select(sessions)).all()
        assert not connection.execute(sa.select(used_once)).all()
    with db.transaction() as tx:
        forget_sessions(tx, machine_now() + timedelta(days=31))
    with db.read() as connection:
        for table in (sessions, grants, refresh_tokens):
            assert connection.execute(sa.select(table)).all() == []


def test_a_key_is_revoked_at_once_and_the_next_one_signs(provider: Provider) -> None:
    tokens = provider.browser().tokens(Flow())
    [old] = provider.keys().keys
    headers = provider.counter.tokens.headers("security:admin", kind="security_admin")
    client = provider.app.test_client()
    before = everything()["signing_keys"]
    assert client.post(f"/api/v1/signing-keys/{old.kid}/revocation", headers=headers).status_code == 400
    weak = provider.counter.tokens.headers("identity:admin", kind="system_admin") | {"Idempotency-Key": "1"}
    assert client.post(f"/api/v1/signing-keys/{old.kid}/revocation", headers=weak).status_code == 403
    assert everything()["signing_keys"] == before
    answer = client.post(f"/api/v1/signing-keys/{old.kid}/revocation", headers=headers | {"Idempotency-Key": "1"})
    assert answer.status_code == 200
    [new] = provider.keys().keys
    assert new.kid != old.kid
    assert provider.userinfo(tokens["access_token"]).status_code == 401
    renewed = provider.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json
    assert provider.userinfo(renewed["access_token"]).status_code == 200
    again = client.post(f"/api/v1/signing-keys/{old.kid}/revocation", headers=headers | {"Idempotency-Key": "2"})
    assert (again.status_code, again.json["code"]) == (404, "key_unknown")
    listed = client.get("/api/v1/signing-keys", headers=headers).json["keys"]
    assert {key["key_id"]: key["signs_now"] for key in listed} == {old.kid: False, new.kid: True}


def test_a_key_that_is_replaced_goes_on_verifying(provider: Provider) -> None:
    tokens = provider.browser().tokens(Flow())
    with db.transaction() as tx:
        new = rotate_signing_key(tx, provider.vault, machine_now(), by="a-1")
    provider.counter.desk.tokens.ring.forget()
    assert len(provider.keys().keys) == 2
    assert provider.userinfo(tokens["access_token"]).status_code == 200
    renewed = provider.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).json
    assert provider.counter.desk.tokens.ring.signing_key().kid == new
    assert provider.userinfo(renewed["access_token"]).status_code == 200


def test_the_clock_makes_the_next_key_a_day_ahead_and_drops_what_is_gone(provider: Provider) -> None:
    ring = provider.counter.desk.tokens.ring

    def keep(later: timedelta) -> tuple[str | None, list[str]]:
        now = machine_now() + later
        with db.transaction() as tx:
            keep_signing_keys(tx, provider.vault, now)
        ring.forget()
        return ring.signing_key(now).kid, [key["kid"] for key in ring.public(now)["keys"]]

    first, _ = keep(timedelta())
    assert keep(SIGNS_FOR - 2 * AHEAD) == (first, [first])
    signing, known = keep(SIGNS_FOR - AHEAD + timedelta(minutes=1))
    assert signing == first
    [second] = [kid for kid in known if kid != first]
    assert keep(SIGNS_FOR - AHEAD / 2) == (first, [first, second]), "made once"
    assert keep(SIGNS_FOR + timedelta(minutes=5)) == (second, [first, second])
    assert keep(SIGNS_FOR + timedelta(hours=2)) == (second, [second])
    keep(2 * SIGNS_FOR)
    keep(3 * SIGNS_FOR)
    assert first not in {row.times.key_id for row in queries.signing_key_rows()}


def test_private_halves_of_keys_are_stored_sealed(provider: Provider) -> None:
    [row] = queries.signing_key_rows()
    key = provider.counter.desk.tokens.ring.signing_key()
    secret = key.as_dict(private=True)["d"]
    assert str(secret).encode() not in row.private_sealed
    assert b"PRIVATE KEY" not in row.private_sealed


def test_clients_are_registered_by_the_security_administrator_and_checked(provider: Provider) -> None:
    client = provider.app.test_client()
    headers = provider.counter.tokens.headers("security:admin", kind="security_admin")
    body: dict[str, Any] = {
        "client_id": "library",
        "name": "图书馆",
        "name_en": "Library",
        "authentication": "none",
        "redirect_uris": ["https://library.example/return"],
    }
    wrong = [
        {"redirect_uris": []},
        {"redirect_uris": ["http://library.example/return"]},
        {"redirect_uris": ["https://library.example/#x"]},
        {"redirect_uris": ["https://library.example/*"]},
        {"redirect_uris": ["{public_url}/return"]},
        {"redirect_uris": ["javascript:alert(1)"]},
        {"post_logout_redirect_uris": ["data:text/html,x"]},
        {"scope": ["everything"]},
        {"authentication": "client_secret"},
        {"authentication": "private_key_jwt"},
        {"authentication": "private_key_jwt", "jwks": {"keys": [provider.key.as_dict(private=True)]}},
        {"authentication": "private_key_jwt", "jwks": {"keys": [{"kty": "oct", "k": "c2VjcmV0"}]}},
        {"authentication": "private_key_jwt", "jwks": {"keys": "x"}},
    ]
    before = everything()["relying_parties"]
    for number, change in enumerate(wrong):
        keyed = headers | {"Idempotency-Key": f"w{number}"}
        answer = client.post("/api/v1/relying-parties", json=body | change, headers=keyed)
        assert (answer.status_code, answer.json["code"]) == (422, "client_invalid"), change
    assert everything()["relying_parties"] == before
    for _ in range(2):
        answer = client.post("/api/v1/relying-parties", json=body, headers=headers | {"Idempotency-Key": "right"})
        assert answer.status_code == 201
    taken = client.post("/api/v1/relying-parties", json=body, headers=headers | {"Idempotency-Key": "other"})
    assert taken.json["code"] == "client_exists"


def test_a_client_that_is_removed_holds_nothing_any_more(provider: Provider) -> None:
    browser = provider.browser()
    tokens = browser.tokens(Flow())
    client = provider.app.test_client()
    headers = provider.counter.tokens.headers("security:admin", kind="security_admin")
    listed = client.get("/api/v1/relying-parties", headers=headers)
    assert {"shop", "own"} <= {one["client_id"] for one in listed.json["relying_parties"]}
    assert all({"client_secret", "secret_hash", "jwks"}.isdisjoint(one) for one in listed.json["relying_parties"])
    before = everything()
    unknown = client.post("/api/v1/relying-parties/nobody/removal", headers=headers | {"Idempotency-Key": "0"})
    assert (unknown.status_code, unknown.json["code"]) == (404, "client_unknown")
    assert everything() == before
    gone = client.post("/api/v1/relying-parties/shop/removal", headers=headers | {"Idempotency-Key": "1"})
    assert gone.status_code == 200
    assert provider.userinfo(tokens["access_token"]).status_code == 401
    assert provider.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"]).status_code == 401
    assert browser.authorize(Flow()).status_code == 400


def test_a_departments_system_with_a_key_gets_its_token_for_a_signed_assertion(provider: Provider) -> None:
    headers = provider.counter.tokens.headers("identity:admin", kind="system_admin") | {"Idempotency-Key": "system"}
    public = {"keys": [provider.key.as_dict(private=False)]}
    body = {"client_id": "education-key", "department": "education", "jwks": public}
    assert provider.app.test_client().post("/api/v1/clients", json=body, headers=headers).status_code == 201
    sent = provider.credentials("signs") | {
        "grant_type": "client_credentials",
        "client_assertion": provider.assertion(iss="education-key", sub="education-key"),
    }
    answer = provider.app.test_client().post("/oauth2/token", data=sent)
    caller = provider.counter.verifier().principal(answer.json["access_token"])
    assert (caller.subject, caller.kind, caller.department) == ("education-key", "department", "education")
    assert "refresh_token" not in answer.json
    secret = {"client_id": "education-key", "client_secret": "", "grant_type": "client_credentials"}
    assert provider.app.test_client().post("/oauth2/token", data=secret).status_code == 401
    flow = provider.app.test_client().post(
        "/oauth2/token", data=provider.credentials("shop") | {"grant_type": "client_credentials"}
    )
    assert flow.json["error"] == "unauthorized_client"


def test_over_tls_cookies_are_bound_to_the_host(tmp_path: Path) -> None:
    provider = start_provider(tmp_path, public_url="https://platform.example", issuer="https://platform.example")
    browser = provider.browser()
    page = browser.authorize(Flow())
    answer = browser.client.post(
        "/oauth2/sign-in",
        data={
            "form_token": page.text.split('name="form_token" value="')[1].split('"')[0],
            "username": "parent",
            "password": "wrong",
        },
        base_url="https://platform.example",
    )
    assert answer.status_code == 400
    [cookie] = page.headers.getlist("Set-Cookie")
    assert cookie.startswith("__Host-tongban-browser=")
    assert {"Secure", "HttpOnly", "Path=/", "SameSite=Lax"} <= set(cookie.split("; "))
    assert "Domain" not in cookie
    assert provider.document()["issuer"] == "https://platform.example"
    assert provider.document()["issuer"] != ISSUER


def test_the_schedule_of_keys() -> None:
    first = KeyTimes("a", NOW)
    assert next_begins([], NOW) == NOW
    assert next_begins([first], NOW + SIGNS_FOR - AHEAD - timedelta(seconds=1)) is None
    begins = next_begins([first], NOW + SIGNS_FOR - AHEAD)
    assert begins == NOW + SIGNS_FOR
    keys = [KeyTimes("a", NOW, gone_after(begins)), KeyTimes("b", begins)]
    assert current(keys, begins - timedelta(seconds=1)) == keys[0]
    assert current(keys, begins) == keys[1]
    assert published(keys, begins) == keys
    assert published(keys, gone_after(begins)) == keys[1:]
    revoked = [keys[0], KeyTimes("b", begins, None, begins)]
    assert current(revoked, begins) == keys[0]
    assert published(revoked, begins) == keys[:1]


def test_what_is_forgotten_cannot_be_taken_back(provider: Provider) -> None:
    from services.identity.use_cases.keep_consents import take_consent_back

    with pytest.raises(Refusal, match="consent_unknown"), db.transaction() as tx:
        take_consent_back(tx, provider.account_id, "shop", machine_now())
