"""What the process of an item must keep: limits within the law, extension, special procedures, rounds, promises, questions.

Source: 行政许可法 §42, §45, §50; 国办发〔2020〕42号 (告知承诺).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

from services.catalog.domain import codes
from services.catalog.domain import vocabulary as v
from services.catalog.domain.codes import CodeError
from services.catalog.domain.definition import ItemDefinition
from services.catalog.domain.problems import Problem

WORKING_DAYS, JOINT_WORKING_DAYS = 20, 45
EXTENSION_WORKING_DAYS, JOINT_EXTENSION_WORKING_DAYS = 10, 15


def statutory_rules(item: ItemDefinition) -> Iterator[Problem]:
    """A licence is decided within 20 working days of acceptance, jointly within 45, unless another law says otherwise."""
    most = JOINT_WORKING_DAYS if item.joint else WORKING_DAYS
    limit = item.statutory_limit
    ordinary = limit.unit == "working_day" and limit.amount <= most and item.clock_starts_on == "accepted"
    if item.item_type == v.LICENSING and not ordinary and not item.limit_basis.strip():
        yield Problem(
            "limit_basis_missing",
            "limit_basis",
            f"许可事项的法定时限不是自受理起{most}个工作日以内的，应写明法律依据 / "
            f"a licence whose limit is not {most} working days or less from acceptance needs the law that says so",
        )
    if item.clock_starts_on == "batch_closed" and not item.batches:
        yield Problem(
            "batches_missing",
            "clock_starts_on",
            "自受理期限终止起算的，应有受理批次 / a clock from the close of a round needs rounds",
        )
    if item.joint and len({step.department for step in item.plan}) < 2:
        yield Problem(
            "joint_single_department",
            "joint",
            "联合办理应有两个以上部门 / a joint decision needs two departments or more",
        )


def extension_rules(item: ItemDefinition) -> Iterator[Problem]:
    """延长: once, by 10 working days (15 jointly) at most, with the approval of the right head."""
    extension = item.extension
    if extension is None:
        return
    most = JOINT_EXTENSION_WORKING_DAYS if item.joint else EXTENSION_WORKING_DAYS
    limit = extension.limit
    if item.case_kind == v.IMMEDIATE or limit.amount < 1:
        yield Problem(
            "extension_empty",
            "extension",
            "即办件不得延长，延长应大于零 / only an item that takes time can be extended",
        )
    lawful = limit.unit == "working_day" and limit.amount <= most
    if item.item_type == v.LICENSING and not item.limit_basis.strip() and not lawful:
        yield Problem(
            "extension_too_long",
            "extension.limit",
            f"许可事项的延长不得超过{most}个工作日 / a licence can be extended by {most} working days at most",
        )
    if item.item_type == v.LICENSING and item.joint and extension.approver != "government_head":
        yield Problem(
            "extension_rank",
            "extension.approver",
            "联合办理的延长应由本级人民政府负责人批准 / the head of the government approves an extension of a joint decision",
        )


def special_procedure_rules(item: ItemDefinition) -> Iterator[Problem]:
    """特别程序 have names of their own and an announced time."""
    yield from _repeated("special_procedure", "special_procedures", [one.code for one in item.special_procedures])
    for n, procedure in enumerate(item.special_procedures):
        if procedure.longest.amount < 1:
            yield Problem(
                "special_procedure_limit",
                f"special_procedures.{n}.longest",
                "特别程序应有告知的时长 / the time that a special procedure takes must be announced",
            )


def batch_rules(item: ItemDefinition) -> Iterator[Problem]:
    """受理批次 end after they begin, do not overlap and have names of their own."""
    yield from _repeated("batch", "batches", [batch.name for batch in item.batches])
    for n, batch in enumerate(item.batches):
        if batch.closes < batch.opens:
            yield Problem(
                "batch_dates",
                f"batches.{n}.closes",
                "受理期限的截止日不得早于开始日 / a round cannot close before it opens",
            )
        for other in item.batches[:n]:
            if batch.opens <= other.closes and other.opens <= batch.closes:
                yield Problem(
                    "batches_overlap",
                    f"batches.{n}",
                    f"受理批次“{batch.name}”与“{other.name}”重叠 / the rounds {batch.name_en} and {other.name_en} overlap",
                )


def commitment_rules(item: ItemDefinition) -> Iterator[Problem]:
    """告知承诺 stands in for materials that the item asks for, is checked, and has no place in the fields of risk."""
    promise = item.commitment
    if promise is None:
        return
    known = {material.code for material in item.materials}
    if not promise.materials:
        yield Problem(
            "commitment_empty", "commitment.materials", "应写明可承诺替代的材料 / a commitment stands in for materials"
        )
    for code in promise.materials:
        if code not in known:
            yield Problem(
                "commitment_material_unknown",
                "commitment.materials",
                f"承诺所替代的材料 {code} 不存在 / the item has no material {code}",
            )
    if promise.check_within.amount < 1:
        yield Problem(
            "commitment_check_limit",
            "commitment.check_within",
            "承诺应有核查时限 / a commitment is checked in some time",
        )
    for field in item.risk_fields:
        zh, en = v.RISK_FIELDS[field]
        yield Problem(
            "commitment_excluded_field",
            "commitment",
            f"涉及{zh}的，不适用告知承诺 / no commitment where the item concerns: {en}",
        )


def eligibility_rules(item: ItemDefinition) -> Iterator[Problem]:
    """申请条件自测: each is a question in both languages, asked once."""
    yield from _repeated("eligibility", "eligibility", [question.code for question in item.eligibility])
    for n, one in enumerate(item.eligibility):
        if not one.question.rstrip().endswith(("？", "?")) or not one.question_en.rstrip().endswith("?"):
            yield Problem(
                "eligibility_no_question",
                f"eligibility.{n}.question",
                "应为以问号结尾、可用是或否回答的问题 / it must be a question, to be answered by yes or no",
            )


def delivery_rules(item: ItemDefinition) -> Iterator[Problem]:
    """送达: there is a way; what is wholly online reaches the applicant without a visit."""
    if not item.delivery_ways:
        yield Problem("delivery_way_missing", "delivery_ways", "应有送达方式 / there must be a way of delivery")
    elif item.online_level == v.FULLY_ONLINE and set(item.delivery_ways) == {"pick_up"}:
        yield Problem(
            "fully_online_needs_remote_delivery",
            "delivery_ways",
            "全程网办（Ⅳ级）的结果应可电子送达或邮寄 / a wholly online item is delivered electronically or by post",
        )


def renewal_rules(item: ItemDefinition) -> Iterator[Problem]:
    """延续 renews a type of licence that exists as a code."""
    if item.renewal is None:
        return
    try:
        codes.check_licence_type_code(item.renewal.licence_type)
    except CodeError as error:
        yield Problem("licence_type_code_invalid", "renewal.licence_type", str(error))


def _repeated(what: str, where: str, names: list[str]) -> Iterator[Problem]:
    for name, count in Counter(names).items():
        if count > 1:
            yield Problem(f"{what}_repeated", where, f"“{name}”重复 / {name} is repeated")
