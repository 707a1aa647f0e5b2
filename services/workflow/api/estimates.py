"""办理时间参考 over HTTP, for everybody: what an item has taken lately."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from chassis.auth import public
from services.workflow import queries
from services.workflow.api.list_schemas import TypicalSchema

ESTIMATES = Blueprint(
    "estimates", __name__, url_prefix="/api/v1/estimates", description="办理时间参考 / how long it takes"
)


@ESTIMATES.get("/<item_code>")
@public
@ESTIMATES.response(200, TypicalSchema)
def show(item_code: str) -> dict[str, Any]:
    """办理时间参考: quantiles of the working days that decided cases of the item have taken; no case is told apart."""
    return queries.typical_of(item_code)
