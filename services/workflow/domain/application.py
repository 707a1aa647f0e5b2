"""What may be handed in with an application: all that the guide requires and nothing that it does not name."""

from __future__ import annotations

from collections.abc import Sequence

from chassis.errors import Refusal
from contracts.case import CaseMaterial
from contracts.item import MaterialRule


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
