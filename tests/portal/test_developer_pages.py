"""开放资源 in the portal: an app's way from its registration to a key in production, and to its end."""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from flask import Flask
from flask.testing import FlaskClient

from tests.portal.browsing import CSRF, enter, submit
from tests.portal.rig import Platform, World

DEVELOPER, ADMINISTRATOR = "parent", "administrator"
APP = {"name": "校车查询", "name_en": "School bus finder", "purpose": "查询办事指南", "contact": "dev@example.org"}
GRANT = {"datasets": "items", "per_minute": "60", "per_day": "1000"}
KEY = re.compile(r"<code>(tb[sp]_[a-z0-9]{10}_[0-9a-f]{64})</code>")


def key_in(page: str) -> str:
    found = KEY.search(page)
    assert found, page
    return found.group(1)


def test_an_app_goes_from_its_registration_to_production_and_its_keys_are_shown_once(
    client: FlaskClient, portal: Flask, platform: Platform
) -> None:
    enter(client, platform, DEVELOPER)
    answer = submit(client, "/developers/apps/new", key="k-1", **APP)
    sandbox_key = key_in(answer.text)
    again = submit(client, "/developers/apps/new", key="k-1", **APP)
    assert key_in(again.text) == sandbox_key, "a page that is loaded again registers nothing again"
    assert (
        client.get("/developers").text.count("School bus finder") + client.get("/developers").text.count(APP["name"])
        > 0
    )
    app = re.findall(r'href="(/developers/apps/[0-9a-f-]{36})"', answer.text)[0]
    page = client.get(app).text
    assert sandbox_key not in page
    assert sandbox_key[:14] in page
    assert "新建正式密钥" not in page
    assert submit(client, app, key="k-2", **GRANT).status_code == 303

    administrator = portal.test_client()
    enter(administrator, platform, ADMINISTRATOR)
    assert APP["name"] in administrator.get("/developers/review?state=applied").text
    reviewed = app.replace("/apps/", "/review/")
    token = CSRF.search(administrator.get(reviewed).text)
    assert token
    granted = administrator.post(f"{reviewed}/approval", data={"csrf_token": token[1], "key": "a-1", **GRANT})
    assert granted.status_code == 303

    assert "新建正式密钥" in client.get(app).text
    token = CSRF.search(client.get(app).text)
    assert token
    made = client.post(f"{app}/keys", data={"csrf_token": token[1], "key": "k-3", "environment": "production"})
    production_key = key_in(made.text)
    assert production_key.startswith("tbp_")
    key_id = production_key.split("_")[1]
    revoked = client.post(f"{app}/keys/{key_id}/revocation", data={"csrf_token": token[1]})
    assert urlsplit(revoked.headers["Location"]).path == app
    assert "已吊销" in client.get(app).text


def test_a_form_that_is_not_in_order_says_what_is_wrong(client: FlaskClient, platform: Platform) -> None:
    enter(client, platform, DEVELOPER)
    answer = submit(client, "/developers/apps/new", key="k-9", **APP | {"contact": ""})
    assert answer.status_code == 422
    assert 'id="contact-error"' in answer.text
    bad = submit(client, "/developers/apps/new", key="k-9", **APP, redirect_uris="http://elsewhere.example/back")
    assert bad.status_code == 422
    assert 'id="redirect_uris-error"' in bad.text


def test_nobody_sees_the_app_of_another(client: FlaskClient, platform: Platform, world: World) -> None:
    enter(client, platform, DEVELOPER)
    assert client.get(f"/developers/apps/{world.app_id}").status_code == 404
