"""一件事一次办: open the cases of a package, all or none."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from chassis.db import Tx
from chassis.errors import Refusal
from contracts.case import Channel
from contracts.item import DeliveryWay, Package
from services.workflow.adapters.drafts import delete_package_draft
from services.workflow.adapters.items import item_in_force
from services.workflow.domain.application import unmet_conditions
from services.workflow.domain.bundle import (
    HandedIn,
    PartOfBundle,
    by_package_code,
    check_bundle,
    form_asked_for,
    form_of_part,
    parts_that_apply,
)
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.deadline import law_date
from services.workflow.domain.opening import Choices
from services.workflow.models import bundles
from services.workflow.use_cases.submit_case import SubmitCase, keep_new, open_one, require_form

LeftOut = dict[str, Any]
"""An item that was left out: ``item_code``, ``item_name``, ``reasons`` (question -> what to do instead)."""


@dataclass(frozen=True, kw_only=True)
class SubmitBundle:
    """One application for several items. ``package_version`` is the version that the applicant saw, if known.

    ``eligibility`` and ``renews_licences`` are by item; ``commitment`` names the items for which the applicant commits;
    ``later`` are the package's codes of what follows; ``leave_out`` the items for which the applicant does not qualify.
    Who hands in is told as in ``SubmitCase``.
    """

    package: Package
    package_version: int | None
    applicant_id: str
    submitted_by: str
    channel: Channel
    form: Mapping[str, Any]
    handed_in: HandedIn
    draft_id: str | None = None
    level: int = 2
    agent_name: str | None = None
    applicant_name: str | None = None
    eligibility: Mapping[str, Mapping[str, bool]] = field(default_factory=dict)
    commitment: tuple[str, ...] = ()
    later: tuple[str, ...] = ()
    delivery_way: DeliveryWay | None = None
    address: str | None = None
    renews_licences: Mapping[str, str] = field(default_factory=dict)
    leave_out: tuple[str, ...] = ()


def items_applied_for(command: SubmitBundle) -> tuple[str, ...]:
    """The items of the parts that apply. Raises Refusal ``package_version_superseded``, ``item_not_in_package``,
    ``form_invalid`` or ``package_not_applicable``.
    """
    package = command.package
    if command.package_version not in (None, package.version):
        raise Refusal(
            "package_version_superseded",
            "“一件事”指南已更新，请按新版本填报 / the package has a newer version",
            current_version=package.version,
        )
    require_form(form_asked_for(package, command.leave_out), command.form)
    return tuple(part.item_code for part in parts_that_apply(package, command.form, command.leave_out))


def submit_bundle(
    tx: Tx, command: SubmitBundle, bundle_no: str, case_nos: Mapping[str, str]
) -> tuple[list[CaseFile], list[LeftOut]]:
    """Open a case for every part that applies, under its number in ``case_nos`` (by item); what was left out, and why.

    Raises Refusal like ``submit_case`` for one item, then with its ``item_code``, or for what the parts share, or
    ``item_not_to_leave_out``.
    """
    today = law_date(tx.now)
    by_code = by_package_code(command.package, command.handed_in)
    parts = []
    left_out = _left_out(tx, command, today)
    for part in parts_that_apply(command.package, command.form, command.leave_out):
        with _telling(part.item_code):
            item = item_in_force(tx.connection, part.item_code, today)
        committed = part.item_code in command.commitment
        parts.append(PartOfBundle(part, item, form_of_part(part, command.form), committed))
    check_bundle(parts, by_code, command.later)
    _check_delivery(parts, command.delivery_way)
    files = []
    for one in parts:
        code = one.item.item_code
        with _telling(code):
            files.append(open_one(tx, _for_part(command, one, bundle_no, by_code), case_nos[code], one.item))
    package = command.package
    row = {
        "bundle_no": bundle_no,
        "package_code": package.package_code,
        "package_version": package.version,
        "lead_department": package.lead_department,
        "applicant_id": command.applicant_id,
        "submitted_at": tx.now,
        "left_out": left_out or None,
    }
    tx.insert(bundles, [row])
    keep_new(tx, files)
    if command.draft_id is not None:
        delete_package_draft(tx, command.draft_id, command.applicant_id, package.package_code)
    return files, left_out


def _left_out(tx: Tx, command: SubmitBundle, today: date) -> list[LeftOut]:
    """Only those who do not qualify for an item leave it out: the package decides otherwise what belongs together."""
    found: list[LeftOut] = []
    for part in parts_that_apply(command.package, command.form):
        if part.item_code not in command.leave_out:
            continue
        with _telling(part.item_code):
            item = item_in_force(tx.connection, part.item_code, today)
            reasons = unmet_conditions(item, command.eligibility.get(part.item_code, {}))
            if not reasons:
                raise Refusal(
                    "item_not_to_leave_out",
                    "您符合该事项的申请条件，不能略去 / the conditions of this item are met; it may not be left out",
                )
        found.append({"item_code": item.item_code, "item_name": item.name, "reasons": reasons})
    return found


def _for_part(command: SubmitBundle, part: PartOfBundle, bundle_no: str, by_code: Mapping[str, Any]) -> SubmitCase:
    code = part.item.item_code
    way = command.delivery_way if command.delivery_way in part.item.delivery_ways else part.item.delivery_ways[0]
    return SubmitCase(
        item_code=code,
        item_version=None,
        applicant_id=command.applicant_id,
        submitted_by=command.submitted_by,
        channel=command.channel,
        form=part.form,
        materials=part.materials(by_code),
        level=command.level,
        agent_name=command.agent_name,
        applicant_name=command.applicant_name,
        choices=Choices(
            later=part.later(command.later, by_code),
            commitment=part.committed,
            delivery_way=way,
            address=command.address if way == "post" else None,
            eligibility=command.eligibility.get(code, {}),
        ),
        renews_licence=command.renews_licences.get(code),
        bundle_no=bundle_no,
    )


def _check_delivery(parts: list[PartOfBundle], way: DeliveryWay | None) -> None:
    offered = sorted({offered for part in parts for offered in part.item.delivery_ways})
    if way is not None and way not in offered:
        raise Refusal(
            "delivery_way_not_offered",
            "所办事项均不提供该取件方式 / none of the items offers this way of delivery",
            offered=offered,
        )


@contextmanager
def _telling(item_code: str) -> Iterator[None]:
    """A refusal says of which item."""
    try:
        yield
    except Refusal as refusal:
        raise Refusal(refusal.code, refusal.detail, **(refusal.facts | {"item_code": item_code})) from refusal
