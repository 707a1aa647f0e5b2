"""What comes in and goes out over HTTP."""

from __future__ import annotations

import marshmallow as ma
from marshmallow.validate import Length, OneOf, Range, Regexp

CHANNELS = ("web", "mobile", "window", "kiosk", "hotline", "api")
DELIVERY_WAYS = ("electronic", "post", "pick_up")
VERDICTS = ("agree", "disagree", "correction_needed")


class SubmitCaseSchema(ma.Schema):
    """An application."""

    item_code = ma.fields.String(required=True, validate=Length(equal=31), metadata={"description": "实施编码"})
    item_version = ma.fields.Integer(load_default=None, allow_none=True, validate=Range(min=1))
    channel = ma.fields.String(load_default="web", validate=OneOf(CHANNELS))
    form = ma.fields.Dict(keys=ma.fields.String(), required=True)
    materials = ma.fields.List(
        ma.fields.String(validate=Length(max=4000)),
        load_default=list,
        validate=Length(max=100),
        metadata={"description": "receipts that POST /api/v1/materials returned"},
    )
    draft_id = ma.fields.UUID(
        load_default=None,
        allow_none=True,
        metadata={"description": "the caller's draft, deleted when the case is opened; it may be gone already"},
    )
    later = ma.fields.List(
        ma.fields.String(validate=Length(1, 40)),
        load_default=list,
        validate=Length(max=100),
        metadata={"description": "容缺后补: codes of materials that the applicant promises to hand in later"},
    )
    commitment = ma.fields.Boolean(
        load_default=False, metadata={"description": "告知承诺: the applicant commits instead of handing in materials"}
    )
    delivery_way = ma.fields.String(load_default=None, allow_none=True, validate=OneOf(DELIVERY_WAYS))
    delivery_address = ma.fields.String(load_default=None, allow_none=True, validate=Length(1, 300))
    eligibility = ma.fields.Dict(
        keys=ma.fields.String(validate=Length(1, 40)),
        values=ma.fields.Boolean(),
        load_default=dict,
        metadata={"description": "answers to the item's questions of eligibility"},
    )
    renews_licence = ma.fields.String(
        load_default=None, allow_none=True, validate=Length(1, 120), metadata={"description": "licence to renew"}
    )


class WithdrawalSchema(ma.Schema):
    """Why the application is taken back."""

    reason = ma.fields.String(required=True, validate=Length(min=1, max=1000))
    channel = ma.fields.String(load_default="web", validate=OneOf(CHANNELS))


class CorrectionSchema(ma.Schema):
    """What the notice asked for."""

    materials = ma.fields.List(ma.fields.String(validate=Length(max=4000)), required=True, validate=Length(1, 100))
    channel = ma.fields.String(load_default="web", validate=OneOf(CHANNELS))


class DefectSchema(ma.Schema):
    """What is wrong with one material."""

    material_code = ma.fields.String(required=True, validate=Length(1, 40))
    problem = ma.fields.String(required=True, validate=Length(1, 1000))


class OpinionSchema(ma.Schema):
    """A department's answer."""

    verdict = ma.fields.String(required=True, validate=OneOf(VERDICTS))
    reason = ma.fields.String(load_default="", validate=Length(max=4000))
    defects = ma.fields.List(ma.fields.Nested(DefectSchema), load_default=list, validate=Length(max=100))
    officer = ma.fields.String(load_default=None, allow_none=True, validate=Length(max=100))
    conditions = ma.fields.List(
        ma.fields.String(validate=Length(1, 500)),
        load_default=list,
        validate=Length(max=20),
        metadata={"description": "有条件同意: on which the department agrees"},
    )


class CaseSummarySchema(ma.Schema):
    """A case in a list."""

    case_no = ma.fields.String(required=True)
    item_code = ma.fields.String(required=True)
    item_version = ma.fields.Integer(required=True)
    item_name = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    channel = ma.fields.String(required=True)
    submitted_at = ma.fields.AwareDateTime(required=True)
    accept_by = ma.fields.Date(required=True)
    accepted_on = ma.fields.Date(allow_none=True)
    due_on = ma.fields.Date(allow_none=True)
    due_provisional = ma.fields.Boolean()
    decided_at = ma.fields.AwareDateTime(allow_none=True)
    licence_no = ma.fields.String(allow_none=True)
    closed_at = ma.fields.AwareDateTime(allow_none=True)
    bundle_no = ma.fields.String(allow_none=True, metadata={"description": "一件事 / the bundle it was handed in with"})


class SignatureSchema(ma.Schema):
    """One officer's signature on a task that takes more than one."""

    officer = ma.fields.String(required=True)
    verdict = ma.fields.String(required=True)
    at = ma.fields.AwareDateTime(required=True)


class CaseTaskSchema(ma.Schema):
    """One department's part of a case."""

    task_id = ma.fields.String(required=True)
    step = ma.fields.String(required=True)
    step_name = ma.fields.String(required=True)
    kind = ma.fields.String(required=True)
    round = ma.fields.Integer(required=True)
    department = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    due_on = ma.fields.Date(required=True)
    assigned_at = ma.fields.AwareDateTime(required=True)
    acknowledged_at = ma.fields.AwareDateTime(allow_none=True)
    closed_at = ma.fields.AwareDateTime(allow_none=True)
    verdict = ma.fields.String(allow_none=True)
    reason = ma.fields.String(allow_none=True)
    defects = ma.fields.List(ma.fields.Nested(DefectSchema), allow_none=True)
    conditions = ma.fields.List(ma.fields.String(), metadata={"description": "有条件同意: on which it was agreed"})
    officer = ma.fields.String(allow_none=True)
    signatures = ma.fields.List(ma.fields.Nested(SignatureSchema))


