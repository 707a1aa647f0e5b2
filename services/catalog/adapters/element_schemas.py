"""The written form of a guide's parts (``domain.elements``)."""

from __future__ import annotations

from typing import Any

import marshmallow as ma
from marshmallow.validate import Length, Range, Regexp

from services.catalog.adapters.plain_json import require_plain_text
from services.catalog.adapters.process_schemas import ConditionSchema
from services.catalog.adapters.schema_fields import (
    flag,
    many,
    one_of,
    optional_many,
    optional_part,
    optional_short_name,
    optional_whole,
    optional_words,
    short_name,
    web_address,
    whole,
    words,
)
from services.catalog.domain import vocabulary as v

CLOCK_TIME = r"^([01][0-9]|2[0-3]):[0-5][0-9]\Z"


class LegalBasisSchema(ma.Schema):
    """设定依据."""

    title, title_en = words(200), words(300)
    article = words(60, may_be_empty=True, about="条款，如 第十五条")
    text = words(4000)
    number = optional_words(100, "文号 / number of the document")
    url = web_address("全文链接 / full text")


class AgencySchema(ma.Schema):
    """实施主体."""

    name, name_en = words(200), words(300)
    kind = one_of(v.AGENCY_KINDS)


class EntrustingAgencySchema(ma.Schema):
    """委托部门."""

    name, name_en = words(200), words(300)
    uscc = words(40, about="统一社会信用代码 / credit code")
    basis = words(500, about="委托依据 / basis of the entrustment")


class JointAgencySchema(ma.Schema):
    """联办机构."""

    name, name_en = words(200), words(300)
    department = optional_short_name("部门编码 / department code")


class WordsSchema(ma.Schema):
    """A sentence in both languages."""

    text, text_en = words(2000), words(3000)


class StageSchema(ma.Schema):
    """办理流程的一个环节."""

    name, name_en = words(60), words(100)
    text, text_en = words(1000), words(2000)
    code = optional_short_name("阶段，供办理环节引用 / name that steps of the plan use")


class FeeItemSchema(ma.Schema):
    """收费项目."""

    code = short_name()
    name, name_en = words(200), words(300)
    basis = words(1000)
    standard, standard_en = words(500), words(800)
    amount_cents = optional_whole(0, 10**9, "定额，分 / fixed sum in cents")
    reductions = optional_many(WordsSchema, 20, "减免情形 / reductions")


class FeeSchema(ma.Schema):
    """收费."""

    charged = ma.fields.Boolean(required=True)
    basis, standard = optional_words(1000), optional_words(1000)
    online_payment = flag("支持网上支付")
    items = optional_many(FeeItemSchema, 50, "收费项目 / what is charged for")

    def get_attribute(self, obj: Any, attr: str, default: Any) -> Any:
        """A fee is a mapping, whose method ``items`` is not what it charges for."""
        return obj.get(attr, default)


class OfficeSchema(ma.Schema):
    """办理地点、时间和电话."""

    address, address_en = words(300), words(400)
    hours, hours_en = words(200), words(300)
    consultation_phone = words(40, may_be_empty=True, about="咨询电话")
    complaint_phone = words(40, may_be_empty=True, about="监督投诉电话")


class OpeningHoursSchema(ma.Schema):
    """办理时间."""

    weekdays = ma.fields.List(
        ma.fields.Integer(strict=True, validate=Range(1, 7)), required=True, validate=Length(min=1, max=7)
    )
    opens = ma.fields.String(required=True, validate=Regexp(CLOCK_TIME))
    closes = ma.fields.String(required=True, validate=Regexp(CLOCK_TIME))


class VenueSchema(ma.Schema):
    """办理地点."""

    name, name_en = words(200), words(300)
    address, address_en = words(300), words(400)
    hours = many(OpeningHoursSchema, 14)
    window, phone = optional_words(100, "窗口号 / counter"), optional_words(40)


