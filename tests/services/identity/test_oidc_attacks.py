"""What is tried against the provider: codes, redirects, PKCE, refresh tokens, forms, sessions and clients' proofs."""

from __future__ import annotations

import base64
import json
import time
from collections.abc import Iterator
from typing import Any

import pytest
import sqlalchemy as sa
from joserfc import jwt
from joserfc.jwk import ECKey

from services.identity.domain.oauth import challenge_matches
from services.identity.models import db, grants, refresh_tokens
from tests.services.identity.conftest import PASSWORD, SECRET, everything
from tests.services.identity.oidc import (
    RETURN,
    Flow,
    Provider,
    answer_of,
    payload,
    session_rows,
    set_account,
    start_provider,
)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Provider:
    return start_provider(tmp_path_factory.mktemp("provider"))


@pytest.fixture
def provider(started: Provider) -> Iterator[Provider]:
    yield started
    started.later()


def rows(table: sa.Table) -> list[Any]:
    with db.read() as connection:
        return list(connection.execute(sa.select(table)))


# Codes


def test_a_code_injected_into_another_sign_in_is_refused_and_burnt(provider: Provider) -> None:
    """RFC 9700 §4.5: the client that was handed the victim's code has a verifier of its own."""
    victim, flow = provider.browser(), Flow()
    code = victim.code(flow)
    before = len(rows(refresh_tokens))
    assert victim.redeem(Flow(), code).json["error"] == "invalid_grant"
    assert victim.redeem(flow, code).json["error"] == "invalid_grant"
    assert len(rows(refresh_tokens)) == before


def test_a_code_of_another_client_is_refused_and_stays_good_for_its_own(provider: Provider) -> None:
    browser, flow = provider.browser(), Flow()
    code = browser.code(flow)
    assert browser.redeem(flow, code, client="other").json["error"] == "invalid_grant"
    assert browser.redeem(flow, code).status_code == 200


@pytest.mark.parametrize("verifier", [None, "", "short", "a" * 42, "b" * 129, "é" * 50])
def test_no_verifier_of_the_wrong_form_redeems(provider: Provider, verifier: str | None) -> None:
    browser, flow = provider.browser(), Flow()
    before = len(rows(refresh_tokens))
    assert browser.redeem(flow, browser.code(flow), code_verifier=verifier).status_code == 400
    assert len(rows(refresh_tokens)) == before


@pytest.mark.parametrize("client", ["shop", "public", "own"])
@pytest.mark.parametrize(
    "changed",
    [
        {"code_challenge": None, "code_challenge_method": None},
        {"code_challenge_method": "plain"},
        {"code_challenge_method": None},
        {"code_challenge": "", "code_challenge_method": "S256"},
        {"code_challenge": "x" * 44},
    ],
    ids=["none", "plain", "plain by default", "empty", "too long"],
)
def test_pkce_cannot_be_left_out_or_downgraded(provider: Provider, client: str, changed: dict[str, Any]) -> None:
    before = len(rows(grants))
    assert answer_of(provider.browser().authorize(Flow(client=client), **changed))["error"] == "invalid_request"
    assert len(rows(grants)) == before


def test_codes_and_refresh_tokens_are_not_stored(provider: Provider) -> None:
    browser, flow = provider.browser(), Flow()
    code = browser.code(flow)
    tokens = browser.redeem(flow, code).json
    stored = repr(everything())
    for secret in (code, tokens["refresh_token"], browser.cookie(), flow.verifier):
        assert str(secret) not in stored


# Redirects


@pytest.mark.parametrize(
    "address",
    [
        f"{RETURN}#fragment",
        f"{RETURN}?more=1",
        f"{RETURN}/../other",
        "https://shop.example:443/return",
        "https://SHOP.example/return",
        "http://shop.example/return",
        "https://shop.example.evil.example/return",
        "https://evil.example@shop.example/return",
        "https://shop.example\\@evil.example/return",
        "//shop.example/return",
        "javascript:alert(1)",
        f"{RETURN} ",
        "",
    ],
)
def test_only_the_registered_address_is_returned_to(provider: Provider, address: str) -> None:
    answer = provider.browser().authorize(Flow(), redirect_uri=address)
    assert answer.status_code == 400
    assert "Location" not in answer.headers


