"""May this definition be published? Every problem at once, so that a department mends its guide in one go."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, cast

from services.catalog.domain import guide_rules as g
from services.catalog.domain import material_rules as m
from services.catalog.domain import plan_rules as p
from services.catalog.domain import process_rules as c
from services.catalog.domain import service_rules as s
from services.catalog.domain.definition import ItemDefinition
from services.catalog.domain.form_rules import form_rules, printed_fields_rules
from services.catalog.domain.plan_paths import condition_rules as plan_conditions
from services.catalog.domain.problems import Problem


@dataclass(frozen=True)
class Rule:
    """``check`` yields every breach; ``reads`` are the elements that it looks at, without which it cannot judge."""

    check: Callable[[ItemDefinition], Iterator[Problem]]
    reads: frozenset[str]


def _rule(check: Callable[[ItemDefinition], Iterator[Problem]], reads: str) -> Rule:
    return Rule(check, frozenset(reads.split()))


RULES: tuple[Rule, ...] = (
    _rule(g.code_rules, "item_code basic_code item_type former_basic_code"),
    _rule(g.handling_item_rules, "item_code handling_items"),
    _rule(g.limit_rules, "statutory_limit committed_limit case_kind"),
    _rule(g.handling_rules, "on_site_visits on_site_reason online_level handling_forms"),
    _rule(g.fee_rules, "fee"),
    _rule(g.contact_rules, "office"),
    _rule(g.topic_rules, "service_objects person_topics organisation_topics"),
    _rule(g.presence_rules, "item_type bases conditions service_objects handling_forms faqs flow"),
    _rule(g.result_rules, "result"),
    _rule(m.material_rules, "materials on_site_visits"),
    _rule(m.condition_rules, "materials form_schema"),
    _rule(m.later_rules, "materials"),
    _rule(
        p.plan_rules, "plan lead_department flow commitment batches form_schema committed_limit",
    ),
    _rule(plan_conditions, "plan form_schema"),
    _rule(p.view_rules, "plan materials form_schema"),
    _rule(c.statutory_rules, "item_type joint statutory_limit clock_starts_on limit_basis batches plan"),
    _rule(c.extension_rules, "extension joint case_kind item_type limit_basis"),
    _rule(c.special_procedure_rules, "special_procedures"),
    _rule(c.batch_rules, "batches"),
    _rule(c.commitment_rules, "commitment materials risk_fields"),
    _rule(c.eligibility_rules, "eligibility"),
    _rule(c.delivery_rules, "delivery_ways online_level"),
    _rule(c.renewal_rules, "renewal"),
    _rule(s.publicity_rules, "secrecy cancel_on effective_from"),
    _rule(s.partner_rules, "power_source entrusting_agency joint_agencies plan lead_department"),
    _rule(s.venue_rules, "venues appointments entry_centre handling_forms"),
    _rule(s.channel_rules, "enquiry_channels complaint_channels"),
    _rule(s.online_rules, "online_depths online_level result delivery_ways online_url mobile_url handling_forms"),
    _rule(s.reference_rules, "examination_rules intermediary_services flow plan materials"),
    _rule(lambda item: form_rules(item.form_schema), "form_schema"),
    _rule(lambda item: printed_fields_rules(item.result.licence.printed_fields, item.form_schema), "result form_schema"),
)  # fmt: skip


def findings(item: ItemDefinition) -> list[Problem]:
    """Everything to be said of ``item``: what keeps it from being published, and advice."""
    return [problem for rule in RULES for problem in rule.check(item)]


def partial_findings(elements: Any, known: frozenset[str]) -> list[Problem]:
    """What can be said of a definition of which only the ``known`` elements could be read: the attributes of ``elements``."""
    item = cast("ItemDefinition", elements)
    return [problem for rule in RULES if rule.reads <= known for problem in rule.check(item)]


def publishing_problems(item: ItemDefinition) -> list[Problem]:
    """Everything that keeps ``item`` from being published; empty when nothing does."""
    return [problem for problem in findings(item) if not problem.advice]
