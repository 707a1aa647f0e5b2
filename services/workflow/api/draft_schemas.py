"""Drafts over HTTP: what they hold while an application is being written."""

from __future__ import annotations

import marshmallow as ma
from marshmallow.validate import Length, OneOf, Range

from services.workflow.api.schemas import DELIVERY_WAYS


class StartDraftSchema(ma.Schema):
    """What the application will be for."""

    item_code = ma.fields.String(required=True, validate=Length(equal=31), metadata={"description": "实施编码"})
    item_version = ma.fields.Integer(load_default=None, allow_none=True, validate=Range(min=1))


class DraftMaterialSchema(ma.Schema):
    """A material that was uploaded for the draft, as POST /api/v1/materials answered, with the name its owner gave the file."""

    receipt = ma.fields.String(required=True, validate=Length(1, 4000))
    file_name = ma.fields.String(required=True, validate=Length(1, 255))
    media_type = ma.fields.String(required=True, validate=Length(1, 100))
    size_bytes = ma.fields.Integer(required=True, validate=Range(min=0))
    sha256 = ma.fields.String(required=True, validate=Length(equal=64))


def _draft_materials() -> ma.fields.Dict:
    return ma.fields.Dict(
        keys=ma.fields.String(validate=Length(1, 40)),
        values=ma.fields.Nested(DraftMaterialSchema),
        required=True,
        validate=Length(max=100),
        metadata={"description": "material code -> material"},
    )


class ItemChoicesSchema(ma.Schema):
    """一件事: what is chosen for one of its items. Who does not qualify for it leaves it out."""

    eligibility = ma.fields.Dict(keys=ma.fields.String(validate=Length(1, 40)), values=ma.fields.Boolean())
    left_out = ma.fields.Boolean()
    commitment = ma.fields.Boolean()
    renews_licence = ma.fields.String(validate=Length(0, 120))


class DraftChoicesSchema(ma.Schema):
    """What the applicant has chosen so far, by the names that handing in takes; for a package by item in ``by_item``."""

    eligibility = ma.fields.Dict(keys=ma.fields.String(validate=Length(1, 40)), values=ma.fields.Boolean())
    later = ma.fields.List(ma.fields.String(validate=Length(1, 40)), validate=Length(max=100))
    commitment = ma.fields.Boolean()
    delivery_way = ma.fields.String(validate=OneOf(DELIVERY_WAYS))
    delivery_address = ma.fields.String(validate=Length(0, 300))
    renews_licence = ma.fields.String(validate=Length(0, 120))
    by_item = ma.fields.Dict(
        keys=ma.fields.String(validate=Length(equal=31)),
        values=ma.fields.Nested(ItemChoicesSchema),
        validate=Length(max=50),
        metadata={"description": "一件事: item code -> choices"},
    )


class SaveDraftSchema(ma.Schema):
    """All that the draft holds from now on. The form need not fit the item's schema yet."""

    form = ma.fields.Dict(keys=ma.fields.String(), required=True)
    materials = _draft_materials()
    choices = ma.fields.Nested(DraftChoicesSchema, metadata={"description": "left out: as they were"})
    step = ma.fields.String(required=True, validate=Length(max=40), metadata={"description": "where the writer is"})
    version = ma.fields.Integer(required=True, validate=Range(min=1), metadata={"description": "as last read"})


class DraftSummarySchema(ma.Schema):
    """A draft in a list."""

    draft_id = ma.fields.String(required=True)
    item_code = ma.fields.String(required=True)
    item_version = ma.fields.Integer(required=True)
    item_name = ma.fields.String(required=True)
    package_code = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "一件事: then item_code is empty, item_version and item_name are the package's"},
    )
    step = ma.fields.String(required=True)
    updated_at = ma.fields.String(required=True, metadata={"format": "date-time"})
    retired_on = ma.fields.String(
        required=True,
        allow_none=True,
        metadata={"format": "date", "description": "一件事: since when it is no more offered"},
    )
    retired_because = ma.fields.String(required=True, allow_none=True)


class DraftQuerySchema(ma.Schema):
    """Which drafts: of applications for one item, or for a package (一件事)."""

    of = ma.fields.String(load_default="item", validate=OneOf(("item", "package")))


class DraftSchema(DraftSummarySchema):
    """A draft with all that it holds."""

    form = ma.fields.Dict(required=True)
    materials = _draft_materials()
    choices = ma.fields.Nested(DraftChoicesSchema, required=True)
    version = ma.fields.Integer(required=True)


class DraftListSchema(ma.Schema):
    """The caller's drafts, the last touched first."""

    drafts = ma.fields.List(ma.fields.Nested(DraftSummarySchema), required=True)
