"""A case whole, as one call answers: what a reader asks beside the case's own rows."""

from __future__ import annotations

import marshmallow as ma

from services.workflow.api.schemas import CaseSchema


class RuleSchema(ma.Schema):
    """One rule that made or moved a date. ``says`` is "中文 / English"."""

    code = ma.fields.String(required=True)
    says = ma.fields.String(required=True)
    source = ma.fields.String(required=True)
    before = ma.fields.Date(required=True)
    after = ma.fields.Date(required=True)


class ClockSchema(ma.Schema):
    """A clock and why it says what it says. ``subject``: the case, a stage or a task; ``stopped``: it stands still now."""

    scope = ma.fields.String(required=True)
    subject = ma.fields.String(required=True)
    due_on = ma.fields.Date(required=True)
    provisional = ma.fields.Boolean(required=True)
    stopped = ma.fields.Boolean(required=True)
    rules = ma.fields.List(ma.fields.Nested(RuleSchema), required=True)


class NoticeDefectSchema(ma.Schema):
    """What one department found wrong with one material."""

    department = ma.fields.String(required=True)
    material_code = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    problem = ma.fields.String(required=True)


class NoticeSchema(ma.Schema):
    """补正告知书: the one notice, every department's defects in it."""

    told_at = ma.fields.AwareDateTime(required=True)
    correct_by = ma.fields.Date(required=True, allow_none=True)
    defects = ma.fields.List(ma.fields.Nested(NoticeDefectSchema), required=True)


class WaitingSchema(ma.Schema):
    """Who has to act, on what, and until when."""

    who = ma.fields.String(required=True, metadata={"description": "applicant, department or platform"})
    what = ma.fields.String(required=True)
    subject = ma.fields.String(required=True)
    department = ma.fields.String(required=True, allow_none=True)
    step_name = ma.fields.String(required=True, allow_none=True)
    due_on = ma.fields.Date(required=True, allow_none=True)


class NextActionSchema(ma.Schema):
    """Something that this reader may do now."""

    action = ma.fields.String(required=True)
    subject = ma.fields.String(required=True)
    due_on = ma.fields.Date(required=True, allow_none=True)


class PromiseSchema(ma.Schema):
    """What the applicant promised for one material (容缺、告知承诺)."""

    kind = ma.fields.String(required=True)
    material_code = ma.fields.String(required=True)
    due_on = ma.fields.Date(required=True, allow_none=True)
    kept_on = ma.fields.Date(required=True, allow_none=True)


class StopSchema(ma.Schema):
    """特别程序: announced from the day after ``began`` to ``until``. ``expired``: its time ran out and the platform ended it."""

    code = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    name_en = ma.fields.String(required=True)
    department = ma.fields.String(required=True)
    began = ma.fields.Date(required=True)
    until = ma.fields.Date(required=True)
    ended = ma.fields.Date(required=True, allow_none=True)
    expired = ma.fields.Boolean(required=True)
    reason = ma.fields.String(required=True)


class TimeSchema(ma.Schema):
    """A length of time."""

    amount = ma.fields.Integer(required=True)
    unit = ma.fields.String(required=True)


class ExtendedSchema(ma.Schema):
    """延长: by how much, who approved it and why."""

    limit = ma.fields.Nested(TimeSchema, required=True)
    approved_by = ma.fields.String(required=True)
    rank = ma.fields.String(required=True)
    reason = ma.fields.String(required=True)
    on = ma.fields.Date(required=True)


class DeliverySchema(ma.Schema):
    """送达: where the result is posted to; the tracking number or who received it, once it was handed over."""

    address = ma.fields.String()
    courier = ma.fields.String()
    tracking_no = ma.fields.String()
    received_by = ma.fields.String()


class ShipmentSchema(ma.Schema):
    """What a courier carries or carried. ``proof`` is the 送达回证: who received it and when, or why it came back."""

    round = ma.fields.Integer(required=True)
    courier = ma.fields.String(required=True)
    tracking_no = ma.fields.String(required=True, allow_none=True)
    state = ma.fields.String(
        required=True, metadata={"description": "ordered, handed_over, in_transit, delivered or returned"}
    )
    changed_at = ma.fields.AwareDateTime(required=True)
    proof = ma.fields.Dict(required=True, allow_none=True)


class EstimateSchema(ma.Schema):
    """By when half, four fifths and nineteen of twenty such cases are decided: null where ``n``, the number of earlier cases of
    the least known step, is below ``fewest``, or a step has taken ``longer_than_ever``.
    """

    n = ma.fields.Integer(required=True)
    fewest = ma.fields.Integer(required=True)
    p50 = ma.fields.Date(required=True, allow_none=True)
    p80 = ma.fields.Date(required=True, allow_none=True)
    p95 = ma.fields.Date(required=True, allow_none=True)
    longer_than_ever = ma.fields.Boolean(required=True)
    stands_still = ma.fields.Boolean(required=True)


class WholeCaseSchema(CaseSchema):
    """A case whole: stage, who is waited for, notice, every clock and why, documents, decision, what the reader may do next."""

    decided_by = ma.fields.String(required=True, allow_none=True)
    statutory_due_on = ma.fields.Date(required=True, allow_none=True)
    mode = ma.fields.String(required=True)
    batch = ma.fields.String(required=True, allow_none=True)
    promises = ma.fields.List(ma.fields.Nested(PromiseSchema), required=True)
    delivery_way = ma.fields.String(required=True)
    delivery = ma.fields.Nested(DeliverySchema, required=True, allow_none=True)
    shipments = ma.fields.List(ma.fields.Nested(ShipmentSchema), required=True)
    special_procedures = ma.fields.List(ma.fields.Nested(StopSchema), required=True)
    extension = ma.fields.Nested(ExtendedSchema, required=True, allow_none=True)
    delivered_at = ma.fields.AwareDateTime(required=True, allow_none=True)
    licence_until = ma.fields.Date(required=True, allow_none=True)
    notice = ma.fields.Nested(NoticeSchema, required=True, allow_none=True)
    clocks = ma.fields.List(ma.fields.Nested(ClockSchema), required=True)
    waiting_for = ma.fields.List(ma.fields.Nested(WaitingSchema), required=True)
    next_actions = ma.fields.List(ma.fields.Nested(NextActionSchema), required=True)
    estimate = ma.fields.Nested(EstimateSchema, required=True, allow_none=True)
