"""What the guide of an item must keep to be published: codes, limits, ways of handling, fee, contacts, result.

Source: the catalogue's publishing rules (实施清单填报要求), 政务服务事项 code lists.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from services.catalog.domain import codes
from services.catalog.domain import vocabulary as v
from services.catalog.domain.codes import CodeError
from services.catalog.domain.definition import ItemDefinition
from services.catalog.domain.material_rules import attachment_problems
from services.catalog.domain.problems import Problem

LICENSING_STAGES = 5


def code_rules(item: ItemDefinition) -> Iterator[Problem]:
    """The codes are valid and agree with each other and with the item type."""
    yield from _checked(codes.parse_item_code, item.item_code, "item_code_invalid", "item_code")
    yield from _checked(codes.parse_basic_code, item.basic_code, "basic_code_invalid", "basic_code")
    if item.item_code[19:] != item.basic_code:
        yield Problem(
            "item_code_mismatch",
            "item_code",
            "实施编码后12位应为基本编码 / the implementing code must end with the basic code",
        )
    if item.former_basic_code:
        yield from _checked(codes.parse_former_code, item.former_basic_code, "former_code_invalid", "former_basic_code")
    if item.basic_code[2:4] != item.item_type:
        yield Problem(
            "item_type_mismatch",
            "item_type",
            "事项类型应与基本编码类型段一致 / the item type must be the one in the basic code",
        )


def handling_item_rules(item: ItemDefinition) -> Iterator[Problem]:
    """业务办理项 carry the item's code and a sequence of their own."""
    seen: set[str] = set()
    for n, handling in enumerate(item.handling_items):
        where = f"handling_items.{n}.code"
        yield from _checked(codes.parse_handling_code, handling.code, "handling_code_invalid", where)
        if not handling.code.startswith(item.item_code) or handling.code in seen:
            yield Problem(
                "handling_code_mismatch",
                where,
                "业务办理项编码应以本事项实施编码开头且不重复 / must start with the item's code and be unique",
            )
        seen.add(handling.code)


def limit_rules(item: ItemDefinition) -> Iterator[Problem]:
    """承诺时限 ≤ 法定时限 in the same unit; 即办 ⇔ 即办件."""
    statutory, committed = item.statutory_limit, item.committed_limit
    immediate = committed.amount == 0
    if not immediate and statutory.unit != committed.unit:
        yield Problem(
            "limit_units_differ",
            "committed_limit.unit",
            "承诺时限与法定时限单位应一致，方可比较 / both limits must be in the same unit to be compared",
        )
    elif committed.amount > statutory.amount:
        yield Problem(
            "committed_limit_exceeds_statutory",
            "committed_limit.amount",
            "承诺时限不得长于法定时限 / the committed limit must not exceed the statutory limit",
        )
    if immediate != (item.case_kind == v.IMMEDIATE):
        yield Problem(
            "immediate_mismatch",
            "case_kind",
            "承诺时限为即办的，应为即办件，反之亦然 / a limit of zero and the kind 即办件 go together",
        )


def handling_rules(item: ItemDefinition) -> Iterator[Problem]:
    """到办事现场次数 agrees with its reason, the forms of handling and the online level."""
    if item.on_site_visits > 0 and not item.on_site_reason.strip():
        yield Problem("on_site_reason_missing", "on_site_reason", "须到现场的，应说明原因 / visits need a reason")
    if item.on_site_visits == 0 and item.online_level == v.OFFLINE and v.POST not in item.handling_forms:
        yield Problem(
            "no_way_to_apply",
            "handling_forms",
            "不到现场且不网办的，应支持快递申请 / without visits and online handling, applications by post must be possible",
        )
    if item.online_level == v.FULLY_ONLINE and item.on_site_visits > 0:
        yield Problem(
            "fully_online_needs_no_visit",
            "on_site_visits",
            "全程网办（Ⅳ级）的到现场次数应为0 / a wholly online item needs no visit",
        )


