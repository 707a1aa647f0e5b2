"""我的信息 and 管理: what people see and change of their own data, and what administrators do to accounts; without a browser."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from tests.portal.browsing import CSRF, enter, submit
from tests.portal.rig import PARENT, Platform

Visit = Callable[[str], FlaskClient]
SAID = "姓名中有一字错误。"


@pytest.fixture
def visit(portal: Flask, platform: Platform) -> Visit:
    """A browser of its own in which the account has signed in."""

    def signed_in(username: str) -> FlaskClient:
        client = portal.test_client()
        enter(client, platform, username)
        return client

    return signed_in


def page(client: FlaskClient, address: str) -> str:
    answer = client.get(address)
    assert answer.status_code == 200, answer.text
    return answer.text


def send(client: FlaskClient, shown: str, to: str, fields: dict[str, str]) -> Any:
    """A form of the page at ``shown``, with its token, sent ``to``."""
    token = CSRF.search(page(client, shown))
    assert token
    return client.post(to, data={"csrf_token": token[1]} | fields)


def account_id(client: FlaskClient, username: str) -> str:
    listed = page(client, f"/administration/accounts?username={username}")
    found = re.search(rf'/administration/accounts/([0-9a-f-]{{36}})">{username}<', listed)
    assert found, listed
    return found[1]


def test_a_contact_is_changed_with_the_code_and_until_then_nothing_is(visit: Visit) -> None:
    parent = visit(PARENT)
    assert "未登记" in page(parent, "/personal")
    mobile = "/personal/contacts/mobile"
    wrong = send(parent, mobile, mobile, {"address": "12"})
    assert (wrong.status_code, "手机号或邮箱格式有误" in wrong.text) == (422, True)
    sent = send(parent, mobile, mobile, {"address": "13800001234"})
    assert (sent.status_code, sent.location) == (303, "/personal/contacts/mobile/code")
    assert "13800001234" in page(parent, "/personal/contacts/mobile/code")
    refused = submit(parent, "/personal/contacts/mobile/code", code="x")
    assert (refused.status_code, "验证码有误" in refused.text) == (422, True)
    assert "待验证" in page(parent, "/personal")
    again = send(parent, mobile, mobile, {"address": "13900001234"})
    assert (again.status_code, "一分钟" in again.text) == (422, True)
    assert send(parent, mobile, f"{mobile}/removal", {}).status_code == 303
    assert "待验证" not in page(parent, "/personal")


def test_identity_is_verified_only_by_a_register_that_answers(visit: Visit) -> None:
    parent = visit(PARENT)
    assert "四级" in page(parent, "/personal/verification")
    empty = submit(parent, "/personal/verification", third_item="mobile")
    assert (empty.status_code, "请填写此项" in empty.text) == (422, True)
    away = submit(parent, "/personal/verification", third_item="mobile", mobile="13800001234")
    assert (away.status_code, "稍后" in away.text or "暂" in away.text) == (422, True), away.text
    assert "四级" in page(parent, "/personal")
    assert "未能核验" in page(parent, "/personal/verification")


def test_a_copy_of_ones_data_is_a_file_to_keep(visit: Visit) -> None:
    answer = visit(PARENT).get("/personal/data")
    assert answer.headers["Content-Disposition"] == 'attachment; filename="my-data.json"'
    assert answer.headers["Cache-Control"] == "no-store"
    assert answer.json is not None
    assert answer.json["accounts"][0]["username"] == PARENT


def test_a_request_is_answered_by_the_administrator_with_a_reason_that_the_person_reads(visit: Visit) -> None:
    agent, administrator = visit("school-agent"), visit("administrator")
    for form, told in (
        ({"kind": "erasure", "details": SAID}, "后果"),
        ({"details": SAID}, "更正还是删除"),
        ({"kind": "correction"}, "请填写此项"),
    ):
        refused = submit(agent, "/personal/requests", **form)
        assert (refused.status_code, told in refused.text) == (422, True)
    assert SAID not in page(administrator, "/administration/requests")
    asked = submit(agent, "/personal/requests", kind="correction", details=SAID, key="request-1")
    assert asked.status_code == 303
    assert "待答复" in page(agent, "/personal/requests")
    waiting = page(administrator, "/administration/requests")
    [address] = [
        found for found in re.findall(r"/administration/requests/[0-9a-f-]{36}", waiting)
        if SAID in page(administrator, found)
    ]  # fmt: skip
    half = submit(administrator, address, decision="grant", reason="属实")
    assert (half.status_code, "更正后" in half.text) == (422, True)
    assert submit(administrator, address, decision="refuse", reason="与户籍一致，无误").status_code == 303
    assert SAID not in page(administrator, "/administration/requests")
    assert "与户籍一致，无误" in page(agent, "/personal/requests")
    assert administrator.get(address).status_code == 404


def test_an_account_of_staff_goes_its_whole_way(visit: Visit) -> None:
    security = visit("security")
    form = {"username": "new-officer", "name": "新经办", "password": "First-Pass-8-word", "key": "open-1"}
    half = submit(security, "/administration/accounts/new", **form, kind="officer")
    assert (half.status_code, "请填写此项" in half.text) == (422, True)
    made = submit(security, "/administration/accounts/new", **form, kind="officer", department="police")
    assert made.status_code == 303
    address = str(made.location)
    assert "首次登录须修改" in page(security, address)
    taken = submit(security, "/administration/accounts/new", **(form | {"key": "open-2"}), kind="supervisor")
    assert (taken.status_code, "用户名已被使用" in taken.text) == (422, True)
    post = {"code": "window", "name": "综合窗口", "post_department": "police", "from_on": "2026-01-01"}

    def do(what: str, **fields: str) -> Any:
        return send(security, address, f"{address}/{what}", fields)

    assert do("post", **post).status_code == 303
    assert "综合窗口" in page(security, address)
    refused = do("post", **(post | {"post_department": "education", "key": "p-2"}))
    assert (refused.status_code, "岗位须在本人所属部门" in refused.text) == (422, True)
    assert do("role", kind="supervisor", role_reason="transferred").status_code == 303
    assert "监察员" in page(security, address)
    assert do("suspension").status_code == 422
    for what, state in (("suspension", "已停用"), ("resumption", "正常"), ("closure", "已注销")):
        assert do(what, **{f"{what}_reason": "error"}).status_code == 303
        assert state in page(security, address)
    assert "<details" not in page(security, address)
    late = do("suspension", suspension_reason="error")
    assert (late.status_code, "账号已注销" in late.text) == (422, True)


def test_ones_own_account_cannot_be_changed_and_says_so(visit: Visit) -> None:
    security = visit("security")
    own = f"/administration/accounts/{account_id(security, 'security')}"
    assert "须由另一位管理员变更" in page(security, own)
    assert "<details" not in page(security, own)
    refused = send(security, own, f"{own}/suspension", {"suspension_reason": "error"})
    assert (refused.status_code, "正常" in page(security, own)) == (403, True)


def test_the_system_administrator_opens_accounts_of_persons(visit: Visit) -> None:
    administrator = visit("administrator")
    form = {"username": "new-citizen", "name": "某居民", "password": "First-Pass-8-word"}
    wrong = submit(
        administrator, "/administration/accounts/new", **form, identity_number="33000019880723004X", key="c-1"
    )
    assert wrong.status_code == 422
    assert "new-citizen" not in page(administrator, "/administration/accounts?username=new-c")
    made = submit(
        administrator, "/administration/accounts/new", **form, identity_number="330000199003150029", key="c-2"
    )
    assert made.status_code == 303, made.text
    shown = page(administrator, str(made.location))
    assert "某*" in shown
    assert "某居民" not in shown


def test_a_reset_is_told_to_the_owner_whose_next_password_is_for_one_sign_in(visit: Visit, platform: Platform) -> None:
    security, username = visit("security"), "officer-housing"
    address = f"/administration/accounts/{account_id(security, username)}"
    given = "First-Pass-8-word"
    assert send(security, address, f"{address}/reset", {"password": given, "key": "r-1"}).status_code == 303
    platform.at_provider.pop(username, None)
    platform.passwords[username] = given
    again = visit(username)
    assert "管理员重置了密码和第二因素" in page(again, "/security/notices")
    assert "未读 1 条" in page(again, "/security")
    notice = re.search(r"/security/notices/[0-9a-f-]{36}/read", page(again, "/security/notices"))
    assert notice
    assert send(again, "/security/notices", notice[0], {"key": "n-1"}).status_code == 303
    assert "未读" not in page(again, "/security")


def test_who_came_by_another_name_of_the_machine_signs_in_where_the_provider_sends_back_to(
    portal: Flask, site: str
) -> None:
    """The cookie of a sign-in that begins at 127.0.0.1 would not be there when it comes back to localhost."""
    elsewhere = portal.test_client().get("/sign-in?next=/licences", base_url="http://127.0.0.1:8000")
    assert (elsewhere.status_code, elsewhere.location) == (303, f"{site}/sign-in?next=/licences")
    assert "Set-Cookie" not in elsewhere.headers
    at_home = portal.test_client().get("/sign-in", base_url=site)
    assert at_home.location.startswith(f"{site}/oauth2/authorize?")