class ChannelSchema(ma.Schema):
    """咨询、投诉方式."""

    kind = one_of(v.CHANNEL_KINDS)
    address = words(500)
    note, note_en = optional_words(300), optional_words(400)


class AttachmentSchema(ma.Schema):
    """空白表格、示例样表、结果样本: a link, or the lines that it says."""

    name, name_en = words(200), words(300)
    url = web_address()
    lines = ma.fields.Dict(
        keys=ma.fields.String(validate=[Length(min=1, max=100), require_plain_text]),
        values=ma.fields.String(validate=[Length(max=1000), require_plain_text]),
        load_default=dict,
        validate=Length(max=100),
    )


class MaterialSchema(ma.Schema):
    """申请材料."""

    code = short_name("material code")
    name, name_en = words(200), words(300)
    required = ma.fields.Boolean(required=True)
    basis = words(500, may_be_empty=True, about="要求提供的依据")
    media_types = ma.fields.List(ma.fields.String(validate=Length(max=80)), required=True, validate=Length(max=20))
    max_bytes = whole(0, 2**31 - 1, "上限，字节 / bytes of one file at most")
    kind, form, source = one_of(v.MATERIAL_KINDS), one_of(v.MATERIAL_FORMS), one_of(v.MATERIAL_SOURCES)
    copies = whole(0, 20, "纸质份数")
    signature, signature_en = words(300), words(400)
    filling_guide, filling_guide_en = words(2000), words(3000)
    main = flag("主要材料 / a main material, never handed in later")
    originals = optional_whole(0, 20, "其中原件份数 / originals among the copies")
    photocopies = optional_whole(0, 20, "其中复印件份数 / photocopies among the copies")
    page_format = optional_words(100, "规格，如 A4")
    in_person = flag("须本人到场 / handed in in person")
    blank_form = optional_part(AttachmentSchema, "空白表格")
    sample = optional_part(AttachmentSchema, "示例样表")
    acceptance_standard = optional_part(WordsSchema, "受理标准")
    source_note = optional_part(WordsSchema, "来源渠道说明")
    issuing_agency, issuing_agency_en = optional_words(200, "核发机关"), optional_words(300)
    when = optional_many(ConditionSchema, 20, "仅在各条件均成立时要求 / asked for only if all conditions hold")
    not_required = optional_part(WordsSchema, "非必要时办理情形")
    later_working_days = optional_whole(
        1, 60, "容缺后补期限，工作日 / may follow so many working days after acceptance"
    )
    licence_type = ma.fields.String(
        load_default=None,
        allow_none=True,
        validate=Length(min=1, max=40),
        metadata={"description": "可替代该材料的证照类型代码（免提交）/ type of the licence that stands in for it"},
    )


class FaqSchema(ma.Schema):
    """常见问题."""

    question, question_en = words(500), words(800)
    answer, answer_en = words(3000), words(5000)


class HandlingItemSchema(ma.Schema):
    """业务办理项."""

    code = words(40)
    name, name_en = words(200), words(300)


class ExaminationRuleSchema(ma.Schema):
    """审查要点."""

    point, point_en = words(300), words(500)
    standard, standard_en = words(1000), words(2000)
    step = optional_short_name("环节 / step of the plan; empty: every step")
    basis = optional_words(500)


class PolicySchema(ma.Schema):
    """法律法规和政策文件."""

    kind = one_of(v.POLICY_KINDS)
    title, title_en = words(300), words(500)
    number, url = optional_words(100, "文号"), web_address()


class IntermediaryServiceSchema(ma.Schema):
    """中介服务."""

    name, name_en = words(200), words(300)
    basis = words(1000)
    providers, providers_en = words(500, about="服务机构条件 / who may do it"), words(800)
    fee, fee_en = words(500, about="收费 / what it costs"), words(800)
    material = optional_short_name("形成的材料 / material that comes of it")