def fee_rules(item: ItemDefinition) -> Iterator[Problem]:
    """收费 has basis, standard and online payment; 不收费 has none of them."""
    fee = item.fee
    if fee.charged and not (fee.basis.strip() and fee.standard.strip() and fee.online_payment):
        yield Problem(
            "fee_incomplete",
            "fee",
            "收费的，应有依据、标准并支持网上支付 / a fee needs basis, standard and online payment",
        )
    if not fee.charged and (fee.basis or fee.standard or fee.online_payment):
        yield Problem(
            "fee_without_charge",
            "fee",
            "不收费的，不得有收费依据、标准或网上支付 / without a fee there is no basis, standard or payment",
        )
    if not fee.charged and fee.items:
        yield Problem(
            "fee_items_without_charge",
            "fee.items",
            "不收费的，不得有收费项目 / without a fee there is nothing to pay for",
        )
    seen: set[str] = set()
    for n, one in enumerate(fee.items):
        if one.code in seen:
            yield Problem(
                "fee_item_repeated", f"fee.items.{n}.code", f"收费项目 {one.code} 重复 / fee {one.code} is repeated"
            )
        seen.add(one.code)


def contact_rules(item: ItemDefinition) -> Iterator[Problem]:
    """咨询电话 and 监督投诉电话 are present and differ."""
    consultation, complaint = item.office.consultation_phone.strip(), item.office.complaint_phone.strip()
    for name, phone in (("consultation_phone", consultation), ("complaint_phone", complaint)):
        if not phone:
            yield Problem(
                "phone_missing", f"office.{name}", "咨询电话和监督投诉电话均不得为空 / both phone numbers are required"
            )
    if consultation and _digits(consultation) == _digits(complaint):
        yield Problem(
            "phones_equal",
            "office.complaint_phone",
            "咨询电话与监督投诉电话不得相同 / consultation and complaint numbers must differ",
        )


def topic_rules(item: ItemDefinition) -> Iterator[Problem]:
    """主题分类 exists for exactly the kinds of people that the item serves."""
    persons = v.PERSON in item.service_objects
    organisations = any(code != v.PERSON for code in item.service_objects)
    for served, topics, where in (
        (persons, item.person_topics, "person_topics"),
        (organisations, item.organisation_topics, "organisation_topics"),
    ):
        if served != bool(topics):
            yield Problem("topics_mismatch", where, "服务对象与主题分类应一致 / topics must match the service objects")


def presence_rules(item: ItemDefinition) -> Iterator[Problem]:
    """设定依据, 受理条件 and 服务对象 are there; licensing has FAQs and the five stages."""
    for name in ("bases", "conditions", "service_objects", "handling_forms"):
        if not getattr(item, name):
            yield Problem("element_missing", name, "必填要素缺失 / a required element is missing")
    if item.item_type != v.LICENSING:
        return
    if not item.faqs:
        yield Problem("faq_missing", "faqs", "许可事项应有常见问题 / a licensing item needs at least one FAQ")
    if len(item.flow) < LICENSING_STAGES:
        yield Problem(
            "flow_too_short",
            "flow",
            "许可事项至少五个环节：受理、审核、审批、办结、送达 / a licensing item has at least five stages",
        )


def result_rules(item: ItemDefinition) -> Iterator[Problem]:
    """The result is a certificate if it is called one, has a specimen, and valid codes."""
    result = item.result
    if result.licence.name.endswith("证") and result.kind != v.CERTIFICATE:
        yield Problem(
            "certificate_kind_mismatch",
            "result.kind",
            "结果名称以“证”结尾的，应为证照 / a result named 证 must be a certificate",
        )
    if not result.sample:
        yield Problem(
            "result_sample_missing", "result.sample", "有审批结果的，应有结果样本 / a result needs a specimen"
        )
    yield from attachment_problems(result.sample_document, "result.sample_document")
    type_code, issuer = result.licence.type_code, result.licence.issuer_uscc
    yield from _checked(
        codes.check_licence_type_code, type_code, "licence_type_code_invalid", "result.licence.type_code"
    )
    yield from _checked(codes.check_uscc, issuer, "uscc_invalid", "result.licence.issuer_uscc")


def _checked(check: Callable[[str], object], code: str, problem: str, where: str) -> Iterator[Problem]:
    try:
        check(code)
    except CodeError as error:
        yield Problem(problem, where, str(error))


def _digits(phone: str) -> str:
    return "".join(c for c in phone if c.isdigit())
