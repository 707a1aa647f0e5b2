"""The written form of what the process is made of: limits, conditions, steps, procedures, rounds (``contracts.item``)."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow.validate import Length, Range

from services.catalog.adapters.plain_json import require_plain_text
from services.catalog.adapters.schema_fields import (
    LawDate,
    names,
    one_of,
    optional_many,
    optional_one_of,
    optional_part,
    optional_short_name,
    optional_whole,
    short_name,
    whole,
    words,
)
from services.catalog.domain import vocabulary as v


def require_answer(value: Any) -> None:
    """Raises ValidationError for what is no answer of a form: a text, a number, yes or no."""
    if isinstance(value, str):
        require_plain_text(value)
    elif not isinstance(value, bool | int | float):
        raise ma.ValidationError("应为文本、数值或是否 / must be a text, a number, true or false")


class LimitSchema(ma.Schema):
    """时限; zero means 即办."""

    amount = whole(0, 3650)
    unit = one_of(v.LIMIT_UNITS)


class ConditionSchema(ma.Schema):
    """适用条件: of the form's answers."""

    field = words(100, about="填写项 / field of the form")
    one_of = ma.fields.List(ma.fields.Raw(validate=require_answer), load_default=list, validate=Length(max=50))
    at_least = ma.fields.Float(load_default=None, allow_none=True)
    at_most = ma.fields.Float(load_default=None, allow_none=True)


class PlanStepSchema(ma.Schema):
    """一个部门的一个环节. One of ``limit_working_days`` and ``limit`` is needed."""

    step = short_name("step, unique in the plan")
    name, name_en = words(100), words(200)
    department = short_name("department code")
    kind = one_of(v.STEP_KINDS)
    limit_working_days = optional_whole(1, 365)
    after = ma.fields.List(ma.fields.String(validate=Length(max=40)), load_default=list, validate=Length(max=100))
    when = optional_many(ConditionSchema, 20, "仅在各条件均成立时办理 / applies only if all conditions hold")
    limit = optional_part(LimitSchema, "时限，非工作日计的 / the limit where it is not in working days")
    starts_on = optional_one_of(v.START_EVENTS, "assigned", "起算 / what starts the limit")
    stage = optional_short_name("阶段 / code of a stage of the flow")
    materials = ma.fields.List(
        ma.fields.String(validate=Length(max=40)),
        load_default=None,
        allow_none=True,
        validate=Length(max=100),
        metadata={"description": "部门可见的材料，缺省为全部 / materials that the department sees; all when left out"},
    )
    fields_ = ma.fields.List(
        ma.fields.String(validate=Length(max=100)),
        data_key="fields",
        attribute="fields",
        load_default=None,
        allow_none=True,
        validate=Length(max=200),
        metadata={"description": "部门可见的填写项，缺省为全部 / fields that the department sees; all when left out"},
    )
    officers = ma.fields.Integer(
        load_default=1, strict=True, validate=Range(1, 5), metadata={"description": "核查人数"}
    )

    @ma.post_load
    def _working_days(self, loaded: dict[str, Any], **_: Any) -> dict[str, Any]:
        """What is given in days or months is also told in working days, for the readers that know no other unit."""
        if loaded["limit_working_days"] is None:
            if loaded["limit"] is None:
                raise ma.ValidationError("应写明时限 / a limit is needed", "limit_working_days")
            loaded["limit_working_days"] = _in_working_days(**loaded["limit"])
        return loaded


def _in_working_days(amount: int, unit: str) -> int:
    """At least one; five of seven days, 21 of a month."""
    return max(1, {"working_day": amount, "day": amount * 5 // 7, "month": amount * 21}[unit])


class LicenceTemplateSchema(ma.Schema):
    """审批结果的证照."""

    name, name_en = words(200), words(300)
    type_code = words(40, about="证照类型代码 / definer's credit code and 3 digits")
    issuer_name = words(200)
    issuer_uscc = words(40)
    valid_years = optional_whole(1, 100)
    printed_fields = ma.fields.List(
        ma.fields.String(validate=Length(min=1, max=100)),
        load_default=list,
        validate=Length(max=40),
        metadata={"description": "证照上打印的填写项 / fields of the form that stand on the licence"},
    )


class ExtensionSchema(ma.Schema):
    """延长办理期限."""

    limit = ma.fields.Nested(LimitSchema, required=True)
    approver = one_of(v.RANKS)


class SpecialProcedureSchema(ma.Schema):
    """特别程序."""

    code = short_name()
    name, name_en = words(100), words(200)
    longest = ma.fields.Nested(LimitSchema, required=True)


class BatchSchema(ma.Schema):
    """受理批次."""

    name, name_en = words(100), words(200)
    opens, closes = LawDate(required=True), LawDate(required=True)


class CommitmentSchema(ma.Schema):
    """告知承诺."""

    materials = names("可承诺替代的材料 / materials that the promise stands in for")
    text, text_en = words(3000), words(5000)
    check_within = ma.fields.Nested(LimitSchema, required=True)


class EligibilityQuestionSchema(ma.Schema):
    """申请条件自测."""

    code = short_name()
    question, question_en = words(300), words(500)
    must_be = ma.fields.Boolean(required=True)
    otherwise, otherwise_en = words(500), words(800)


class RenewalSchema(ma.Schema):
    """延续."""

    licence_type = words(40)
    days_before_expiry = ma.fields.Integer(load_default=30, strict=True, validate=Range(1, 365))