class CaseMaterialSchema(ma.Schema):
    """A material as handed in; a later one of the same code replaces it."""

    material_id = ma.fields.String(required=True)
    code = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    media_type = ma.fields.String(required=True)
    size_bytes = ma.fields.Integer(required=True)
    sha256 = ma.fields.String(required=True)
    handed_in_at = ma.fields.AwareDateTime(required=True)


class TransitionSchema(ma.Schema):
    """A move of the case."""

    before = ma.fields.String(allow_none=True)
    after = ma.fields.String(required=True)
    at = ma.fields.AwareDateTime(required=True)
    by = ma.fields.String(required=True)
    why = ma.fields.String(required=True)
    rule = ma.fields.String(required=True)
    by_name = ma.fields.String(allow_none=True, metadata={"description": "经办人 / the agent's name, when one acted"})
    for_name = ma.fields.String(allow_none=True, metadata={"description": "委托人 / whom the agent acted for"})
    channel = ma.fields.String(
        allow_none=True, metadata={"description": "渠道 / by which the step was taken; null: by the platform itself"}
    )


class CaseSchema(CaseSummarySchema):
    """A case with all that belongs to it. ``agent_name`` and ``applicant_name``: an agent handed it in for another."""

    submitted_by = ma.fields.String()
    agent_name = ma.fields.String(allow_none=True)
    applicant_name = ma.fields.String(allow_none=True)
    form = ma.fields.Dict()
    decision_reason = ma.fields.String(allow_none=True)
    tasks = ma.fields.List(ma.fields.Nested(CaseTaskSchema))
    materials = ma.fields.List(ma.fields.Nested(CaseMaterialSchema))
    timeline = ma.fields.List(ma.fields.Nested(TransitionSchema))


class CaseListSchema(ma.Schema):
    """A page of cases; ``next`` is the value for ``before`` of the next page."""

    cases = ma.fields.List(ma.fields.Nested(CaseSummarySchema), required=True)
    next = ma.fields.String(allow_none=True)


class CaseStateSchema(ma.Schema):
    """Where a case stands after a request."""

    case_no = ma.fields.String(required=True)
    state = ma.fields.String(required=True)
    accept_by = ma.fields.String(required=True)


class AssignedMaterialSchema(ma.Schema):
    """A material as a department sees it; fetch it from /api/v1/materials."""

    material_id = ma.fields.String(required=True)
    code = ma.fields.String(required=True)
    name = ma.fields.String(required=True)
    media_type = ma.fields.String(required=True)
    size_bytes = ma.fields.Integer(required=True)
    sha256 = ma.fields.String(required=True)


class AssignedTaskSchema(ma.Schema):
    """A task, complete in itself: the fields of ``task.assigned``, and where it stands."""

    task_id = ma.fields.String(required=True)
    case_no = ma.fields.String(required=True)
    step = ma.fields.String(required=True)
    step_name = ma.fields.String(required=True)
    kind = ma.fields.String(required=True)
    round = ma.fields.Integer(required=True)
    department = ma.fields.String(required=True)
    item_code = ma.fields.String(required=True)
    item_name = ma.fields.String(required=True)
    due_on = ma.fields.String(required=True)
    form = ma.fields.Dict(required=True)
    materials = ma.fields.List(ma.fields.Nested(AssignedMaterialSchema))
    prior_opinions = ma.fields.List(ma.fields.Dict())
    duty = ma.fields.String(
        allow_none=True, metadata={"description": "预审、裁决、核查: the kind, where ``kind`` cannot say it"}
    )
    assignee = ma.fields.String(allow_none=True, metadata={"description": "account that alone may answer"})
    signatures = ma.fields.List(ma.fields.String(), metadata={"description": "officers who have signed so far"})
    item_version = ma.fields.Integer(required=True)
    assigned_at = ma.fields.AwareDateTime(required=True)
    state = ma.fields.String(required=True)
    verdict = ma.fields.String(allow_none=True)
    closed_at = ma.fields.AwareDateTime(allow_none=True)
    traceparent = ma.fields.String(
        allow_none=True, metadata={"description": "W3C Trace Context of the task: send it along with the answer"}
    )


class TaskListSchema(ma.Schema):
    """Open tasks, most urgent first; or answered ones, latest first."""

    tasks = ma.fields.List(ma.fields.Nested(AssignedTaskSchema), required=True)


class TaskQuerySchema(ma.Schema):
    """Open tasks in ``known`` are left out; ``wait_s`` holds the answer up to so many seconds until there is another."""

    state = ma.fields.String(load_default="open", validate=OneOf(("open", "answered")))
    wait_s = ma.fields.Float(load_default=0.0, validate=Range(0, 30))
    known = ma.fields.String(
        load_default="",
        validate=Regexp(r"^[0-9A-Za-z_,-]{0,8000}$"),
        metadata={"description": "task ids, comma separated"},
    )


class ReceivedSchema(ma.Schema):
    """Whether this receipt was the first."""

    task_id = ma.fields.String(required=True)
    first = ma.fields.Boolean(required=True)


class OpinionAnswerSchema(ma.Schema):
    """The recorded answer and where the case stands now."""

    task_id = ma.fields.String(required=True)
    verdict = ma.fields.String(required=True)
    case_no = ma.fields.String(required=True)
    case_state = ma.fields.String(required=True)
    task_state = ma.fields.String(metadata={"description": "open: another officer has to sign"})
