"""Second factors at the provider's sign-in page, what the tokens say then, and sessions that their owner ends."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pyotp
import pytest

from services.identity import queries
from services.identity.adapters.passkey_ceremonies import Site
from services.identity.api.desk import DESK
from services.identity.domain.delay import FREE_FAILURES
from services.identity.domain.factors import ONE_FACTOR, TWO_FACTORS, TWO_FACTORS_ONE_CRYPTOGRAPHIC
from services.identity.models import db
from services.identity.use_cases.enrol_totp import begin_totp, confirm_totp
from services.identity.use_cases.passkeys import Ceremonies, begin_registration, finish_registration
from services.identity.use_cases.recovery_codes import make_recovery_codes
from services.identity.use_cases.second_factor import verify_totp
from tests.services.identity.authenticator import Authenticator
from tests.services.identity.conftest import PASSWORD
from tests.services.identity.oidc import FIELD, Browser, Flow, Provider, answer_of, machine_now, payload, start_provider
from tests.services.identity.test_second_factor import Owner

SITE = Site("tongban.example", "https://tongban.example")
WORK = "tasks:answer"


@pytest.fixture
def provider(tmp_path: Path) -> Provider:
    started = start_provider(tmp_path, staff_second_factor="required")
    desk = started.counter.desk
    started.counter.runtime.parts[DESK] = replace(desk, door=replace(desk.door, site=SITE))
    return started


class Officer(Owner):
    """The officer of the provider's world, with an app and recovery codes."""

    def __init__(self, provider: Provider) -> None:
        account = queries.find_account("officer")
        assert account is not None
        self.vault, self.account_id, self.username = provider.vault, account.account_id, "officer"
        self.now = machine_now()

    def with_app(self) -> pyotp.TOTP:
        with db.transaction() as tx:
            totp = pyotp.TOTP(begin_totp(tx, self.vault, self.account_id).reveal())
        early = self.now.timestamp() - 60
        attempt = replace(self.attempt(), now=self.now)
        earlier = replace(attempt, now=attempt.now.fromtimestamp(early, attempt.now.tzinfo))
        confirm_totp(self.vault, self.account_id, totp.at(int(early)), earlier)
        return totp

    def codes(self) -> list[str]:
        with db.transaction() as tx:
            return make_recovery_codes(tx, self.vault, self.account_id, self.now)

    def with_passkey(self) -> Authenticator:
        ceremonies, key = Ceremonies(self.vault, SITE, "enrolment", self.now), Authenticator(SITE.origin)
        credential = key.create(begin_registration(ceremonies, self.account_id))
        with db.transaction() as tx:
            finish_registration(tx, ceremonies, self.account_id, credential, "办公电脑")
        return key


FLOW = {"client": "own", "scope": "openid tongban"}


def work(browser: Browser, answer: Any, flow: Flow) -> dict[str, Any]:
    """What the access token says at the end of the flow."""
    tokens = browser.redeem(flow, answer_of(answer)["code"]).json
    return payload(tokens["access_token"]) | {"refresh_token": tokens["refresh_token"]}


def test_staff_without_a_second_factor_get_as_far_as_setting_one_up(provider: Provider) -> None:
    browser, flow = provider.browser(), Flow(**FLOW)
    said = work(browser, browser.sign_in(browser.authorize(flow), "officer"), flow)
    assert (said["amr"], said["acr"]) == (["pwd"], ONE_FACTOR)
    assert WORK not in said["scope"].split()
    assert "account:self" in said["scope"].split()


def test_a_code_after_the_password_lets_staff_work(provider: Provider) -> None:
    officer, browser, flow = Officer(provider), provider.browser(), Flow(**FLOW)
    totp = officer.with_app()
    page = browser.sign_in(browser.authorize(flow), "officer")
    assert page.status_code == 200, "the password alone gives no code"
    said = work(browser, browser.submit(page, code=totp.now()), flow)
    assert (said["amr"], said["acr"]) == (["pwd", "otp", "mfa"], TWO_FACTORS_ONE_CRYPTOGRAPHIC)
    assert WORK in said["scope"].split()


def test_a_recovery_code_lets_staff_set_up_another_factor_and_no_more(provider: Provider) -> None:
    officer, browser, flow = Officer(provider), provider.browser(), Flow(**FLOW)
    officer.with_app()
    [code, *_] = officer.codes()
    said = work(browser, browser.submit(browser.sign_in(browser.authorize(flow), "officer"), code=code), flow)
    assert said["acr"] == TWO_FACTORS
    assert WORK not in said["scope"].split()
    assert "account:self" in said["scope"].split()
    other = provider.browser()
    page = other.submit(other.sign_in(other.authorize(Flow(**FLOW)), "officer"), code=code)
    assert page.status_code == 400, "it was used"


