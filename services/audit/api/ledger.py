"""The head of the ledger, its key, and proofs that it only grows: for anyone."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from flask import Response
from flask_smorest import Blueprint

from chassis.auth import public
from chassis.errors import Refusal
from chassis.web import API_PREFIX
from services.audit import queries
from services.audit.adapters.ledger_key import KEY
from services.audit.models import db

ledger_api = Blueprint("ledger", __name__, url_prefix=f"{API_PREFIX}/ledger", description="存证账本 / the ledger")

PLAIN = "text/plain; charset=utf-8"
TEXT = {"type": "string"}
MAX_SIZE = 2**53


class ConsistencyQuery(ma.Schema):
    """Two sizes of the tree, both of which must have been signed or be smaller than one that was."""

    old = ma.fields.Integer(required=True, data_key="from", validate=ma.validate.Range(min=1, max=MAX_SIZE))
    new = ma.fields.Integer(required=True, data_key="to", validate=ma.validate.Range(min=1, max=MAX_SIZE))


class ConsistencySchema(ma.Schema):
    """RFC 6962 consistency proof."""

    old = ma.fields.Integer(required=True, data_key="from")
    new = ma.fields.Integer(required=True, data_key="to")
    proof = ma.fields.List(ma.fields.String(), required=True, metadata={"description": "hashes, hex"})


@ledger_api.route("/checkpoint", methods=["GET"])
@public
@ledger_api.response(200, TEXT, content_type=PLAIN)
def get_checkpoint() -> Response:
    """The newest checkpoint, a signed note. Source: C2SP tlog-checkpoint."""
    with db.read() as connection:
        checkpoint = queries.latest_checkpoint(connection)
    if checkpoint is None:
        raise Refusal("not_found", "尚未签发检查点 / no checkpoint has been signed yet")
    return Response(checkpoint.note, content_type=PLAIN)


@ledger_api.route("/cosigned-checkpoint", methods=["GET"])
@public
@ledger_api.response(200, TEXT, content_type=PLAIN)
def get_cosigned_checkpoint() -> Response:
    """The newest checkpoint that a witness has cosigned, with its cosignature. Source: C2SP tlog-cosignature."""
    with db.read() as connection:
        note = queries.cosigned_note(connection)
    if note is None:
        raise Refusal("not_found", "尚无见证人副署 / no witness has cosigned a checkpoint yet")
    return Response(note, content_type=PLAIN)


@ledger_api.route("/key", methods=["GET"])
@public
@ledger_api.response(200, TEXT, content_type=PLAIN)
def get_key() -> Response:
    """The verifier key of the log. Source: C2SP signed-note."""
    return Response(KEY.vkey, content_type=PLAIN)


@ledger_api.route("/consistency", methods=["GET"])
@public
@ledger_api.arguments(ConsistencyQuery, location="query")
@ledger_api.response(200, ConsistencySchema)
def get_consistency(query: dict[str, int]) -> dict[str, Any]:
    """Proof that the tree of size ``to`` begins with the tree of size ``from``."""
    old, new = query["old"], query["new"]
    with db.read() as connection:
        checkpoint = queries.latest_checkpoint(connection)
        signed = checkpoint.size if checkpoint is not None else 0
        if not old <= new <= signed:
            raise Refusal(
                "tree_size_unknown", f"账本已签至 {signed} 条 / the log is signed up to {signed}", size=signed
            )
        proof = queries.consistency_proof(connection, old, new)
    return {"old": old, "new": new, "proof": [value.hex() for value in proof]}
