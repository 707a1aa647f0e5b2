"""What may be handed in with an application: all that the guide requires and nothing that it does not name."""

from __future__ import annotations

import unicodedata
from collections.abc import Mapping, Sequence
from typing import Any

from chassis.errors import Refusal
from contracts.case import CaseMaterial
from contracts.item import Item, MaterialRule

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


def check_materials(materials: Sequence[CaseMaterial], guide: Sequence[MaterialRule]) -> None:
    """Refuse what is missing, surplus or doubled. Source: 国发〔2016〕55号, 除办事指南明确的条件外不得自行增加."""
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
    missing = sorted(rule.code for rule in guide if rule.required and rule.code not in handed_in)
    if missing:
        raise Refusal("material_missing", "缺少必要材料 / a required material is missing", materials=missing)
