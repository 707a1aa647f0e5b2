"""接口密钥, for the gateway alone: which are in force, and what was asked with them."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from chassis.auth import requires
from chassis.db import Tx
from services.identity.adapters.machine_clock import machine_now
from services.identity.api.developer_schemas import (
    CountedSchema,
    ServedKeysQuerySchema,
    ServedKeysSchema,
    UsageReportSchema,
)
from services.identity.api.own_account import once
from services.identity.use_cases.developer_keys import Used, count_usage, keys_in_force

SERVED_KEYS = Blueprint(
    "developer_keys", __name__, url_prefix="/api/v1/developer-keys", description="网关取用密钥 / keys for the gateway"
)
SERVE = "developer_keys:serve"


@SERVED_KEYS.get("")
@requires(SERVE)
@SERVED_KEYS.arguments(ServedKeysQuerySchema, location="query")
@SERVED_KEYS.response(200, ServedKeysSchema)
def get_keys(query: dict[str, Any]) -> dict[str, Any]:
    """有效密钥的指纹: fingerprints of the keys in force."""
    found = keys_in_force(machine_now())
    return found | {"keys": None} if found["version"] == query.get("known") else found


@SERVED_KEYS.post("/usage")
@requires(SERVE)
@SERVED_KEYS.arguments(UsageReportSchema)
@SERVED_KEYS.response(200, CountedSchema)
def post_usage(body: dict[str, Any]) -> Any:
    """调用计数: counted once however often it is reported (Idempotency-Key required)."""
    used = [Used(**one) for one in body["used"]]

    def count(tx: Tx) -> dict[str, Any]:
        count_usage(tx, used)
        return {"counted": len(used)}

    return once(count)
