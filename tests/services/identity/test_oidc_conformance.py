"""The OpenID Basic OP profile: the modules of the conformance suite's oidcc-basic-certification-test-plan, each as a test.

A module's name is the test's. PKCE (S256) is added throughout, since this provider demands it of every client.
"""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from services.identity.domain.oauth import left_half_hash
from tests.services.identity.conftest import PASSWORD
from tests.services.identity.oidc import (
    AFTERWARDS,
    ID_TOKEN_CLAIMS,
    ISSUER,
    RETURN_WITH_QUERY,
    SECRET,
    Flow,
    Provider,
    answer_of,
    payload,
    start_provider,
)


@pytest.fixture(scope="module")
def started(tmp_path_factory: pytest.TempPathFactory) -> Provider:
    return start_provider(tmp_path_factory.mktemp("provider"))


@pytest.fixture
def provider(started: Provider) -> Iterator[Provider]:
    yield started
    started.later()


def test_oidcc_discovery_endpoint_verification(provider: Provider) -> None:
    document = provider.document()
    assert document["issuer"] == ISSUER
    for name in ("authorization", "token", "userinfo", "end_session", "revocation", "introspection"):
        assert document[f"{name}_endpoint"].startswith(f"{ISSUER}/oauth2/")
    assert document["response_types_supported"] == ["code"]
    assert document["code_challenge_methods_supported"] == ["S256"]
    assert set(document["subject_types_supported"]) == {"public", "pairwise"}
    assert document["authorization_response_iss_parameter_supported"] is True
    [key] = provider.app.test_client().get(document["jwks_uri"].removeprefix(ISSUER)).json["keys"]
    assert key["kid"]
    assert key["use"] == "sig"
    assert "d" not in key


def test_oidcc_server(provider: Provider) -> None:
    browser, flow = provider.browser(), Flow()
    answer = answer_of(browser.finish(browser.authorize(flow)))
    assert answer.keys() == {"code", "state", "iss"}
    assert (answer["state"], answer["iss"]) == (flow.state, ISSUER)
    response = browser.redeem(flow, answer["code"])
    assert response.headers["Cache-Control"] == "no-store"
    tokens = response.json
    assert tokens["token_type"] == "Bearer"
    claims = provider.id_token(tokens["id_token"])
    assert claims.keys() == ID_TOKEN_CLAIMS | {"nonce"}
    assert (claims["iss"], claims["aud"], claims["nonce"]) == (ISSUER, "shop", flow.nonce)
    assert claims["iat"] <= claims["exp"]
    assert claims["at_hash"] == left_half_hash(tokens["access_token"])
    assert claims["amr"] == ["pwd"]


def test_oidcc_response_type_missing(provider: Provider) -> None:
    flow = Flow()
    answer = answer_of(provider.browser().authorize(flow, response_type=None))
    assert (answer["error"], answer["state"], answer["iss"]) == ("invalid_request", flow.state, ISSUER)


def test_oidcc_userinfo_get(provider: Provider) -> None:
    tokens = provider.browser().tokens(Flow())
    answer = provider.userinfo(tokens["access_token"])
    assert answer.status_code == 200
    assert answer.json["sub"] == provider.id_token(tokens["id_token"])["sub"]


def test_oidcc_userinfo_post_header(provider: Provider) -> None:
    tokens = provider.browser().tokens(Flow())
    headers = {"Authorization": f"Bearer {tokens['access_token']}"}
    answer = provider.app.test_client().post("/oauth2/userinfo", headers=headers)
    assert answer.json["sub"] == provider.id_token(tokens["id_token"])["sub"]


def test_oidcc_userinfo_post_body(provider: Provider) -> None:
    tokens = provider.browser().tokens(Flow())
    answer = provider.app.test_client().post("/oauth2/userinfo", data={"access_token": tokens["access_token"]})
    assert answer.json["sub"] == provider.id_token(tokens["id_token"])["sub"]


def test_oidcc_ensure_request_without_nonce_succeeds_for_code_flow(provider: Provider) -> None:
    tokens = provider.browser().tokens(Flow(nonce=None))
    assert "nonce" not in provider.id_token(tokens["id_token"])


def test_oidcc_scope_profile(provider: Provider) -> None:
    tokens = provider.browser().tokens(Flow(scope="openid profile"))
    assert provider.userinfo(tokens["access_token"]).json["name"] == "林晓芸"
    assert tokens["scope"] == "openid profile"


