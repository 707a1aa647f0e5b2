"""What may be handed in with an application: all that the guide requires and nothing that it does not name."""

from __future__ import annotations

import unicodedata
from collections.abc import Collection, Mapping, Sequence
from datetime import date
from typing import Any

from chassis.errors import Refusal
from contracts.case import CaseMaterial
from contracts.item import Batch, DeliveryWay, Item, MaterialRule

HOW_TO_RAISE = {
    3: "请在线核验姓名和证件号码。 / Have name and number verified online.",
    4: "请在线核验姓名、证件号码和第三项信息。 / Have name, number and a third item verified online.",
    5: "请携身份证到综合窗口核验。 / Bring the identity card to a counter.",
}
"""What to do for an assurance level; level 2 everybody has."""


def require_version(item: Item, seen: int | None) -> None:
    """Refuse what was written after another version of the guide; None was written after none."""
    if seen is not None and seen != item.version:
        raise Refusal(
            "item_version_superseded",
            "办事指南已更新，请按新版本填报 / the guide has a newer version",
            current_version=item.version,
        )


def require_level(item: Item, level: int) -> None:
    """Refuse who is not sure enough for the item, and say what is needed. Raises Refusal ``level_too_low``."""
    if level < item.min_level:
        raise Refusal(
            "level_too_low",
            f"本事项需实名等级 {item.min_level}，您为 {level}。 / Assurance level {item.min_level} is needed, yours is {level}.",
            required_level=item.min_level,
            level=level,
            how_to_raise=HOW_TO_RAISE[item.min_level],
            raise_at="/api/v1/my/verifications",
        )


def require_printable(form: Mapping[str, Any]) -> None:
    """Refuse control characters other than line breaks and tabs, at any depth."""
    if not _printable(form):
        raise Refusal("form_invalid", "表单含控制字符 / the form has control characters", errors={})


def _printable(value: Any) -> bool:
    if isinstance(value, str):
        return all(character in "\n\t" or unicodedata.category(character) not in ("Cc", "Cs") for character in value)
    if isinstance(value, Mapping):
        return all(_printable(key) and _printable(inner) for key, inner in value.items())
    return not isinstance(value, list) or all(map(_printable, value))


def require_eligible(item: Item, answers: Mapping[str, bool]) -> None:
    """Refuse who does not meet what the item asks before one applies, and say what to do instead."""
    if failed := unmet_conditions(item, answers):
        raise Refusal("not_eligible", "不符合申请条件 / the conditions for applying are not met", otherwise=failed)


def unmet_conditions(item: Item, answers: Mapping[str, bool]) -> dict[str, str]:
    """Question -> what to do instead, of the conditions that these answers do not meet. Raises Refusal
    ``eligibility_unanswered``.
    """
    unasked = sorted(set(answers) - {question.code for question in item.eligibility})
    missing = [question.code for question in item.eligibility if question.code not in answers]
    if missing or unasked:
        raise Refusal(
            "eligibility_unanswered",
            "请先回答本事项的资格问题 / answer the item's questions of eligibility first",
            missing=missing,
            unknown=unasked,
        )
    failed = [question for question in item.eligibility if answers[question.code] is not question.must_be]
    return {question.code: f"{question.otherwise} / {question.otherwise_en}" for question in failed}


def batch_open(item: Item, today: date) -> Batch | None:
    """The round that is open today; None for an item without rounds. Raises Refusal ``outside_batch``."""
    if not item.batches:
        return None
    for batch in item.batches:
        if batch.opens <= today <= batch.closes:
            return batch
    coming = min((batch for batch in item.batches if batch.opens > today), key=lambda b: b.opens, default=None)
    raise Refusal(
        "outside_batch",
        "不在受理批次内 / no round of applications is open",
        next_round=None if coming is None else coming.name,
        opens=None if coming is None else coming.opens.isoformat(),
    )


def require_delivery(item: Item, way: DeliveryWay, address: str | None) -> None:
    """Refuse a way of delivery that the item does not offer, or post without an address."""
    if way not in item.delivery_ways:
        raise Refusal(
            "delivery_way_not_offered",
            "本事项不提供该取件方式 / the item does not offer this way of delivery",
            offered=list(item.delivery_ways),
        )
    if way == "post" and not (address or "").strip():
        raise Refusal("delivery_address_missing", "邮寄须填写地址 / delivery by post needs an address")


def check_promised(guide: Sequence[MaterialRule], promised: Collection[str]) -> None:
    """容缺后补: refuse a promise for what the guide does not let follow later."""
    may_follow = {rule.code for rule in guide if rule.later_working_days is not None}
    if refused := sorted(set(promised) - may_follow):
        raise Refusal(
            "material_may_not_follow",
            "该材料不可容缺后补 / this material may not follow later",
            materials=refused,
            may_follow=sorted(may_follow),
        )


def require_commitment(item: Item) -> tuple[str, ...]:
    """The materials that the commitment of the item stands in for. Raises Refusal ``commitment_not_offered``."""
    if item.commitment is None:
        raise Refusal("commitment_not_offered", "本事项不适用告知承诺 / the item takes no commitment")
    return item.commitment.materials


def check_materials(
    materials: Sequence[CaseMaterial], guide: Sequence[MaterialRule], *, promised: Collection[str] = ()
) -> None:
    """Refuse what is missing, surplus or doubled; ``promised`` need not be there. Source: 国发〔2016〕55号,
    除办事指南明确的条件外不得自行增加.
    """
    known = {rule.code for rule in guide}
    handed_in = [material.code for material in materials]
    surplus = sorted(set(handed_in) - known)
    if surplus:
        raise Refusal(
            "material_not_in_guide", "办事指南未列此材料 / the guide does not name this material", materials=surplus
        )
    doubled = sorted({code for code in handed_in if handed_in.count(code) > 1})
    if doubled:
        raise Refusal("material_doubled", "同一材料重复提交 / the same material twice", materials=doubled)
    missing = sorted(
        rule.code for rule in guide if rule.required and rule.code not in handed_in and rule.code not in promised
    )
    if missing:
        raise Refusal("material_missing", "缺少必要材料 / a required material is missing", materials=missing)
