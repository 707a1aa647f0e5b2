"""What a package of items must keep to be published. Source: 国办发〔2022〕32号, 国办函〔2024〕3号 (高效办成一件事)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from contracts.item import Item, Package
from services.catalog.domain.conditions import all_hold, combinations, condition_problems
from services.catalog.domain.form_rules import form_rules
from services.catalog.domain.package import PackageDefinition
from services.catalog.domain.plan_paths import MOST_COMBINATIONS
from services.catalog.domain.problems import Problem


def package_problems(definition: PackageDefinition, items: Mapping[str, Item], package: Package) -> list[Problem]:
    """Every breach of ``package``, which ``definition`` makes of ``items``."""
    found = [*_part_rules(definition, items), *form_rules(package.form_schema)]
    conditions = [
        problem
        for n, part in enumerate(definition.parts)
        for problem in condition_problems(part.when, package.form_schema, f"parts.{n}.when")
    ]
    return [*found, *conditions, *([] if conditions else _combination_rules(definition, package))]


def _part_rules(definition: PackageDefinition, items: Mapping[str, Item]) -> Iterator[Problem]:
    codes = [part.item_code for part in definition.parts]
    if len(set(codes)) < 2:
        yield Problem("package_too_small", "parts", "一件事应含两个以上事项 / a package is made of two items or more")
    if len(set(codes)) < len(codes):
        yield Problem("package_part_repeated", "parts", "同一事项只应出现一次 / an item is part of a package once")
    leads = {item.lead_department for item in items.values()}
    if leads and definition.lead_department not in leads:
        yield Problem(
            "package_lead_not_part",
            "lead_department",
            "牵头部门应牵头其中一个事项 / the lead department leads one of the items",
        )


def _combination_rules(definition: PackageDefinition, package: Package) -> Iterator[Problem]:
    """Whatever is answered, some item applies; and every item applies for some answers."""
    found = combinations([part.when for part in definition.parts], package.form_schema, MOST_COMBINATIONS)
    if found is None:
        yield Problem(
            "package_conditions_too_many",
            "parts",
            f"条件的组合超过{MOST_COMBINATIONS}种 / the conditions combine in more than {MOST_COMBINATIONS} ways",
        )
        return
    used: set[str] = set()
    for answers in found:
        applying = {part.item_code for part in definition.parts if all_hold(part.when, answers)}
        used |= applying
        if not applying:
            said = "、".join(f"{name}={answer}" for name, answer in answers.items() if answer is not None) or "—"
            yield Problem(
                "package_nothing_applies",
                "parts",
                f"在 {said} 的情形下，没有适用的事项 / with {said}, no item applies",
            )
            break
    for n, part in enumerate(definition.parts):
        if part.item_code not in used and found:
            yield Problem(
                "package_part_never_applies",
                f"parts.{n}.when",
                "该事项的条件不可能同时成立 / the conditions of this item can never hold together",
            )