def test_parameters_given_twice_are_refused(provider: Provider) -> None:
    browser, flow = provider.browser(), Flow()
    asked = [*flow.parameters().items()]
    twice = browser.client.get("/oauth2/authorize", query_string=[*asked, ("redirect_uri", "https://evil.example/")])
    assert twice.status_code == 400
    assert "Location" not in twice.headers
    answer = answer_of(browser.client.get("/oauth2/authorize", query_string=[*asked, ("scope", "openid")]))
    assert answer["error"] == "invalid_request"


def test_the_page_lets_its_form_end_only_here_and_at_the_client(provider: Provider) -> None:
    page = provider.browser().authorize(Flow())
    assert page.headers["Content-Security-Policy"].endswith("form-action 'self' https://shop.example")
    assert "'unsafe" not in page.headers["Content-Security-Policy"]
    assert page.headers["Cache-Control"] == "no-store"


@pytest.mark.parametrize("name", ["login_hint", "state", "nonce", "ui_locales"])
def test_nothing_of_the_request_becomes_markup(provider: Provider, name: str) -> None:
    page = provider.browser().authorize(Flow(), **{name: '"><script>alert(1)</script>'})
    assert "<script>alert" not in page.text


# Refresh tokens


def test_a_refresh_token_used_again_ends_the_whole_session(provider: Provider) -> None:
    browser = provider.browser()
    first = browser.tokens(Flow())
    beside = browser.tokens(Flow(client="other"))
    second = provider.token(grant_type="refresh_token", refresh_token=first["refresh_token"]).json
    third = provider.token(grant_type="refresh_token", refresh_token=second["refresh_token"]).json
    stolen = provider.token(grant_type="refresh_token", refresh_token=first["refresh_token"])
    assert stolen.json["error"] == "invalid_grant"
    for client, tokens in (("shop", third), ("other", beside)):
        refused = provider.token(client, grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        assert refused.json["error"] == "invalid_grant"
        assert provider.userinfo(tokens["access_token"]).status_code == 401
    assert answer_of(browser.authorize(Flow(), prompt="none"))["error"] == "login_required"


def test_a_public_clients_refresh_token_is_good_once(provider: Provider) -> None:
    tokens = provider.browser().tokens(Flow(client="public"))
    again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    following = provider.token("public", **again).json
    assert provider.token("public", **again).json["error"] == "invalid_grant"
    refused = provider.token("public", grant_type="refresh_token", refresh_token=following["refresh_token"])
    assert refused.json["error"] == "invalid_grant"


def test_a_client_with_a_secret_that_lost_the_answer_may_ask_once_more(provider: Provider) -> None:
    tokens = provider.browser().tokens(Flow())
    again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    lost, found = provider.token(**again).json, provider.token(**again).json
    assert found["refresh_token"] == lost["refresh_token"]
    later = provider.token(grant_type="refresh_token", refresh_token=found["refresh_token"])
    assert later.status_code == 200


def test_a_lost_answer_is_given_again_for_a_quarter_of_an_hour_only(provider: Provider) -> None:
    tokens = provider.browser().tokens(Flow())
    again = {"grant_type": "refresh_token", "refresh_token": tokens["refresh_token"]}
    assert provider.token(**again).status_code == 200
    provider.later(minutes=16)
    assert provider.token(**again).json["error"] == "invalid_grant"
    assert provider.userinfo(tokens["access_token"]).status_code == 401


def test_refreshing_gives_no_more_than_was_granted(provider: Provider) -> None:
    tokens = provider.browser().tokens(Flow(scope="openid profile cases:read"))
    wanted = "openid cases:read cases:submit identity:admin"
    answer = provider.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"], scope=wanted).json
    assert answer["scope"] == "openid cases:read"


def test_a_third_party_gets_no_right_that_it_is_not_registered_for(provider: Provider) -> None:
    tokens = provider.browser().tokens(Flow(scope="openid cases:read cases:submit licences:read"))
    assert tokens["scope"] == "openid cases:read"
    answer = answer_of(provider.browser().authorize(Flow(scope="openid tongban")))
    assert answer["error"] == "invalid_scope"


# Forms and sessions


def test_a_forged_sign_in_form_signs_nobody_in(provider: Provider) -> None:
    """Login CSRF: the attacker's form carries a token of the attacker's own browser."""
    attacker, victim = provider.browser(), provider.browser()
    page = attacker.authorize(Flow())
    token = page.text.split('name="form_token" value="')[1].split('"')[0]
    victim.authorize(Flow())
    before = len(session_rows())
    for sent in (token, token[:-2] + "xx", ""):
        answer = victim.client.post(
            "/oauth2/sign-in", data={"form_token": sent, "username": "parent", "password": PASSWORD}
        )
        assert answer.status_code == 400
        assert victim.cookie() is None
    assert len(session_rows()) == before


def test_a_form_of_one_page_is_no_form_of_another(provider: Provider) -> None:
    browser = provider.browser()
    page = browser.authorize(Flow())
    token = page.text.split('name="form_token" value="')[1].split('"')[0]
    for path in ("/oauth2/consent", "/oauth2/second-factor", "/oauth2/logout/confirmation"):
        answer = browser.client.post(path, data={"form_token": token, "decision": "allow", "code": "1"})
        assert answer.status_code == 400


def test_a_session_cookie_known_from_before_the_sign_in_opens_nothing(provider: Provider) -> None:
    browser = provider.browser()
    browser.client.set_cookie("tongban-session", "fixed-by-an-attacker")
    browser.code(Flow())
    assert browser.cookie() != "fixed-by-an-attacker"
    attacker = provider.browser()
    attacker.client.set_cookie("tongban-session", "fixed-by-an-attacker")
    assert answer_of(attacker.authorize(Flow(), prompt="none"))["error"] == "login_required"


def test_signing_in_again_makes_the_old_cookie_worthless(provider: Provider) -> None:
    browser = provider.browser()
    browser.code(Flow())
    old = browser.cookie()
    browser.finish(browser.authorize(Flow(), prompt="login"))
    assert browser.cookie() != old
    thief = provider.browser()
    thief.client.set_cookie("tongban-session", str(old))
    assert answer_of(thief.authorize(Flow(), prompt="none"))["error"] == "login_required"


def test_another_person_in_the_same_browser_ends_the_first_ones_session(provider: Provider) -> None:
    browser = provider.browser()
    tokens = browser.tokens(Flow())
    page = browser.authorize(Flow(client="own"), prompt="login")
    answer_of(browser.sign_in(page, "officer"))
    assert provider.userinfo(tokens["access_token"]).status_code == 401


def test_an_id_token_hint_of_somebody_else_is_not_answered_with_this_person(provider: Provider) -> None:
    browser = provider.browser()
    hint = browser.tokens(Flow())["id_token"]
    other = provider.browser()
    answer_of(other.finish(other.sign_in(other.authorize(Flow()), "officer")))
    assert answer_of(other.authorize(Flow(), prompt="none", id_token_hint=hint))["error"] == "login_required"


def test_staff_who_are_idle_sign_in_again_and_citizens_need_not(provider: Provider) -> None:
    citizen, officer = provider.browser(), provider.browser()
    citizen.code(Flow())
    flow = Flow(client="own", scope="openid tongban")
    tokens = officer.redeem(flow, answer_of(officer.sign_in(officer.authorize(flow), "officer"))["code"]).json
    provider.later(seconds=provider.counter.runtime.settings.staff_idle_s)
    assert answer_of(citizen.authorize(Flow(), prompt="none"))["code"]
    assert answer_of(officer.authorize(flow, prompt="none"))["error"] == "login_required"
    refused = provider.token("own", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refused.json["error"] == "invalid_grant"


def test_staff_who_work_stay_signed_in_for_the_longest_session_and_no_longer(provider: Provider) -> None:
    officer, flow = provider.browser(), Flow(client="own", scope="openid tongban")
    tokens = officer.redeem(flow, answer_of(officer.sign_in(officer.authorize(flow), "officer"))["code"]).json
    for minutes in range(9, 12 * 60, 9):
        provider.later(minutes=minutes)
        answer = provider.token("own", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        assert answer.status_code == 200, minutes
        tokens = answer.json
    provider.later(hours=12)
    refused = provider.token("own", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refused.json["error"] == "invalid_grant"


def test_a_wrong_password_is_said_the_name_is_kept_and_nothing_is_opened(provider: Provider) -> None:
    browser = provider.browser()
    page = browser.sign_in(browser.authorize(Flow()), "nobody-here", "wrong-password-1")
    assert page.status_code == 400
    assert "用户名或密码有误" in page.text
    assert "is wrong" in page.text
    assert 'value="nobody-here"' in page.text
    assert "wrong-password-1" not in page.text
    assert browser.cookie() is None


def test_a_temporary_password_opens_only_its_own_change(provider: Provider) -> None:
    set_account("officer", password_temporary=True)
    browser, flow = provider.browser(), Flow(client="own", scope="openid tongban")
    tokens = browser.redeem(flow, answer_of(browser.sign_in(browser.authorize(flow), "officer"))["code"]).json
    assert tokens["scope"] == "openid account:self"
    set_account("officer", password_temporary=False)


# Clients and tokens


@pytest.mark.parametrize(
    "changed",
    [
        {"aud": "https://other.example"},
        {"aud": None},
        {"aud": ["http://127.0.0.1:8000", "https://other.example"]},
        {"exp": 1},
        {"exp": None},
        {"exp": 2**40},
        {"jti": None},
        {"jti": "short"},
        {"iss": "shop"},
        {"sub": "shop"},
        {"nbf": 2**40},
        {"exp": float("inf")},
        {"exp": [1]},
        {"aud": [["http://127.0.0.1:8000"]]},
    ],
    ids=str,
)
def test_an_assertion_that_is_not_in_order_is_refused(provider: Provider, changed: dict[str, Any]) -> None:
    _assert_refused(provider, provider.assertion(**changed))


def _assert_refused(provider: Provider, assertion: str) -> None:
    flow = Flow(client="signs")
    browser = provider.browser()
    sent = {
        "grant_type": "authorization_code",
        "code": browser.code(flow),
        "redirect_uri": flow.redirect_uri,
        "code_verifier": flow.verifier,
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
    }
    answer = provider.app.test_client().post("/oauth2/token", data=sent)
    assert (answer.status_code, answer.json["error"]) == (401, "invalid_client")
    assert browser.redeem(flow, sent["code"]).status_code == 200, "the code is as good as before"


def test_an_assertion_is_taken_once(provider: Provider) -> None:
    assertion = provider.assertion()
    sent = {
        "client_assertion_type": "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
        "client_assertion": assertion,
        "token": "x",
    }
    first, second = (provider.app.test_client().post("/oauth2/revoke", data=sent) for _ in range(2))
    assert (first.status_code, second.status_code) == (200, 401)


def test_an_assertion_of_another_key_or_of_none_is_refused(provider: Provider) -> None:
    _assert_refused(provider, provider.assertion(ECKey.generate_key("P-256")))
    header = base64.urlsafe_b64encode(b'{"alg":"none"}').rstrip(b"=").decode()
    _assert_refused(provider, f"{header}.{provider.assertion().split('.')[1]}.")
    _assert_refused(provider, "not.a.token")
    _assert_refused(provider, "x")


def test_a_client_that_signs_may_not_show_a_secret_and_the_other_way_round(provider: Provider) -> None:
    post = provider.app.test_client().post
    assert post("/oauth2/revoke", data={"client_id": "signs", "client_secret": SECRET, "token": "x"}).status_code == 401
    assert post("/oauth2/revoke", data={"client_id": "shop", "token": "x"}).status_code == 401
    assert post("/oauth2/revoke", data={"client_id": "public", "client_secret": "x", "token": "x"}).status_code == 401
    two = {**provider.credentials("shop"), "token": "x"}
    assert post("/oauth2/revoke", data=two, auth=("shop", SECRET)).json["error"] == "invalid_request"


@pytest.mark.parametrize("how", ["alg none", "HS256 under the public key", "another key", "more scope", "an ID token"])
def test_forged_access_tokens_open_nothing(provider: Provider, how: str) -> None:
    tokens = provider.browser().tokens(Flow())
    header, middle, signature = tokens["access_token"].split(".")
    claims = payload(tokens["access_token"])
    kid = json.loads(base64.urlsafe_b64decode(header + "=="))["kid"]
    other = ECKey.generate_key("P-256")
    changed = base64.urlsafe_b64encode(json.dumps(claims | {"scope": "openid profile tongban"}).encode()).rstrip(b"=")
    none = base64.urlsafe_b64encode(b'{"alg":"none","typ":"at+jwt"}').rstrip(b"=").decode()
    hmac = base64.urlsafe_b64encode(b'{"alg":"HS256","typ":"at+jwt"}').rstrip(b"=").decode()
    forged = {
        "alg none": f"{none}.{middle}.",
        "HS256 under the public key": f"{hmac}.{middle}.{signature}",
        "another key": jwt.encode({"alg": "ES256", "kid": kid, "typ": "at+jwt"}, claims, other),
        "more scope": f"{header}.{changed.decode()}.{signature}",
        "an ID token": tokens["id_token"],
    }[how]
    assert provider.userinfo(forged).status_code == 401
    assert provider.post("/oauth2/introspect", token=forged).json == {"active": False}


def test_revocation_ends_what_came_together_and_only_for_its_client(provider: Provider) -> None:
    for token in ("access_token", "refresh_token"):
        tokens = provider.browser().tokens(Flow())
        assert provider.post("/oauth2/revoke", "other", token=tokens[token]).status_code == 200
        assert provider.userinfo(tokens["access_token"]).status_code == 200, "another client revokes nothing"
        assert provider.post("/oauth2/revoke", token=tokens[token]).status_code == 200
        assert provider.userinfo(tokens["access_token"]).status_code == 401
        refused = provider.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
        assert refused.json["error"] == "invalid_grant"


def test_introspection_tells_a_client_of_its_own_tokens_only(provider: Provider) -> None:
    tokens = provider.browser().tokens(Flow())
    said = provider.post("/oauth2/introspect", token=tokens["access_token"]).json
    assert said["active"] is True
    assert (said["client_id"], said["scope"]) == ("shop", "openid profile")
    assert said["exp"] > time.time()
    assert provider.post("/oauth2/introspect", token=tokens["refresh_token"]).json["active"] is True
    assert provider.post("/oauth2/introspect", "other", token=tokens["access_token"]).json == {"active": False}
    assert provider.post("/oauth2/introspect", "public", token=tokens["access_token"]).status_code == 401
    assert provider.app.test_client().post("/oauth2/introspect", data={"token": "x"}).status_code == 401


def test_consent_is_asked_once_can_be_denied_and_taken_back(provider: Provider) -> None:
    browser, flow = provider.browser(), Flow(client="other", scope="openid profile cases:read")
    owner = {"kind": "person", "sub": provider.account_id}
    headers = provider.counter.tokens.headers("account:self", **owner)
    provider.app.test_client().post(
        "/api/v1/account/consents/other/withdrawal", headers=headers | {"Idempotency-Key": "c0"}
    )
    page = browser.sign_in(browser.authorize(flow))
    assert "另一家" in page.text
    assert "cases:read" in page.text
    assert answer_of(browser.submit(page, decision="deny"))["error"] == "access_denied"
    assert answer_of(browser.authorize(flow, prompt="none"))["error"] == "consent_required"
    tokens = browser.tokens(flow)
    assert answer_of(browser.authorize(flow, prompt="none"))["code"], "remembered"
    wider = flow.scope + " offline_access"
    assert answer_of(browser.authorize(flow, prompt="none", scope=wider))["error"] == "consent_required"
    answer = provider.app.test_client().get("/api/v1/account/consents", headers=headers)
    mine = {(one["client_id"], one["scope"]) for one in answer.json["consents"]}
    assert {("other", "cases:read"), ("other", "profile"), ("other", "openid")} <= mine
    taken = provider.app.test_client().post(
        "/api/v1/account/consents/other/withdrawal", headers=headers | {"Idempotency-Key": "c1"}
    )
    assert taken.status_code == 200
    assert provider.userinfo(tokens["access_token"]).status_code == 401
    assert answer_of(browser.authorize(flow, prompt="none"))["error"] == "consent_required"


def test_the_challenge_is_that_of_the_rfc() -> None:
    """RFC 7636, appendix B."""
    verifier = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk"
    assert challenge_matches("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM", verifier)
    assert not challenge_matches("E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cN", verifier)
    assert not challenge_matches(verifier, verifier)
