"""一件事: one form and each material once become the applications for the items of a package."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import msgspec

from chassis.errors import Refusal
from contracts.case import CaseMaterial
from contracts.item import Item, MaterialRule, Package, PackagePart
from services.workflow.domain.plan import applicable_materials, holds

HandedIn = Sequence[tuple[str, CaseMaterial]]
"""Materials, each with the item that it was uploaded for."""


@dataclass(frozen=True)
class PartOfBundle:
    """One part that applies: its item and the item's form. ``committed``: with 告知承诺."""

    part: PackagePart
    item: Item
    form: dict[str, Any]
    committed: bool = False

    @property
    def guide(self) -> tuple[MaterialRule, ...]:
        """What the item asks for with these answers."""
        return applicable_materials(self.item, self.form)

    def package_code_of(self, material_code: str) -> str:
        """The package's code for a material of the item."""
        return self.part.materials.get(material_code, material_code)

    def materials(self, by_code: Mapping[str, CaseMaterial]) -> tuple[CaseMaterial, ...]:
        """Those of the bundle that the item asks for, under the item's codes and names."""
        return tuple(
            msgspec.structs.replace(by_code[self.package_code_of(rule.code)], code=rule.code, name=rule.name)
            for rule in self.guide
            if self.package_code_of(rule.code) in by_code
        )

    def later(self, codes: Collection[str], by_code: Collection[str]) -> tuple[str, ...]:
        """What follows later, of the package's ``codes``, under the item's."""
        named = {rule.code: self.package_code_of(rule.code) for rule in self.guide}
        return tuple(code for code, target in named.items() if target in codes and target not in by_code)

    def required(self, later: Collection[str]) -> set[str]:
        """The package's codes of what must be there now."""
        promised = set(self.item.commitment.materials) if self.committed and self.item.commitment else set()
        needed = {self.package_code_of(rule.code) for rule in self.guide if rule.required and rule.code not in promised}
        return needed - set(later)


def parts_that_apply(
    package: Package, form: Mapping[str, Any], left_out: Collection[str] = ()
) -> tuple[PackagePart, ...]:
    """The items that these answers apply for, without those ``left_out``. Raises Refusal ``package_not_applicable`` when there
    is none, ``item_not_in_package`` for what the package does not hold.
    """
    if strangers := sorted(set(left_out) - {part.item_code for part in package.parts}):
        raise Refusal("item_not_in_package", "“一件事”不含该事项 / no such item in the package", items=strangers)
    parts = tuple(part for part in package.parts if holds(part.when, form) and part.item_code not in left_out)
    if not parts:
        raise Refusal(
            "package_not_applicable", "按所填内容无需办理任何事项 / by these answers there is nothing to apply for"
        )
    return parts


def form_asked_for(package: Package, left_out: Collection[str]) -> dict[str, Any]:
    """The package's form, which asks for nothing that only the parts ``left_out`` need."""
    kept = {name for part in package.parts if part.item_code not in left_out for name in part.fields.values()}
    needless = {name for part in package.parts for name in part.fields.values()} - kept
    form: dict[str, Any] = _not_requiring(package.form_schema, needless)
    return form


def _not_requiring(schema: Any, names: Collection[str]) -> Any:
    if isinstance(schema, Mapping):
        return {
            key: [name for name in value if name not in names]
            if key == "required" and isinstance(value, list | tuple)
            else _not_requiring(value, names)
            for key, value in schema.items()
        }
    return [_not_requiring(one, names) for one in schema] if isinstance(schema, list | tuple) else schema


def form_of_part(part: PackagePart, form: Mapping[str, Any]) -> dict[str, Any]:
    """The item's form, filled in from the package's."""
    return {name: form[target] for name, target in part.fields.items() if target in form}


def by_package_code(package: Package, handed_in: HandedIn) -> dict[str, CaseMaterial]:
    """Package's code -> material. Refuses what the package does not name, what comes twice, and what an item could not take."""
    codes = {part.item_code: part.materials for part in package.parts}
    rules = {rule.code: rule for rule in package.materials}
    found: dict[str, CaseMaterial] = {}
    for item_code, material in handed_in:
        target = codes.get(item_code, {}).get(material.code)
        rule = rules.get(target or "")
        if target is None or rule is None:
            raise Refusal(
                "material_not_in_guide",
                "办事指南未列此材料 / the guide does not name this material",
                materials=[material.code],
            )
        if target in found:
            raise Refusal("material_doubled", "同一材料重复提交 / the same material twice", materials=[target])
        if material.media_type not in rule.media_types or material.size_bytes > rule.max_bytes:
            raise Refusal(
                "material_not_for_all",
                "该材料须满足各事项共同的格式和大小要求 / a shared material has to fit the format and size that all items take",
                materials=[target],
                media_types=list(rule.media_types),
                max_bytes=rule.max_bytes,
            )
        found[target] = material
    return found


def check_bundle(parts: Sequence[PartOfBundle], by_code: Mapping[str, CaseMaterial], later: Collection[str]) -> None:
    """Refuse at once what is missing or surplus for the parts together, in the package's codes."""
    asked = {part.package_code_of(rule.code) for part in parts for rule in part.guide}
    if surplus := sorted(by_code.keys() - asked):
        raise Refusal(
            "material_not_in_guide", "所办事项不需要此材料 / no part of it asks for this material", materials=surplus
        )
    if unasked := sorted(set(later) - asked):
        raise Refusal(
            "material_may_not_follow", "该材料不可容缺后补 / this material may not follow later", materials=unasked
        )
    if missing := sorted(set().union(*(part.required(later) for part in parts)) - by_code.keys()):
        raise Refusal("material_missing", "缺少必要材料 / a required material is missing", materials=missing)
