"""沙箱核验: what verification answers, of licences that do not exist. A key of the sandbox gets these at the true addresses."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask_smorest import Blueprint

from chassis import clock
from chassis.auth import public
from chassis.errors import Refusal
from services.documents.api.licences import public_view
from services.documents.api.schemas import PublicLicenceSchema
from services.documents.domain.sandbox import sandbox_licences
from services.documents.domain.validity import shanghai_date

SANDBOX = Blueprint(
    "sandbox", __name__, url_prefix="/api/v1/sandbox/licences", description="沙箱证照 / made-up licences for trying"
)


class SandboxLicenceListSchema(ma.Schema):
    """All there is to try with."""

    licences = ma.fields.List(ma.fields.Nested(PublicLicenceSchema), required=True)


@SANDBOX.get("")
@public
@SANDBOX.response(200, SandboxLicenceListSchema)
def show_all() -> dict[str, Any]:
    """沙箱证照清单: one of each status."""
    return {"licences": [public_view(licence) for licence in sandbox_licences(shanghai_date(clock.now()))]}


@SANDBOX.get("/<licence_no>")
@public
@SANDBOX.response(200, PublicLicenceSchema)
def show_one(licence_no: str) -> dict[str, Any]:
    """核验沙箱证照, as the true address answers; any other number is unknown."""
    for licence in sandbox_licences(shanghai_date(clock.now())):
        if licence.licence_no == licence_no:
            return public_view(licence)
    raise Refusal("licence_unknown", "没有这份证照 / there is no such licence")
