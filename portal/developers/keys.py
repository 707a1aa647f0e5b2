"""密钥与测试账号: made, rotated, revoked. What is secret is in the answer of the form alone and nowhere afterwards."""

from __future__ import annotations

from typing import Any

from flask import request

from portal.api import Problem, path
from portal.developers.apps import app_page, for_developers
from portal.developers.room import DEVELOPERS, ENVIRONMENTS, error_of, given_key, page, to_app
from portal.session import own_api


@DEVELOPERS.post("/apps/<app_id>/keys")
@for_developers
def new_key(app_id: str) -> Any:
    """新建密钥."""
    environment = request.form.get("environment", "")
    body = {
        "environment": environment if environment in ENVIRONMENTS else "sandbox",
        "label": request.form.get("label", "").strip()[:100],
    }
    return _shown_once(app_id, path("developer-apps", app_id, "keys"), body)


@DEVELOPERS.post("/apps/<app_id>/keys/<key_id>/rotation")
@for_developers
def rotate_key(app_id: str, key_id: str) -> Any:
    """更换密钥: the old one works for a day more."""
    return _shown_once(app_id, path("developer-apps", app_id, "keys", key_id, "rotation"), {"overlap_hours": 24})


@DEVELOPERS.post("/apps/<app_id>/keys/<key_id>/revocation")
@for_developers
def revoke_key(app_id: str, key_id: str) -> Any:
    """吊销密钥."""
    own_api().post(path("developer-apps", app_id, "keys", key_id, "revocation"), None, key=given_key())
    return to_app(app_id)


@DEVELOPERS.post("/apps/<app_id>/test-accounts")
@for_developers
def new_test_account(app_id: str) -> Any:
    """新建测试账号."""
    return _shown_once(app_id, path("developer-apps", app_id, "test-accounts"), None)


def _shown_once(app_id: str, address: str, body: Any) -> Any:
    try:
        made = own_api().post(address, body, key=given_key())
    except Problem as problem:
        return app_page(app_id, error_of(problem, "label"))
    return page("key", made=made, app_id=app_id)
