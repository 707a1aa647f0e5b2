"""What the API of the information-sharing catalogue takes and gives."""

from __future__ import annotations

import marshmallow as ma
from marshmallow.validate import Length, OneOf, Range, Regexp

from services.catalog.adapters.plain_json import require_plain_text
from services.catalog.adapters.schema_fields import one_of, words
from services.catalog.api.schemas import SHORT
from services.catalog.domain import sharing as s

FIELD_CODE = Regexp(r"^[A-Za-z][A-Za-z0-9_]{0,59}\Z")
RESOURCE_CODE = Regexp(rf"^{s.CODE.pattern}\Z")
UUID = Regexp(r"^([0-9a-f-]{36})?\Z")


def optional(longest: int) -> ma.fields.String:
    """A text that may be left out."""
    return ma.fields.String(load_default="", validate=[Length(max=longest), require_plain_text])


def field_codes(*, required: bool = True) -> ma.fields.List[str]:
    """``fields``: codes of information items. (A schema's own attribute of that name is taken.)"""
    needed = {"required": True, "validate": Length(1, 200)} if required else {"load_default": list}
    return ma.fields.List(ma.fields.String(validate=FIELD_CODE), data_key="fields", attribute="fields", **needed)


class ResourceFieldSchema(ma.Schema):
    """信息项."""

    code = ma.fields.String(required=True, validate=FIELD_CODE)
    name, name_en = words(100), words(200)
    type = one_of(s.FIELD_TYPES)


class ResourceSchema(ma.Schema):
    """政务信息资源, as its provider writes it."""

    name, name_en = words(200), words(300)
    summary, summary_en = words(1000), words(2000)
    format = one_of(s.FORMATS, "格式")
    fields_ = ma.fields.List(
        ma.fields.Nested(ResourceFieldSchema),
        data_key="fields",
        attribute="fields",
        required=True,
        validate=Length(max=200),
    )
    sharing_type = one_of(s.SHARING_TYPES, "共享类型")
    way = one_of(s.WAYS, "共享方式")
    update_cycle = one_of(s.CYCLES, "更新周期")
    conditions, law = optional(1000), optional(1000)
    open_to_public = ma.fields.Boolean(load_default=False, metadata={"description": "是否向社会开放"})
    open_conditions = optional(1000)
    related = ma.fields.List(ma.fields.String(validate=RESOURCE_CODE), load_default=list, validate=Length(max=50))


class ShownResourceSchema(ResourceSchema):
    """A resource in the catalogue."""

    resource_code = ma.fields.String()
    provider = ma.fields.String()
    version = ma.fields.Integer()
    published_at = ma.fields.AwareDateTime()
    withdrawn_at = ma.fields.AwareDateTime(allow_none=True)
    withdrawn_reason = ma.fields.String(allow_none=True)


class ResourceQuerySchema(ma.Schema):
    """Filters of the list."""

    q = ma.fields.String(load_default="", validate=SHORT, metadata={"description": "名称或代码 / in name or code"})
    provider = ma.fields.String(load_default="", validate=SHORT)
    sharing_type = ma.fields.String(load_default="", validate=OneOf(("", *s.SHARING_TYPES)))
    after = ma.fields.String(load_default="", validate=Regexp(rf"^({s.CODE.pattern})?\Z"))
    page_size = ma.fields.Integer(load_default=50, validate=Range(1, 200))


class ResourceListSchema(ma.Schema):
    """A page; ``next`` goes into ``after`` for the next one."""

    resources = ma.fields.List(ma.fields.Nested(ShownResourceSchema))
    next = ma.fields.String(allow_none=True)


class ResourceVersionSchema(ma.Schema):
    """The version that says what was handed in."""

    resource_code = ma.fields.String()
    version = ma.fields.Integer()


class ReasonSchema(ma.Schema):
    """Why."""

    reason = words(1000)


class ResourceWithdrawalSchema(ma.Schema):
    """The end of a resource in the catalogue."""

    resource_code = ma.fields.String()
    reason = ma.fields.String()


class ApplicationRequestSchema(ma.Schema):
    """共享申请."""

    resource_code = ma.fields.String(required=True, validate=RESOURCE_CODE)
    item_code = words(40, about="为哪个事项 / for which item")
    purpose = words(200, about="使用理由，不超过200字 / why, 200 characters at most")
    fields_ = field_codes()


class ApplicationQuerySchema(ma.Schema):
    """Filters of the list."""

    state = ma.fields.String(load_default="", validate=OneOf(("", *s.NEXT)))
    before = ma.fields.String(load_default="", validate=UUID, metadata={"description": "last id of the page before"})
    page_size = ma.fields.Integer(load_default=50, validate=Range(1, 200))


class UseSchema(ma.Schema):
    """A use that was recorded."""

    use_id = ma.fields.String()
    case_no = ma.fields.String()
    fields_ = ma.fields.List(ma.fields.String(), data_key="fields", attribute="used")
    by = ma.fields.String()
    at = ma.fields.AwareDateTime()


class ApplicationSchema(ma.Schema):
    """An application and what became of it. ``overdue_at``: when the provider's silence was noted."""

    application_id = ma.fields.String()
    resource_code = ma.fields.String()
    provider = ma.fields.String()
    department = ma.fields.String()
    item_code = ma.fields.String()
    purpose = ma.fields.String()
    fields_ = ma.fields.List(ma.fields.String(), data_key="fields", attribute="asked")
    state = ma.fields.String(metadata={"enum": list(s.NEXT)})
    applied_by = ma.fields.String()
    applied_at = ma.fields.AwareDateTime()
    answer_due = ma.fields.Date(metadata={"description": "答复期限（10个工作日）/ last day for the answer"})
    overdue_at = ma.fields.AwareDateTime(allow_none=True)
    granted_fields = ma.fields.List(ma.fields.String())
    reason = ma.fields.String()
    answered_by = ma.fields.String(allow_none=True)
    answered_at = ma.fields.AwareDateTime(allow_none=True)
    ended_by = ma.fields.String(allow_none=True)
    ended_at = ma.fields.AwareDateTime(allow_none=True)


class WholeApplicationSchema(ApplicationSchema):
    """With the newest uses under its grant."""

    uses = ma.fields.List(ma.fields.Nested(UseSchema))


class ApplicationListSchema(ma.Schema):
    """A page, newest first; ``next`` goes into ``before`` for the next one."""

    applications = ma.fields.List(ma.fields.Nested(ApplicationSchema))
    next = ma.fields.String(allow_none=True)


class AnswerSchema(ma.Schema):
    """答复: the fields granted, or none of them and the reason."""

    grant = ma.fields.Boolean(required=True)
    fields_ = field_codes(required=False)
    reason = optional(1000)


class UseRequestSchema(ma.Schema):
    """共享使用."""

    case_no = words(50, about="办件编号")
    fields_ = field_codes()


class ChangedSchema(ma.Schema):
    """The application after the change."""

    application_id = ma.fields.String()
    state = ma.fields.String()


class RecordedSchema(ma.Schema):
    """The record of a use."""

    use_id = ma.fields.String()
