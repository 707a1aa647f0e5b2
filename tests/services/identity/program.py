"""Signing in as a program does, at a service in this process; and what came of it, under the codes of the refusals."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from flask import Flask

from demo.sign_in import CLIENT_ID, RETURNS_TO, SignInRefused, sign_in
from services.identity.models import db, relying_parties

CODES = {
    "用户名或密码有误": "invalid_grant",
    "请填写用户名和密码": "invalid_grant",
    "密码或验证码多次有误": "too_many_attempts",
    "登录人数过多": "busy",
    "账号已停用": "account_suspended",
    "请输入验证器应用上的验证码": "second_factor_required",
}


@dataclass(frozen=True)
class Came:
    """Of a sign-in: the token response, or the page that says why not, by the code of its refusal."""

    status_code: int
    headers: Mapping[str, str]
    json: dict[str, Any]


def register_program() -> None:
    """Let the program sign people in, as a directory file does, and tell nobody."""
    row = {
        "client_id": CLIENT_ID,
        "name": "命令行程序",
        "name_en": "Programs",
        "first_party": True,
        "authentication": "none",
        "redirect_uris": [RETURNS_TO],
        "post_logout_redirect_uris": [],
        "scope": "",
    }
    with db.transaction() as tx:
        tx.insert_new(relying_parties, [row | {"registered_at": tx.now}], [relying_parties.c.client_id])


def come_in(app: Flask, username: str, password: str, headers: Mapping[str, str] | None = None) -> Came:
    """Sign in. Raises AssertionError for a page that says nothing known."""
    last: list[Any] = []

    def send(method: str, path: str, given: Mapping[str, str], body: bytes) -> Any:
        sent = {**given, **(headers or {})}
        cookie = sent.pop("Cookie", "")
        client = app.test_client()
        if cookie:
            client.set_cookie(*cookie.split("=", 1))
        last[:] = [client.open(path, method=method, headers=sent, data=body)]
        return last[0].status_code, last[0].headers, last[0].data

    try:
        granted = sign_in(send, username, password)
    except SignInRefused:
        page = last[0]
        [code] = [code for said, code in CODES.items() if said in page.text] or [page.text]
        wait_s = page.headers.get("Retry-After")
        return Came(page.status_code, page.headers, {"code": code} | ({"retry_after_s": int(wait_s)} if wait_s else {}))
    return Came(200, last[0].headers, granted)
