"""The portal as a relying party: signing in, staying signed in, signing out; and a stock client beside it."""

from __future__ import annotations

from collections.abc import Callable
from urllib.parse import parse_qs, urlsplit

import pytest
import urllib3
from authlib.integrations.requests_client import OAuth2Session
from flask import Flask
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from tests.portal.browsing import at_provider, enter, faults, sign_in, submit
from tests.portal.rig import APPLICANT, SUPERVISOR, Platform, World
from tests.portal.test_accessible import NARROW, OVERFLOW

POLICE = "officer-police"
LONGEST_COOKIE = 4093
CALLBACK = "http://127.0.0.1:9/callback"


def kept(client: FlaskClient) -> dict[str, object]:
    with client.session_transaction() as cookie:
        return dict(cookie)


def age(client: FlaskClient, **changed: object) -> None:
    """As if the tokens had been there for long."""
    with client.session_transaction() as cookie:
        cookie.update({"since": 0.0, **changed})


def is_signed_in(client: FlaskClient) -> bool:
    return "退出" in client.get("/").text


@pytest.mark.parametrize("username", [APPLICANT, POLICE, SUPERVISOR, "administrator"])
def test_the_session_fits_into_half_a_cookie(client: FlaskClient, platform: Platform, username: str) -> None:
    for wanted in ("/my", "/desk", "/items?q=" + "x" * 100):
        client.get("/sign-in", query_string={"next": wanted})
    enter(client, platform, username)
    cookie = client.get_cookie("tongban")
    assert cookie is not None
    assert len(cookie.value) < LONGEST_COOKIE / 2
    assert cookie.http_only


def test_a_stranger_is_sent_to_the_provider_with_proof_state_and_nonce(client: FlaskClient, site: str) -> None:
    asked = parse_qs(urlsplit(client.get("/sign-in").location).query)
    assert client.get("/sign-in").location.startswith(f"{site}/oauth2/authorize?")
    assert asked["code_challenge_method"] == ["S256"]
    assert asked["redirect_uri"] == [f"{site}/sign-in/return"]
    assert asked["state"]
    assert asked["nonce"]


def test_a_sign_in_begun_in_another_browser_signs_nobody_in(
    client: FlaskClient, portal: Flask, platform: Platform
) -> None:
    """Login CSRF: the attacker's code in the victim's browser."""
    returned = urlsplit(at_provider(platform, client.get("/sign-in").location, SUPERVISOR))
    victim = portal.test_client()
    answer = victim.get(f"{returned.path}?{returned.query}")
    assert answer.status_code == 400
    assert not is_signed_in(victim)
    assert client.get(f"{returned.path}?{returned.query}").status_code == 303, "its own browser gets in"


@pytest.mark.parametrize("change", ["no iss", "another iss", "an error", "no code", "another state"])
def test_an_answer_that_is_not_in_order_signs_nobody_in(client: FlaskClient, platform: Platform, change: str) -> None:
    returned = urlsplit(at_provider(platform, client.get("/sign-in").location, SUPERVISOR))
    query = {name: values[0] for name, values in parse_qs(returned.query).items()}
    if change == "no iss":
        query.pop("iss")
    elif change == "another iss":
        query["iss"] = "https://evil.example"
    elif change == "another state":
        query["state"] = "x"
    else:
        query.pop("code")
        query |= {"error": "access_denied"} if change == "an error" else {}
    answer = client.get(returned.path, query_string=query)
    assert answer.status_code == 400
    assert not is_signed_in(client)


def test_tokens_are_renewed_long_before_they_run_out(client: FlaskClient, platform: Platform) -> None:
    enter(client, platform, POLICE)
    before = kept(client)
    client.get("/desk")
    assert kept(client)["token"] == before["token"], "young tokens stay"
    age(client)
    assert client.get("/sign-in/still-here").status_code == 204
    after = kept(client)
    assert after["token"] != before["token"]
    assert after["refresh"] != before["refresh"]
    assert client.get("/desk").status_code == 200


def test_a_token_that_has_run_out_is_renewed_and_nothing_is_lost(
    client: FlaskClient, platform: Platform, world: World
) -> None:
    """An officer has written for longer than the token lives."""
    enter(client, platform, POLICE)
    page = client.get(f"/desk/tasks/{world.task_id}").text
    age(client, until=1.0)
    assert 'name="csrf_token"' in page
    answer = submit(client, f"/desk/tasks/{world.task_id}", stage="check", verdict="agree", reason="reasons", key="k")
    assert answer.status_code in (200, 422), answer.headers.get("Location")
    assert is_signed_in(client)


def test_a_page_that_renews_itself_does_not_keep_anybody_signed_in(client: FlaskClient, platform: Platform) -> None:
    enter(client, platform, POLICE)
    age(client)
    before = kept(client)
    client.get("/desk/now", headers={"HX-Request": "true"})
    assert kept(client)["token"] == before["token"]


def test_two_windows_that_renew_at_once_both_stay_signed_in(
    client: FlaskClient, portal: Flask, platform: Platform
) -> None:
    enter(client, platform, POLICE)
    age(client)
    other = portal.test_client()
    cookie = client.get_cookie("tongban")
    assert cookie is not None
    other.set_cookie("tongban", cookie.value)
    assert client.get("/desk").status_code == other.get("/desk").status_code == 200
    assert kept(client)["refresh"] == kept(other)["refresh"]
    age(client)
    assert client.get("/desk").status_code == 200


