"""Shapes of documents' HTTP answers."""

from __future__ import annotations

import marshmallow as ma
from marshmallow.validate import OneOf, Range, Regexp

CODE = Regexp(r"[!-~]{1,120}\Z", error="1 to 120 printable ASCII characters")
HASH = {"description": "SHA-256, lower-case hex"}


class MaterialQuerySchema(ma.Schema):
    """Which material of which item is uploaded."""

    item_code = ma.fields.String(required=True, validate=CODE)
    material_code = ma.fields.String(required=True, validate=CODE)
    applicant_id = ma.fields.String(
        validate=CODE,
        metadata={"description": "窗口收件: the party for whom staff take it in; not with a person's token"},
    )


class MaterialSchema(ma.Schema):
    """A stored material with its receipt."""

    material_id = ma.fields.String(required=True)
    owner_id = ma.fields.String(required=True)
    item_code = ma.fields.String(required=True)
    code = ma.fields.String(required=True)
    media_type = ma.fields.String(required=True)
    size_bytes = ma.fields.Integer(required=True)
    sha256 = ma.fields.String(required=True, metadata=HASH)
    receipt = ma.fields.String(
        required=True, metadata={"description": "compact JWS (ES256): give it with the application / 申请时提交"}
    )


class PublicLicenceSchema(ma.Schema):
    """What anyone may know of a licence. ``holder`` is masked for persons."""

    licence_no = ma.fields.String(required=True)
    status = ma.fields.String(required=True, validate=OneOf(("valid", "expired", "revoked")))
    name = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)
    issuer_name = ma.fields.String(required=True)
    issuer_uscc = ma.fields.String(required=True)
    holder = ma.fields.String(required=True)
    issued_on = ma.fields.Date(required=True)
    valid_until = ma.fields.Date(required=True, allow_none=True)
    sha256 = ma.fields.String(required=True, metadata=HASH)


class LicenceSchema(PublicLicenceSchema):
    """What the holder sees."""

    case_no = ma.fields.String(required=True)
    item_code = ma.fields.String(required=True)
    size_bytes = ma.fields.Integer(required=True)


class LicenceQuerySchema(ma.Schema):
    """A page of licences, newest first."""

    after = ma.fields.String(validate=CODE, metadata={"description": "``next`` of the page before"})
    limit = ma.fields.Integer(load_default=50, validate=Range(1, 100))


class LicenceListSchema(ma.Schema):
    """``next`` is null on the last page."""

    licences = ma.fields.List(ma.fields.Nested(LicenceSchema), required=True)
    next = ma.fields.String(required=True, allow_none=True)


class FindingSchema(ma.Schema):
    """The result of checking a file."""

    result = ma.fields.String(required=True, validate=OneOf(("authentic", "not_authentic")))
    reason = ma.fields.String(required=True, allow_none=True)
    detail = ma.fields.String(required=True)
    sha256 = ma.fields.String(required=True, metadata=HASH)
    licence = ma.fields.Nested(PublicLicenceSchema, required=True, allow_none=True)


class KeySetSchema(ma.Schema):
    """RFC 7517."""

    keys = ma.fields.List(ma.fields.Dict(), required=True)
