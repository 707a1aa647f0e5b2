"""May this definition be published? Every problem at once, so that a department mends its guide in one go."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from services.catalog.domain import guide_rules
from services.catalog.domain.definition import ItemDefinition
from services.catalog.domain.form_rules import form_rules, printed_fields_rules
from services.catalog.domain.material_rules import material_rules
from services.catalog.domain.plan_rules import plan_rules
from services.catalog.domain.problems import Problem

RULES: tuple[Callable[[ItemDefinition], Iterator[Problem]], ...] = (
    guide_rules.code_rules,
    guide_rules.handling_item_rules,
    guide_rules.limit_rules,
    guide_rules.handling_rules,
    guide_rules.fee_rules,
    guide_rules.contact_rules,
    guide_rules.topic_rules,
    guide_rules.presence_rules,
    guide_rules.result_rules,
    material_rules,
    plan_rules,
    lambda item: form_rules(item.form_schema),
    lambda item: printed_fields_rules(item.result.licence.printed_fields, item.form_schema),
)


def publishing_problems(item: ItemDefinition) -> list[Problem]:
    """Everything that keeps ``item`` from being published; empty when nothing does."""
    return [problem for rule in RULES for problem in rule(item)]