def test_what_was_written_while_the_sign_in_ended_can_be_sent_once_more(
    client: FlaskClient, platform: Platform, world: World
) -> None:
    enter(client, platform, POLICE)
    address, written = f"/desk/tasks/{world.task_id}", "第一行\n<b>二</b>"
    said = {"stage": "check", "verdict": "agree", "reason": written, "key": "k"}
    client.get(address)
    token = kept(client)["csrf_token"]
    age(client, refresh="ended", until=1.0)
    signed = client.get("/").text.split('name="csrf_token" value="')[1].split('"')[0]
    answer = client.post(address, data={"csrf_token": signed, **said})
    assert answer.status_code == 401
    assert "第一行\n&lt;b&gt;二&lt;/b&gt;</textarea>" in answer.text
    waiting = answer.text.split('name="csrf_token" value="')[-1].split('"')[0]
    assert enter(client, platform, POLICE, "/sign-in/done").location == "/sign-in/done"
    assert kept(client)["csrf_token"] == token
    again = client.post(address, data={"csrf_token": waiting, **said})
    assert again.status_code == 200
    assert "&lt;b&gt;二" in again.text


def test_a_page_left_open_by_somebody_else_is_not_sent_in_the_next_ones_name(
    client: FlaskClient, platform: Platform
) -> None:
    enter(client, platform, POLICE)
    client.get("/desk")
    token = kept(client)["csrf_token"]
    enter(client, platform, SUPERVISOR)
    client.get("/supervision")
    assert kept(client)["csrf_token"] != token


def test_signing_out_ends_the_sign_in_at_the_provider_too(client: FlaskClient, platform: Platform) -> None:
    username = "officer-housing"
    enter(client, platform, username)
    earlier = kept(client)
    leaving = _sign_out(client)
    assert leaving.startswith(f"{platform.base_url}/oauth2/logout?")
    assert not is_signed_in(client)
    back = _follow(platform, leaving, username)
    assert back == f"{platform.base_url}/"
    with client.session_transaction() as cookie:
        cookie.update(earlier | {"since": 0.0})
    assert not is_signed_in(client), "a stolen cookie is renewed no more"


def _sign_out(client: FlaskClient) -> str:
    token = client.get("/").text.split('name="csrf_token" value="')[1].split('"')[0]
    return str(client.post("/sign-out", data={"csrf_token": token}).location)


def _follow(platform: Platform, address: str, username: str) -> str:
    cookies = {"Cookie": platform.at_provider[username]}
    answer = urllib3.PoolManager().request("GET", address, headers=cookies, redirect=False)
    return str(answer.headers["Location"])


@pytest.mark.parametrize("size", ["phone", "desktop"])
def test_signing_in_needs_no_script_and_the_page_is_accessible(
    size: str, page_at: Callable[..., Page], platform: Platform
) -> None:
    page = page_at(size)
    page.goto("/sign-in?next=/licences")
    assert faults(page) == []
    page.set_viewport_size({"width": NARROW, "height": 800})
    assert page.evaluate(OVERFLOW) == []
    plain = page_at(size, javascript=False)
    plain.goto("/sign-in?next=/licences")
    expect(plain.get_by_role("heading", level=1)).to_contain_text("Sign in")
    plain.get_by_label("用户名").fill(APPLICANT)
    plain.get_by_label("Password").fill("not-the-password")
    plain.get_by_role("main").get_by_role("button", name="登录").click()
    expect(plain.get_by_role("alert")).to_contain_text("用户名或密码有误")
    plain.get_by_label("Password").fill(platform.passwords[APPLICANT])
    plain.get_by_role("main").get_by_role("button", name="登录").click()
    plain.wait_for_url("**/licences")
    plain.get_by_role("button", name="退出").click()
    expect(plain.get_by_role("link", name="登录")).to_be_visible()
    plain.goto("/licences")
    expect(plain.get_by_label("用户名")).to_be_visible()


def test_a_page_shows_who_has_signed_in(page_at: Callable[..., Page], platform: Platform) -> None:
    page = page_at("desktop")
    sign_in(page, platform, SUPERVISOR)
    expect(page.get_by_text("郑监督")).to_be_visible()


def test_a_stock_client_signs_in_without_special_code(platform: Platform, site: str) -> None:
    """Authlib's client on requests, told nothing but the issuer, its id and its secret."""
    secret = "a-long-random-secret-of-a-client"
    party = {
        "client_id": "stock-client",
        "name": "第三方应用",
        "name_en": "Third party",
        "authentication": "client_secret",
        "client_secret": secret,
        "redirect_uris": [CALLBACK],
        "scope": ["cases:read"],
    }
    platform.caller("security").post("/api/v1/relying-parties", party)
    session = OAuth2Session(
        "stock-client",
        secret,
        scope="openid profile cases:read",
        redirect_uri=CALLBACK,
        code_challenge_method="S256",
        token_endpoint_auth_method="client_secret_basic",
    )
    known = session.get(f"{site}/.well-known/openid-configuration", withhold_token=True).json()
    assert known["issuer"] == site
    verifier = "v" * 64
    address, state = session.create_authorization_url(
        known["authorization_endpoint"], code_verifier=verifier, nonce="n"
    )
    returned = at_provider(platform, address, APPLICANT)
    token = session.fetch_token(
        known["token_endpoint"], authorization_response=returned, state=state, code_verifier=verifier
    )
    assert token["scope"] == "openid profile cases:read"
    assert session.get(known["userinfo_endpoint"]).json()["name"]
    assert session.get(f"{site}/api/v1/cases").status_code == 200
    assert session.get(f"{site}/api/v1/licences").status_code in (403, 404)
    renewed = session.refresh_token(known["token_endpoint"])
    assert renewed["access_token"] != token["access_token"]
    said = session.introspect_token(known["introspection_endpoint"], token=renewed["access_token"]).json()
    assert said["active"] is True
    assert session.revoke_token(known["revocation_endpoint"], token=renewed["refresh_token"]).status_code == 200
    assert session.get(known["userinfo_endpoint"]).status_code == 401
