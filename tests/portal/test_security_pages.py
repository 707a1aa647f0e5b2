"""安全设置 in a browser: an app, a passkey, recovery codes, sessions; and the password, also without JavaScript."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pyotp
from flask.testing import FlaskClient
from playwright.sync_api import Page, expect

from tests.portal.browsing import enter, enter_account, faults, sign_in, submit
from tests.portal.rig import Platform

Pages = Callable[..., Page]
TOTP, PASSKEY, PASSWORD = "officer-natural_resources", "officer-market_regulation", "officer-human_resources"
NEW = "Gr8!lake-Under7"


@contextmanager
def authenticator(page: Page) -> Iterator[Any]:
    """Chromium's own virtual authenticator, with a person at hand whom it recognises."""
    session = page.context.new_cdp_session(page)
    session.send("WebAuthn.enable")
    options = {
        "protocol": "ctap2",
        "transport": "internal",
        "hasResidentKey": True,
        "hasUserVerification": True,
        "isUserVerified": True,
        "automaticPresenceSimulation": True,
    }
    added = session.send("WebAuthn.addVirtualAuthenticator", {"options": options})
    yield lambda: session.send("WebAuthn.getCredentials", {"authenticatorId": added["authenticatorId"]})["credentials"]
    session.send("WebAuthn.disable")


def done(page: Page, sentence: str) -> None:
    expect(page.get_by_role("status")).to_contain_text(sentence)


def give_password(page: Page, platform: Platform, username: str, button: str) -> None:
    page.get_by_label("您的密码").fill(platform.passwords[username])
    page.get_by_role("main").get_by_role("button", name=button).click()


def test_a_passkey_is_registered_renamed_used_to_sign_in_and_removed(page_at: Pages, platform: Platform) -> None:
    page = page_at("phone")
    sign_in(page, platform, PASSKEY)
    page.get_by_role("link", name="安全设置").click()
    with authenticator(page) as credentials:
        page.get_by_role("link", name="登记通行密钥").click()
        page.get_by_label("名称").fill("办公电脑")
        give_password(page, platform, PASSKEY, "下一步")
        assert faults(page) == []
        page.get_by_role("button", name="用此设备登记").click()
        done(page, "通行密钥已登记")
        [credential] = credentials()
        assert (credential["rpId"], credential["isResidentCredential"]) == ("localhost", True)
        page.get_by_role("link", name="办公电脑").click()
        assert faults(page) == []
        page.get_by_label("名称").fill("新电脑")
        page.get_by_role("button", name="保存").click()
        done(page, "通行密钥已重命名")
        page.get_by_role("button", name="退出").click()
        page.goto("/sign-in")
        page.get_by_role("button", name="通行密钥").click()
        page.get_by_role("button", name="退出").wait_for()
        [used] = credentials()
        assert used["signCount"] > credential["signCount"]
        page.goto("/security")
        page.get_by_role("link", name="新电脑").click()
        give_password(page, platform, PASSKEY, "移除此通行密钥")
        done(page, "通行密钥已移除")
    expect(page.get_by_role("link", name="新电脑")).to_have_count(0)


def test_an_app_is_set_up_without_javascript_asked_for_at_the_next_sign_in_and_removed(
    page_at: Pages, platform: Platform
) -> None:
    page = page_at("phone", javascript=False)
    sign_in(page, platform, TOTP)
    page.goto("/security")
    page.get_by_role("link", name="设置动态口令").click()
    give_password(page, platform, TOTP, "下一步")
    expect(page.get_by_role("img", name="动态口令的二维码")).to_be_visible()
    totp = pyotp.TOTP(page.locator("code").inner_text())
    page.get_by_label("应用显示的六位数字").fill("000000" if totp.now() != "000000" else "111111")
    page.get_by_role("button", name="启用").click()
    expect(page.get_by_role("alert")).to_contain_text("验证码有误")
    page.get_by_label("应用显示的六位数字").fill(totp.now())
    page.get_by_role("button", name="启用").click()
    done(page, "动态口令已启用")
    page.get_by_role("link", name="生成新的恢复码").click()
    give_password(page, platform, TOTP, "生成新的恢复码")
    codes = page.locator("main li code").all_inner_texts()
    assert len(set(codes)) == 10
    page.get_by_role("button", name="退出").click()
    page.goto("/sign-in")
    page.get_by_label("用户名").fill(TOTP)
    page.get_by_label("密码").fill(platform.passwords[TOTP])
    page.get_by_role("main").get_by_role("button", name="登录 Sign in", exact=True).click()
    page.get_by_label("验证码").fill(codes[0])
    page.get_by_role("main").get_by_role("button").first.click()
    page.get_by_role("button", name="退出").wait_for()
    page.goto("/security")
    expect(page.get_by_text("剩余 9 个")).to_be_visible()
    page.get_by_role("link", name="移除动态口令").click()
    give_password(page, platform, TOTP, "移除动态口令")
    done(page, "动态口令已移除")