def test_wrong_codes_at_the_page_grow_into_a_delay(provider: Provider) -> None:
    officer, browser = Officer(provider), provider.browser()
    totp = officer.with_app()
    page = browser.sign_in(browser.authorize(Flow(**FLOW)), "officer")
    for _ in range(FREE_FAILURES + 1):
        page = browser.submit(page, code="0000000")
        assert page.status_code == 400
    assert browser.submit(page, code=totp.now()).status_code == 429
    assert browser.cookie() is None
    assert provider.counter.sign_in("officer").json["code"] == "too_many_attempts"


def passkey_sign_in(browser: Browser, page: Any, key: Authenticator) -> Any:
    import json

    token = FIELD.search(page.text)
    assert token
    options = browser.client.post("/oauth2/passkey/options", data={"form_token": token[1]})
    assert options.status_code == 200, options.text
    credential = json.dumps(key.get(options.json))
    return browser.client.post("/oauth2/passkey", data={"form_token": token[1], "credential": credential})


def test_a_passkey_alone_lets_staff_work_without_name_or_password(provider: Provider) -> None:
    key, browser, flow = Officer(provider).with_passkey(), provider.browser(), Flow(**FLOW)
    said = work(browser, passkey_sign_in(browser, browser.authorize(flow), key), flow)
    assert (said["amr"], said["acr"]) == (["pop", "user", "mfa"], TWO_FACTORS_ONE_CRYPTOGRAPHIC)
    assert WORK in said["scope"].split()


def test_a_challenge_asked_for_in_one_browser_is_no_use_in_another(provider: Provider) -> None:
    import json

    key, browser, thief = Officer(provider).with_passkey(), provider.browser(), provider.browser()
    page, other = browser.authorize(Flow(**FLOW)), thief.authorize(Flow(**FLOW))
    token, thiefs = FIELD.search(page.text), FIELD.search(other.text)
    assert token
    assert thiefs
    options = browser.client.post("/oauth2/passkey/options", data={"form_token": token[1]}).json
    stolen = {"form_token": thiefs[1], "credential": json.dumps(key.get(options))}
    assert thief.client.post("/oauth2/passkey", data=stolen).status_code != 303
    assert thief.cookie() is None


@pytest.mark.parametrize("how", ["one", "others", "password"])
def test_the_refresh_tokens_of_a_session_that_its_owner_ended_are_dead(provider: Provider, how: str) -> None:
    officer = Officer(provider)
    key = officer.with_passkey()
    flows = [Flow(**FLOW), Flow(**FLOW)]
    browsers = [provider.browser() for _ in flows]
    here, there = (
        work(browser, passkey_sign_in(browser, browser.authorize(flow), key), flow)
        for browser, flow in zip(browsers, flows, strict=True)
    )
    headers = provider.counter.tokens.headers(
        "account:self", sub=officer.account_id, kind="officer", sid=here["sid"]
    ) | {"Idempotency-Key": "end"}
    what, body = {
        "one": (f"sessions/{there['sid']}/end", {}),
        "others": ("sessions/end-others", {}),
        "password": ("password", {"old": PASSWORD, "new": "Gr8!lake-Under7"}),
    }[how]
    ended = provider.counter.client.post(f"/api/v1/account/{what}", json=body, headers=headers)
    assert ended.status_code in (200, 204), ended.json
    dead = provider.token("own", grant_type="refresh_token", refresh_token=there["refresh_token"])
    assert dead.json["error"] == "invalid_grant"
    alive = provider.token("own", grant_type="refresh_token", refresh_token=here["refresh_token"])
    assert alive.status_code == 200, alive.json
    assert answer_of(browsers[1].authorize(Flow(**FLOW), prompt="none"))["error"] == "login_required"


def test_the_app_is_not_asked_twice_with_one_code_in_two_browsers(provider: Provider) -> None:
    officer, first, second = Officer(provider), provider.browser(), provider.browser()
    code = officer.with_app().now()
    pages = [one.sign_in(one.authorize(Flow(**FLOW)), "officer") for one in (first, second)]
    assert first.submit(pages[0], code=code).status_code == 303
    assert second.submit(pages[1], code=code).status_code == 400
    assert second.cookie() is None
    assert not verify_totp(officer.vault, officer.account_id, code, machine_now())