@pytest.mark.parametrize("scope", ["email", "address", "phone", "all"])
def test_oidcc_scopes_that_are_not_offered_are_left_out(provider: Provider, scope: str) -> None:
    """oidcc-scope-email, -address, -phone and -all: the provider knows no such claims and says so by the granted scope."""
    wanted = "openid profile email address phone" if scope == "all" else f"openid {scope}"
    tokens = provider.browser().tokens(Flow(scope=wanted))
    assert tokens["scope"] == ("openid profile" if scope == "all" else "openid")
    assert provider.userinfo(tokens["access_token"]).json.keys() <= {"sub", "name"}


@pytest.mark.parametrize("display", ["page", "popup", "touch", "wap"])
def test_oidcc_display(provider: Provider, display: str) -> None:
    assert provider.browser().tokens(Flow(), display=display)["id_token"]


def test_oidcc_prompt_login(provider: Provider) -> None:
    browser, first, second = provider.browser(), Flow(), Flow()
    before = provider.id_token(browser.tokens(first)["id_token"])
    provider.later(seconds=3)
    page = browser.authorize(second, prompt="login")
    assert 'name="password"' in page.text
    after = provider.id_token(browser.redeem(second, answer_of(browser.finish(page))["code"]).json["id_token"])
    assert after["auth_time"] > before["auth_time"]
    assert after["sub"] == before["sub"]


def test_oidcc_prompt_none_not_logged_in(provider: Provider) -> None:
    answer = answer_of(provider.browser().authorize(Flow(), prompt="none"))
    assert answer["error"] == "login_required"


def test_oidcc_prompt_none_logged_in(provider: Provider) -> None:
    browser, flow = provider.browser(), Flow()
    before = provider.id_token(browser.tokens(Flow())["id_token"])
    code = answer_of(browser.authorize(flow, prompt="none"))["code"]
    after = provider.id_token(browser.redeem(flow, code).json["id_token"])
    assert (after["sub"], after["auth_time"]) == (before["sub"], before["auth_time"])


def test_oidcc_max_age_1(provider: Provider) -> None:
    browser = provider.browser()
    before = provider.id_token(browser.tokens(Flow(), max_age="1")["id_token"])
    provider.later(seconds=3)
    flow = Flow()
    page = browser.authorize(flow, max_age="1")
    assert 'name="password"' in page.text
    after = provider.id_token(browser.redeem(flow, answer_of(browser.finish(page))["code"]).json["id_token"])
    assert after["auth_time"] > before["auth_time"]


def test_oidcc_max_age_10000(provider: Provider) -> None:
    browser, flow = provider.browser(), Flow()
    before = provider.id_token(browser.tokens(Flow(), max_age="10000")["id_token"])
    code = answer_of(browser.authorize(flow, max_age="10000"))["code"]
    assert provider.id_token(browser.redeem(flow, code).json["id_token"])["auth_time"] == before["auth_time"]


def test_oidcc_ensure_request_with_unknown_parameter_succeeds(provider: Provider) -> None:
    assert provider.browser().tokens(Flow(), extra="foobar")["access_token"]


def test_oidcc_id_token_hint(provider: Provider) -> None:
    browser = provider.browser()
    hint = browser.tokens(Flow())["id_token"]
    assert answer_of(browser.authorize(Flow(), prompt="none", id_token_hint=hint))["code"]


def test_oidcc_login_hint(provider: Provider) -> None:
    page = provider.browser().authorize(Flow(), login_hint="parent")
    assert 'value="parent"' in page.text


@pytest.mark.parametrize("locales", ["zh-CN", "en", "se", "zh-Hans en"])
def test_oidcc_ui_locales(provider: Provider, locales: str) -> None:
    browser, flow = provider.browser(), Flow()
    page = browser.authorize(flow, ui_locales=locales)
    assert "登录" in page.text
    assert "Sign in" in page.text
    assert answer_of(browser.finish(page))["code"]


def test_oidcc_claims_locales(provider: Provider) -> None:
    assert provider.browser().tokens(Flow(), claims_locales="se")["id_token"]


def test_oidcc_ensure_request_with_acr_values_succeeds(provider: Provider) -> None:
    tokens = provider.browser().tokens(Flow(), acr_values="urn:tongban:acr:1 urn:tongban:acr:3")
    assert provider.id_token(tokens["id_token"])["acr"] == "urn:tongban:acr:1"


def test_oidcc_codereuse(provider: Provider) -> None:
    browser, flow = provider.browser(), Flow()
    code = browser.code(flow)
    assert browser.redeem(flow, code).status_code == 200
    again = browser.redeem(flow, code)
    assert (again.status_code, again.json["error"]) == (400, "invalid_grant")


