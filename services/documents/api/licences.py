"""Electronic licences (电子证照): for their holders, and for anyone who must know whether one is real."""

from __future__ import annotations

from typing import Any

from flask import Response, request, send_file
from flask_smorest import Blueprint

from chassis import clock
from chassis.auth import principal, public, requires
from chassis.errors import Refusal
from services.documents import queries
from services.documents.adapters.metrics import VERIFICATIONS
from services.documents.adapters.tools import tools
from services.documents.api.schemas import (
    FindingSchema,
    LicenceListSchema,
    LicenceQuerySchema,
    PublicLicenceSchema,
)
from services.documents.api.uploads import body_chunks
from services.documents.domain.holder import shown_to_strangers
from services.documents.domain.licence_number import parse
from services.documents.domain.validity import shanghai_date, status_on
from services.documents.models import db
from services.documents.use_cases.verify_licence_file import verify_licence_file

LICENCES = Blueprint("licences", __name__, url_prefix="/api/v1/licences", description="电子证照 / licences")

LARGEST_FILE_BYTES = 5 * 1024 * 1024
PDF = "application/pdf"
PDF_BODY = {"content": {PDF: {"schema": {"type": "string", "format": "binary"}}}, "required": True}
DETAILS = {
    None: "与签发的证照逐字节一致,签名有效 / byte for byte the licence that was issued; the signature verifies",
    "not_a_pdf": "不是 PDF 文件 / not a PDF file",
    "not_issued": "本平台未签发过此文件,或文件已被改动 / never issued here, or changed since",
    "signature_invalid": "签名无效 / the signature does not verify",
}


@LICENCES.get("")
@requires("licences:read")
@LICENCES.arguments(LicenceQuerySchema, location="query")
@LICENCES.response(200, LicenceListSchema)
def own(query: dict[str, Any]) -> dict[str, Any]:
    """我的证照: the caller's licences, newest first."""
    with db.read() as connection:
        rows = queries.licences_of(connection, principal(), after=query.get("after"), limit=query["limit"] + 1)
    page = rows[: query["limit"]]
    shown = [public_view(row) | {"holder": row.holder_name} | _for_holder(row) for row in page]
    return {"licences": shown, "next": page[-1].licence_no if len(rows) > len(page) else None}


@LICENCES.post("/verification")
@public
@LICENCES.doc(requestBody=PDF_BODY)
@LICENCES.response(200, FindingSchema)
def verify() -> dict[str, Any]:
    """核验文件: is this PDF (the raw body, up to 5 MB) a licence of this platform, unchanged?"""
    if request.mimetype != PDF:
        raise Refusal("media_type_not_allowed", "请提交 PDF / send a PDF", allowed=[PDF])
    content = b"".join(body_chunks(LARGEST_FILE_BYTES, "file_too_large"))
    with db.read() as connection:
        finding = verify_licence_file(connection, content)
    VERIFICATIONS.labels(finding.reason or "authentic").inc()
    return {
        "result": "not_authentic" if finding.reason else "authentic",
        "reason": finding.reason,
        "detail": DETAILS[finding.reason],
        "sha256": finding.sha256,
        "licence": public_view(finding.licence) if finding.licence else None,
    }


@LICENCES.get("/<licence_no>")
@public
@LICENCES.response(200, PublicLicenceSchema)
def show(licence_no: str) -> dict[str, Any]:
    """核验证照: what its number stands for, with the holder masked. The portal's page of it is where the QR code leads."""
    number = _number(licence_no)
    with db.read() as connection:
        try:
            shown = public_view(queries.licence(connection, number))
        except Refusal:
            VERIFICATIONS.labels("unknown").inc()
            raise
    VERIFICATIONS.labels(shown["status"]).inc()
    return shown


@LICENCES.get("/<licence_no>/pdf")
@requires("licences:read")
@LICENCES.alt_response(200, description="the signed licence", content_type=PDF)
def download(licence_no: str) -> Response:
    """下载证照: the signed PDF, for its holder."""
    with db.read() as connection:
        licence = queries.readable_licence(connection, _number(licence_no), principal())
    response = send_file(
        tools().blobs.path(licence.sha256).absolute(),
        mimetype=PDF,
        as_attachment=True,
        download_name=f"{licence.licence_no}.pdf",
        conditional=False,
        etag=licence.sha256,
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _number(text: str) -> str:
    try:
        return str(parse(text))
    except ValueError as error:
        raise Refusal("licence_number_invalid", "证照标识有误 / not a valid licence number") from error


def public_view(row: Any) -> dict[str, Any]:
    """What anyone may know of a licence."""
    today = shanghai_date(clock.now())
    return {
        "licence_no": row.licence_no,
        "status": status_on(today, until=row.valid_until, revoked_on=row.revoked_on),
        "name": row.name,
        "name_en": row.name_en,
        "issuer_name": row.issuer_name,
        "issuer_uscc": row.issuer_uscc,
        "holder": shown_to_strangers(row.holder_name, row.holder_code_type),
        "issued_on": row.issued_on,
        "valid_until": row.valid_until,
        "sha256": row.sha256,
    }


def _for_holder(row: Any) -> dict[str, Any]:
    return {"case_no": row.case_no, "item_code": row.item_code, "size_bytes": row.size_bytes}
