"""开放资源, for administrators: who may read how much of the open API."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from flask_smorest import Blueprint

from chassis import clock
from chassis.auth import principal, requires
from chassis.db import Tx
from services.identity.adapters.machine_clock import machine_now
from services.identity.api.desk import desk
from services.identity.api.developer_schemas import (
    AppIdSchema,
    AppListSchema,
    AppSchema,
    GrantSchema,
    ReasonSchema,
    StateQuerySchema,
)
from services.identity.api.own_account import once
from services.identity.domain.delegation import law_date
from services.identity.domain.developer_apps import Grant
from services.identity.models import developer_apps
from services.identity.use_cases import show_developers
from services.identity.use_cases.developer_apps import approve_app, refuse_app, resume_app, suspend_app

REVIEWS = Blueprint(
    "developer_reviews", __name__, url_prefix="/api/v1/developer-reviews", description="开放资源审核 / approval of apps"
)
APPROVE = "developers:approve"


@REVIEWS.get("")
@requires(APPROVE)
@REVIEWS.arguments(StateQuerySchema, location="query")
@REVIEWS.response(200, AppListSchema)
def get_all(query: dict[str, Any]) -> dict[str, Any]:
    """全部应用, or those in one state."""
    wanted = developer_apps.c.state == query["state"] if "state" in query else sa.true()
    return {"apps": show_developers.list_apps(wanted)}


@REVIEWS.get("/<app_id>")
@requires(APPROVE)
@REVIEWS.response(200, AppSchema)
def get_one(app_id: str) -> dict[str, Any]:
    """应用详情."""
    return show_developers.show_app(desk().vault, app_id, sa.true(), machine_now(), law_date(clock.now()))


@REVIEWS.post("/<app_id>/approval")
@requires(APPROVE)
@REVIEWS.arguments(GrantSchema)
@REVIEWS.response(200, AppIdSchema)
def post_approval(body: dict[str, Any], app_id: str) -> Any:
    """准予正式使用; for an app in production: change datasets, scopes and quota (Idempotency-Key required)."""
    return _decided(app_id, lambda tx, by: approve_app(tx, app_id, Grant.of(body), by=by))


@REVIEWS.post("/<app_id>/refusal")
@requires(APPROVE)
@REVIEWS.arguments(ReasonSchema)
@REVIEWS.response(200, AppIdSchema)
def post_refusal(body: dict[str, Any], app_id: str) -> Any:
    """不予 (Idempotency-Key required)."""
    return _decided(app_id, lambda tx, by: refuse_app(tx, app_id, body["reason"], by=by))


@REVIEWS.post("/<app_id>/suspension")
@requires(APPROVE)
@REVIEWS.arguments(ReasonSchema)
@REVIEWS.response(200, AppIdSchema)
def post_suspension(body: dict[str, Any], app_id: str) -> Any:
    """停用: its keys are taken no more, within seconds, and nobody signs in to it (Idempotency-Key required)."""
    return _decided(app_id, lambda tx, by: suspend_app(tx, app_id, body["reason"], machine_now(), by=by))


@REVIEWS.post("/<app_id>/resumption")
@requires(APPROVE)
@REVIEWS.response(200, AppIdSchema)
def post_resumption(app_id: str) -> Any:
    """恢复 (Idempotency-Key required)."""
    return _decided(app_id, lambda tx, by: resume_app(tx, app_id, by=by))


def _decided(app_id: str, decide: Callable[[Tx, str], None]) -> Any:
    by = principal().subject

    def write(tx: Tx) -> dict[str, Any]:
        decide(tx, by)
        return {"app_id": app_id}

    return once(write)