def test_oidcc_codereuse_30seconds(provider: Provider) -> None:
    """And what the first use got is worth nothing any more."""
    browser, flow = provider.browser(), Flow()
    code = browser.code(flow)
    tokens = browser.redeem(flow, code).json
    provider.later(seconds=30)
    assert browser.redeem(flow, code).json["error"] == "invalid_grant"
    assert provider.userinfo(tokens["access_token"]).status_code == 401
    refused = provider.token(grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refused.json["error"] == "invalid_grant"


def test_oidcc_a_code_is_good_for_a_minute(provider: Provider) -> None:
    browser, flow = provider.browser(), Flow()
    code = browser.code(flow)
    provider.later(seconds=61)
    assert browser.redeem(flow, code).json["error"] == "invalid_grant"


@pytest.mark.parametrize(
    "address", ["https://shop.example/other", "https://shop.example/return/", "https://evil.example/return", None]
)
def test_oidcc_ensure_registered_redirect_uri(provider: Provider, address: str | None) -> None:
    answer = provider.browser().authorize(Flow(), redirect_uri=address)
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert "redirect_uri_unknown" in answer.text


@pytest.mark.parametrize("method", ["get", "post"])
def test_oidcc_ensure_post_request_succeeds(provider: Provider, method: str) -> None:
    browser, flow = provider.browser(), Flow()
    page = (
        browser.client.post("/oauth2/authorize", data=flow.parameters())
        if method == "post"
        else browser.authorize(flow)
    )
    assert answer_of(browser.finish(page))["state"] == flow.state


def test_oidcc_server_client_secret_post(provider: Provider) -> None:
    browser, flow = provider.browser(), Flow()
    fields = {"grant_type": "authorization_code", "code": browser.code(flow), "redirect_uri": flow.redirect_uri}
    sent = fields | {"code_verifier": flow.verifier, "client_id": "shop", "client_secret": SECRET}
    assert provider.app.test_client().post("/oauth2/token", data=sent).status_code == 200


def test_oidcc_server_client_secret_basic(provider: Provider) -> None:
    browser, flow = provider.browser(), Flow()
    fields = {"grant_type": "authorization_code", "code": browser.code(flow), "redirect_uri": flow.redirect_uri}
    sent = fields | {"code_verifier": flow.verifier}
    assert provider.app.test_client().post("/oauth2/token", data=sent, auth=("shop", SECRET)).status_code == 200


@pytest.mark.parametrize(
    ("parameter", "error"),
    [
        ("request", "request_not_supported"),
        ("request_uri", "request_uri_not_supported"),
        ("registration", "registration_not_supported"),
    ],
)
def test_oidcc_unsigned_request_object_and_registration_are_refused(
    provider: Provider, parameter: str, error: str
) -> None:
    answer = answer_of(provider.browser().authorize(Flow(), **{parameter: "eyJhbGciOiJub25lIn0.e30."}))
    assert answer["error"] == error


def test_oidcc_ensure_request_object_with_redirect_uri_is_never_followed(provider: Provider) -> None:
    evil = "eyJhbGciOiJub25lIn0.eyJyZWRpcmVjdF91cmkiOiJodHRwczovL2V2aWwuZXhhbXBsZSJ9."
    response = provider.browser().authorize(Flow(), request=evil)
    assert response.location.startswith("https://shop.example/return?")


def test_oidcc_claims_essential(provider: Provider) -> None:
    """The parameter is not supported, which the configuration says; it is left aside."""
    assert provider.document()["claims_parameter_supported"] is False
    tokens = provider.browser().tokens(Flow(), claims='{"userinfo":{"name":{"essential":true}}}')
    assert provider.userinfo(tokens["access_token"]).status_code == 200


@pytest.mark.parametrize("wanted", [None, "https://shop.example/return?kept=1"])
def test_oidcc_redirect_uri_in_the_token_request_is_the_one_of_the_authorization(
    provider: Provider, wanted: str | None
) -> None:
    browser, flow = provider.browser(), Flow()
    answer = browser.redeem(flow, browser.code(flow), redirect_uri=wanted)
    assert answer.status_code == 400
    assert answer.json["error"] == ("invalid_request" if wanted is None else "invalid_grant")


def test_oidcc_redirect_uri_query_ok(provider: Provider) -> None:
    browser, flow = provider.browser(), Flow(redirect_uri=RETURN_WITH_QUERY)
    answer = answer_of(browser.finish(browser.authorize(flow)))
    assert answer["kept"] == "1"
    assert browser.redeem(flow, answer["code"]).status_code == 200


@pytest.mark.parametrize("address", [f"{RETURN_WITH_QUERY}&more=2", "https://shop.example/return?kept=2"])
def test_oidcc_redirect_uri_query_mismatch_and_added(provider: Provider, address: str) -> None:
    assert provider.browser().authorize(Flow(), redirect_uri=address).status_code == 400


def test_oidcc_refresh_token(provider: Provider) -> None:
    browser, flow = provider.browser(), Flow()
    first = browser.tokens(flow)
    second = provider.token(grant_type="refresh_token", refresh_token=first["refresh_token"]).json
    assert second["access_token"] != first["access_token"]
    assert second["refresh_token"] != first["refresh_token"]
    before, after = provider.id_token(first["id_token"]), provider.id_token(second["id_token"])
    same = ("iss", "sub", "aud", "auth_time", "sid")
    assert [after[name] for name in same] == [before[name] for name in same]
    assert provider.userinfo(second["access_token"]).json["sub"] == before["sub"]


def test_oidcc_refresh_token_of_another_client_is_refused(provider: Provider) -> None:
    tokens = provider.browser().tokens(Flow())
    refused = provider.token("other", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert refused.json["error"] == "invalid_grant"
    kept = provider.token("shop", grant_type="refresh_token", refresh_token=tokens["refresh_token"])
    assert kept.status_code == 200


def test_oidcc_userinfo_without_a_token_is_refused(provider: Provider) -> None:
    answer = provider.app.test_client().get("/oauth2/userinfo")
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Bearer")


def test_oidcc_rp_initiated_logout(provider: Provider) -> None:
    browser = provider.browser()
    tokens = browser.tokens(Flow())
    asked = {"id_token_hint": tokens["id_token"], "post_logout_redirect_uri": AFTERWARDS, "state": "bye"}
    answer = browser.client.get("/oauth2/logout", query_string=asked)
    assert answer.location == f"{AFTERWARDS}?state=bye"
    assert answer_of(browser.authorize(Flow(), prompt="none"))["error"] == "login_required"
    assert provider.userinfo(tokens["access_token"]).status_code == 401


def test_oidcc_rp_initiated_logout_without_hint_asks_first(provider: Provider) -> None:
    browser = provider.browser()
    browser.tokens(Flow())
    asked = {"client_id": "shop", "post_logout_redirect_uri": AFTERWARDS}
    page = browser.client.get("/oauth2/logout", query_string=asked)
    assert page.status_code == 200
    assert answer_of(browser.authorize(Flow(), prompt="none"))["code"], "nothing ended yet"
    assert browser.submit(page).location == AFTERWARDS
    assert answer_of(browser.authorize(Flow(), prompt="none"))["error"] == "login_required"


@pytest.mark.parametrize(
    "asked",
    [
        {"post_logout_redirect_uri": AFTERWARDS},
        {"client_id": "shop", "post_logout_redirect_uri": "https://evil.example/"},
        {"client_id": "shop", "post_logout_redirect_uri": f"{AFTERWARDS}/"},
        {"client_id": "nobody", "post_logout_redirect_uri": AFTERWARDS},
        {"id_token_hint": "x.y.z", "post_logout_redirect_uri": AFTERWARDS},
    ],
)
def test_oidcc_rp_initiated_logout_bad_post_logout_redirect_uri(provider: Provider, asked: dict[str, str]) -> None:
    browser = provider.browser()
    browser.tokens(Flow())
    answer = browser.client.get("/oauth2/logout", query_string=asked)
    assert answer.status_code == 400
    assert "Location" not in answer.headers
    assert answer_of(browser.authorize(Flow(), prompt="none"))["code"], "nothing ended"


def test_oidcc_third_parties_know_people_by_pairwise_subjects(provider: Provider) -> None:
    browser = provider.browser()
    subjects = {
        client: provider.id_token(browser.tokens(Flow(client=client))["id_token"])["sub"]
        for client in ("shop", "other", "own")
    }
    assert len(set(subjects.values())) == 3
    assert subjects["own"] == provider.account_id
    tokens = browser.tokens(Flow())
    assert payload(tokens["access_token"])["sub"] == subjects["shop"]
    assert "aud" not in payload(tokens["access_token"]), "good for userinfo, for no API"
    assert PASSWORD not in str(tokens)
