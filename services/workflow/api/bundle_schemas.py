"""一件事 over HTTP: what is handed in for several items at once, and how it stands."""

from __future__ import annotations

import marshmallow as ma
from marshmallow.validate import Length, OneOf, Range

from services.workflow.api.schemas import CHANNELS, DELIVERY_WAYS, CaseStateSchema
from services.workflow.api.whole_case_schemas import NextActionSchema, WaitingSchema


def _item_code() -> ma.fields.String:
    return ma.fields.String(validate=Length(equal=31))


class SubmitBundleSchema(ma.Schema):
    """One application for a package: its form, and each of its materials once."""

    package_version = ma.fields.Integer(load_default=None, allow_none=True, validate=Range(min=1))
    channel = ma.fields.String(load_default="web", validate=OneOf(CHANNELS))
    form = ma.fields.Dict(keys=ma.fields.String(), required=True)
    materials = ma.fields.List(
        ma.fields.String(validate=Length(max=4000)),
        load_default=list,
        validate=Length(max=200),
        metadata={
            "description": "receipts of POST /api/v1/materials, each uploaded for any one of the items that ask for it"
        },
    )
    draft_id = ma.fields.UUID(load_default=None, allow_none=True, metadata={"description": "a draft of this package"})
    later = ma.fields.List(
        ma.fields.String(validate=Length(1, 40)),
        load_default=list,
        validate=Length(max=200),
        metadata={"description": "容缺后补: the package's codes of materials that follow later"},
    )
    commitment = ma.fields.List(
        _item_code(), load_default=list, validate=Length(max=50), metadata={"description": "告知承诺: for these items"}
    )
    eligibility = ma.fields.Dict(
        keys=_item_code(),
        values=ma.fields.Dict(keys=ma.fields.String(validate=Length(1, 40)), values=ma.fields.Boolean()),
        load_default=dict,
        metadata={"description": "item code -> answers to the item's questions of eligibility"},
    )
    delivery_way = ma.fields.String(
        load_default=None,
        allow_none=True,
        validate=OneOf(DELIVERY_WAYS),
        metadata={"description": "for the items that offer it; the others use their own first way"},
    )
    delivery_address = ma.fields.String(load_default=None, allow_none=True, validate=Length(1, 300))
    renews_licences = ma.fields.Dict(
        keys=_item_code(),
        values=ma.fields.String(validate=Length(1, 120)),
        load_default=dict,
        metadata={"description": "item code -> licence to renew"},
    )
    leave_out = ma.fields.List(
        _item_code(),
        load_default=list,
        validate=Length(max=50),
        metadata={"description": "items for which the applicant does not qualify; the others are opened without them"},
    )


class BundleIntakeSchema(SubmitBundleSchema):
    """The same, handed in at a counter for somebody present there."""

    class Meta:
        """The channel follows from who takes it in."""

        exclude = ("channel", "draft_id")

    applicant_id = ma.fields.String(required=True, validate=Length(1, 64), metadata={"description": "party id"})
    applicant_name = ma.fields.String(required=True, validate=Length(1, 100))


class OpenedCaseSchema(CaseStateSchema):
    """One case of the bundle."""

    item_code = ma.fields.String(required=True)


class BundleStateSchema(ma.Schema):
    """The bundle's number and where its cases stand."""

    bundle_no = ma.fields.String(required=True)
    cases = ma.fields.List(ma.fields.Nested(OpenedCaseSchema), required=True)


class LeftOutSchema(ma.Schema):
    """An item for which the applicant does not qualify: question of eligibility -> what to do instead."""

    item_code = ma.fields.String(required=True)
    item_name = ma.fields.String(required=True)
    reasons = ma.fields.Dict(keys=ma.fields.String(), values=ma.fields.String(), required=True)


class OpenedBundleSchema(BundleStateSchema):
    """The same when it is handed in."""

    left_out = ma.fields.List(ma.fields.Nested(LeftOutSchema), required=True)


class BundleSummarySchema(ma.Schema):
    """A bundle in a list. ``decided_at``: when the last of its cases was, so that all can be delivered at once (统一送达)."""

    bundle_no = ma.fields.String(required=True)
    package_code = ma.fields.String(required=True)
    package_version = ma.fields.Integer(required=True)
    name = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)
    lead_department = ma.fields.String(required=True)
    submitted_at = ma.fields.AwareDateTime(required=True)
    decided_at = ma.fields.AwareDateTime(required=True, allow_none=True)


class BundledCaseSchema(ma.Schema):
    """A case of the bundle, with clocks of its own."""

    case_no = ma.fields.String(required=True)
    item_code = ma.fields.String(required=True)
    item_version = ma.fields.Integer(required=True)
    item_name = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    delivery_way = ma.fields.String(required=True)
    accept_by = ma.fields.Date(required=True)
    due_on = ma.fields.Date(required=True, allow_none=True)
    statutory_due_on = ma.fields.Date(required=True, allow_none=True)
    decided_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    delivered_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    licence_no = ma.fields.String(required=True, allow_none=True)
    waiting_for = ma.fields.List(ma.fields.Nested(WaitingSchema), required=True)
    next_actions = ma.fields.List(ma.fields.Nested(NextActionSchema), required=True)


class BundleNoticeSchema(ma.Schema):
    """What one department of one case found wrong. ``material_code`` is the package's: one correction serves every case."""

    case_no = ma.fields.String(required=True)
    correct_by = ma.fields.Date(required=True, allow_none=True)
    department = ma.fields.String(required=True)
    item_code = ma.fields.String(required=True, metadata={"description": "for which the correction may be uploaded"})
    item_material_code = ma.fields.String(required=True)
    material_code = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    problem = ma.fields.String(required=True)


class BundleSchema(BundleSummarySchema):
    """A bundle whole."""

    cases = ma.fields.List(ma.fields.Nested(BundledCaseSchema), required=True)
    notices = ma.fields.List(ma.fields.Nested(BundleNoticeSchema), required=True)
    left_out = ma.fields.List(ma.fields.Nested(LeftOutSchema), required=True)
    all_decided = ma.fields.Boolean(required=True)
    delivered = ma.fields.Boolean(required=True, metadata={"description": "nothing granted is still to be handed over"})


class BundleListSchema(ma.Schema):
    """The caller's bundles, the latest first."""

    bundles = ma.fields.List(ma.fields.Nested(BundleSummarySchema), required=True)
