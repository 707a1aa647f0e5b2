"""The trail of a case, with proofs."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask_smorest import Blueprint

from chassis.auth import principal, requires
from chassis.errors import Refusal
from chassis.web import API_PREFIX
from services.audit.models import db
from services.audit.use_cases.show_trail import show_trail, uncovered_trail
from services.audit.use_cases.sign_checkpoint import sign_checkpoint

trails_api = Blueprint(
    "trails", __name__, url_prefix=f"{API_PREFIX}/trails", description="办件全程存证 / trails of cases"
)


class EntrySchema(ma.Schema):
    """One entry. ``payload`` and ``salt`` are null where the ledger keeps no copy, or it was erased."""

    seq = ma.fields.Integer(required=True, metadata={"description": "place in the ledger, from 0"})
    type = ma.fields.String(required=True)
    time = ma.fields.String(required=True, metadata={"description": "RFC 3339, UTC, by the producer's clock"})
    title = ma.fields.String(required=True)
    title_en = ma.fields.String(required=True)
    leaf = ma.fields.String(required=True, metadata={"description": "RFC 8785 JSON, exactly as hashed"})
    payload = ma.fields.String(required=True, allow_none=True, metadata={"description": "base64: the event's data"})
    salt = ma.fields.String(required=True, allow_none=True, metadata={"description": "base64: opens the commitment"})
    proof = ma.fields.List(ma.fields.String(), required=True, metadata={"description": "RFC 6962 audit path, hex"})


class TrailSchema(ma.Schema):
    """A case's entries under one checkpoint. ``statement`` says, signed, how many there are."""

    case_no = ma.fields.String(required=True)
    checkpoint = ma.fields.String(required=True, metadata={"description": "C2SP tlog-checkpoint, signed note"})
    statement = ma.fields.String(required=True, metadata={"description": "signed note: case, count, tree size"})
    events = ma.fields.List(ma.fields.Nested(EntrySchema), required=True)


@trails_api.route("/<case_no>", methods=["GET"])
@requires("trails:read")
@trails_api.response(200, TrailSchema)
def get_trail(case_no: str) -> dict[str, Any]:
    """Everything that happened to a case, in order, each entry with its proof. A supervisor's, or the applicant's own."""
    if not (case_no.isascii() and case_no.isalnum()):
        raise Refusal("not_found", "没有这个办件 / no such case")
    with db.read() as connection:
        uncovered = uncovered_trail(connection, case_no, principal())
    if uncovered:
        with db.transaction() as tx:
            sign_checkpoint(tx)
    with db.read() as connection:
        return show_trail(connection, case_no)
