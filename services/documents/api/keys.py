"""Public keys: of material receipts, and of the authority behind licences."""

from __future__ import annotations

from typing import Any

from flask import Response
from flask_smorest import Blueprint

from chassis.auth import public
from services.documents.adapters.tools import tools
from services.documents.api.schemas import KeySetSchema

KEYS = Blueprint("document_keys", __name__, url_prefix="/api/v1", description="公钥 / public keys")

PEM = "application/x-pem-file"


@KEYS.get("/document-keys")
@public
@KEYS.response(200, KeySetSchema)
def receipt_keys() -> dict[str, Any]:
    """材料回执公钥: the JWKS of material receipts."""
    return tools().receipts.jwks()


@KEYS.get("/licence-ca")
@public
@KEYS.alt_response(200, description="the root certificate", content_type=PEM)
def licence_authority() -> Response:
    """证照根证书: the certificate that every licence's signature leads to, as PEM."""
    return Response(tools().authority_pem, content_type=PEM)
