"""What the lead department says when it conducts a case, and what is handed in at a counter."""

from __future__ import annotations

import marshmallow as ma
from marshmallow.validate import Length, OneOf, Range

from services.workflow.api.schemas import SubmitCaseSchema


def _reason() -> ma.fields.String:
    return ma.fields.String(required=True, validate=Length(1, 1000))


class AnnouncedTimeSchema(ma.Schema):
    """A length of time."""

    amount = ma.fields.Integer(required=True, validate=Range(1, 366))
    unit = ma.fields.String(load_default="working_day", validate=OneOf(("working_day", "day", "month")))


class BeginSpecialProcedureSchema(ma.Schema):
    """Which procedure of the item, for how long, and why: the applicant is told."""

    code = ma.fields.String(required=True, validate=Length(1, 40))
    limit = ma.fields.Nested(AnnouncedTimeSchema, required=True)
    reason = _reason()


class ReasonSchema(ma.Schema):
    """Why."""

    reason = _reason()


class ExtensionSchema(ma.Schema):
    """Why the decision needs more time, and who has approved it."""

    reason = _reason()
    approved_by = ma.fields.String(required=True, validate=Length(1, 100))
    rank = ma.fields.String(required=True, validate=OneOf(("agency_head", "government_head")))


class HandOverSchema(ma.Schema):
    """To whom at the counter (送达回证); by post to ``courier`` with its tracking number, or to the connected one."""

    tracking_no = ma.fields.String(load_default=None, allow_none=True, validate=Length(1, 60))
    courier = ma.fields.String(load_default=None, allow_none=True, validate=Length(1, 60))
    received_by = ma.fields.String(load_default=None, allow_none=True, validate=Length(1, 100))


class DeliveryReportSchema(ma.Schema):
    """Where a courier that is not connected says the shipment is; who received it, or why it came back."""

    state = ma.fields.String(required=True, validate=OneOf(("in_transit", "delivered", "returned")))
    received_by = ma.fields.String(load_default=None, allow_none=True, validate=Length(1, 100))
    reason = ma.fields.String(load_default="", validate=Length(max=300))


class ReassignmentSchema(ma.Schema):
    """To which department or officer's account, and why."""

    department = ma.fields.String(load_default=None, allow_none=True, validate=Length(1, 40))
    officer = ma.fields.String(load_default=None, allow_none=True, validate=Length(1, 64))
    reason = _reason()


class ReassignedSchema(ma.Schema):
    """The task as it goes on."""

    task_id = ma.fields.String(required=True)
    department = ma.fields.String(required=True)
    assignee = ma.fields.String(allow_none=True)
    due_on = ma.fields.String(required=True)


class ConductedSchema(ma.Schema):
    """Where the case stands now."""

    case_no = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    due_on = ma.fields.String(allow_none=True)
    statutory_due_on = ma.fields.String(allow_none=True)


class IntakeSchema(SubmitCaseSchema):
    """An application handed in at a counter, at a kiosk or by telephone for somebody present there."""

    class Meta:
        """The channel follows from who takes it in."""

        exclude = ("channel", "draft_id")

    applicant_id = ma.fields.String(required=True, validate=Length(1, 64), metadata={"description": "party id"})
    applicant_name = ma.fields.String(required=True, validate=Length(1, 100))
