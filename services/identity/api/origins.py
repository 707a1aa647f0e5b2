"""Which sites belong to which clients: what the gateway lets browsers call the API from."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask_smorest import Blueprint

from chassis.auth import public
from services.identity import queries

ORIGINS = Blueprint("origins", __name__, url_prefix="/api/v1", description="跨域来源 / origins of clients")


class OriginsSchema(ma.Schema):
    """Origin (RFC 6454) -> ids of the clients that are registered with an address there."""

    origins = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.List(ma.fields.String()), required=True)


@ORIGINS.get("/origins")
@public
@ORIGINS.response(200, OriginsSchema)
def show_origins() -> dict[str, Any]:
    """跨域来源: sites of registered clients, by the addresses that they come back to after sign-in."""
    return {"origins": queries.origins_of_clients()}