def test_sessions_elsewhere_are_seen_and_ended(page_at: Pages, platform: Platform) -> None:
    here, elsewhere = page_at("desktop"), page_at("phone")
    for page in (here, elsewhere):
        sign_in(page, platform, PASSKEY)
    here.goto("/security")
    expect(here.get_by_text("当前会话")).to_have_count(1)
    here.get_by_role("button", name="结束所有其他会话").click()
    done(here, "其他会话已结束")
    expect(here.get_by_role("button", name="结束此会话")).to_have_count(0)
    here.get_by_role("button", name="退出").wait_for()
    elsewhere.context.clear_cookies(name="tongban")  # what is left is the session at the provider
    elsewhere.goto("/sign-in")
    enter_account(elsewhere, platform, PASSKEY)


def test_the_password_is_changed_by_its_rules_and_each_breach_is_said(client: FlaskClient, platform: Platform) -> None:
    enter(client, platform, PASSWORD)
    old = platform.passwords[PASSWORD]

    def change(**given: str) -> Any:
        return submit(client, "/security/password", **({"password": old, "new": NEW, "again": NEW} | given))

    for given, said in (
        ({"new": ""}, "请填写此项"),
        ({"again": NEW + "x"}, "两次输入的新密码不一致"),
        ({"password": old + "x"}, "密码有误"),
        ({"new": "short", "again": "short"}, "太短、字符种类太少"),
    ):
        refused = change(**given)
        assert refused.status_code == 422
        assert said in refused.get_data(as_text=True)
        assert NEW not in refused.get_data(as_text=True)
    assert change().status_code == 303
    platform.passwords[PASSWORD] = NEW
    assert "密码已修改" in client.get("/security").get_data(as_text=True)
    assert "密码已修改" not in client.get("/security").get_data(as_text=True), "it is said once"
    assert change().status_code == 422


def test_whoever_has_a_password_for_once_changes_it_before_anything_else(
    client: FlaskClient, platform: Platform
) -> None:
    username, first = "supervisor-fresh", "given-by-administrator"
    body = {"username": username, "password": first, "kind": "supervisor", "name": "郑新人"}
    platform.caller("security").post("/api/v1/accounts", body)
    platform.passwords[username] = first
    assert enter(client, platform, username, "/supervision").location == "/security"
    assert "请先修改密码" in client.get("/security").get_data(as_text=True)
    assert client.get("/supervision").status_code == 403
    changed = submit(client, "/security/password", password=first, new=NEW, again=NEW)
    assert changed.status_code == 303
    platform.passwords[username] = NEW
    assert "请先修改密码" not in client.get("/security").get_data(as_text=True)
    assert client.get("/supervision").status_code == 200


def test_a_stranger_who_sends_a_password_is_asked_to_sign_in_and_the_password_is_forgotten(client: FlaskClient) -> None:
    page = client.get("/verify").get_data(as_text=True)
    token = page.split('name="csrf_token" value="')[1].split('"')[0]
    answer = client.post("/security/password", data={"csrf_token": token, "password": NEW, "new": NEW, "again": NEW})
    assert (answer.status_code, answer.location) == (303, "/sign-in?next=/security")
    assert NEW not in answer.get_data(as_text=True)
