"""Materials (申请材料) in and out."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, request, send_file
from flask_smorest import Blueprint

from chassis import clock
from chassis.auth import principal, requires
from chassis.errors import Refusal
from contracts.item import MaterialRule
from contracts.rights import permits
from services.documents import queries
from services.documents.adapters.blobs import Draft
from services.documents.adapters.metrics import UPLOADS
from services.documents.adapters.scanner import require_clean
from services.documents.adapters.tools import tools
from services.documents.api.schemas import MaterialQuerySchema, MaterialSchema
from services.documents.api.uploads import body_chunks
from services.documents.domain.media import HEAD_BYTES, checkable, extension, fits
from services.documents.domain.validity import shanghai_date
from services.documents.models import db
from services.documents.use_cases.store_material import store_material

MATERIALS = Blueprint("materials", __name__, url_prefix="/api/v1/materials", description="申请材料 / materials")

RAW_BODY = {"content": {"*/*": {"schema": {"type": "string", "format": "binary"}}}, "required": True}


@MATERIALS.post("")
@requires("materials:write")
@MATERIALS.doc(requestBody=RAW_BODY)
@MATERIALS.arguments(MaterialQuerySchema, location="query")
@MATERIALS.response(201, MaterialSchema)
def upload(query: dict[str, str]) -> dict[str, Any]:
    """上传材料: the file is the raw body. The same file again gives the same material."""
    try:
        stored = _upload(query)
    except Refusal as refusal:
        UPLOADS.labels(refusal.code).inc()
        raise
    UPLOADS.labels("stored").inc()
    return stored


def _upload(query: dict[str, str]) -> dict[str, Any]:
    owner_id = _owner(query)
    _require_item(query["item_code"])
    with db.read() as connection:
        rule = queries.rule_for(connection, query["item_code"], query["material_code"], shanghai_date(clock.now()))
    media_type = _media_type(rule)
    with tools().blobs.draft() as draft:
        _receive(draft, rule, media_type)
        if (scanner := tools().scanner) is not None:
            require_clean(scanner, draft.chunks())
    actor = principal().actor
    with db.transaction() as tx:
        material = store_material(
            tx,
            owner_id=owner_id,
            item_code=query["item_code"],
            code=rule.code,
            media_type=media_type,
            size_bytes=draft.size_bytes,
            sha256=draft.sha256,
            stored_by=actor.subject if actor else principal().subject,
            agent_name=actor.name if actor else None,
        )
    content = {
        "material_id": material.material_id,
        "owner_id": material.owner_id,
        "item_code": material.item_code,
        "code": material.code,
        "media_type": material.media_type,
        "size_bytes": material.size_bytes,
        "sha256": material.sha256,
    }
    return content | {"receipt": tools().receipts.sign(content)}


@MATERIALS.get("/<uuid:material_id>")
@requires("materials:read")
@MATERIALS.alt_response(200, description="the file", content_type="application/octet-stream")
def download(material_id: UUID) -> Response:
    """下载材料: for its owner, and for departments with a task that lists it."""
    with db.read() as connection:
        material = queries.readable_material(connection, str(material_id), principal())
    response = send_file(
        tools().blobs.path(material.sha256).absolute(),
        mimetype=material.media_type,
        as_attachment=True,
        download_name=f"{material.material_id}.{extension(material.media_type)}",
        conditional=False,
        etag=material.sha256,
    )
    response.headers["X-Content-Type-Options"] = "nosniff"
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _owner(query: dict[str, str]) -> str:
    """Who owns the material: the caller's party, or for whom staff take it in at a counter."""
    caller = principal()
    if caller.kind != "person":
        return query.get("applicant_id", caller.party)
    if query.get("applicant_id", caller.party) != caller.party:
        raise Refusal("material_not_own", "只能为自己上传材料 / one uploads for oneself")
    return caller.party


def _require_item(item_code: str) -> None:
    caller = principal()
    if not permits(caller, "materials:write", party=caller.party, item=item_code):
        raise Refusal(
            "item_not_delegated", "授权不包括该事项 / the delegation does not include this item", item_code=item_code
        )


def _media_type(rule: MaterialRule) -> str:
    media_type = request.mimetype
    if media_type not in rule.media_types or not checkable(media_type):
        raise Refusal(
            "media_type_not_allowed",
            "此材料不接受这种格式 / this material does not come in this format",
            media_type=media_type,
            allowed=[allowed for allowed in rule.media_types if checkable(allowed)],
        )
    return media_type


def _receive(draft: Draft, rule: MaterialRule, media_type: str) -> None:
    """Write the body into ``draft`` and look at its first bytes before the rest is taken."""
    head = b""
    for chunk in body_chunks(rule.max_bytes, "material_too_large"):
        if len(head) < HEAD_BYTES:
            head = (head + chunk)[:HEAD_BYTES]
            if len(head) == HEAD_BYTES:
                _check_head(media_type, head)
        draft.write(chunk)
    if not draft.size_bytes:
        raise Refusal("material_empty", "文件为空 / the file is empty")
    _check_head(media_type, head)


def _check_head(media_type: str, head: bytes) -> None:
    if not fits(media_type, head):
        raise Refusal(
            "material_content_mismatch",
            "文件内容与格式不符 / the content is not what its media type says",
            media_type=media_type,
        )
