"""Every item that is shipped runs its whole way by what its catalogue file says: no rule knows an item."""

from __future__ import annotations

from datetime import date, timedelta
from pathlib import Path

import msgspec
import pytest

from chassis.errors import Refusal
from contracts.case import CaseApproved, CaseClosed
from contracts.item import Item
from services.catalog.adapters.catalog_files import read_entry
from services.catalog.domain.definition import to_item
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.domain import lifecycle
from services.workflow.domain.clocks import clocks_of
from services.workflow.domain.delivery import move_shipment, pick_up, ship
from services.workflow.domain.opening import RenewedLicence
from services.workflow.domain.plan import applicable_materials
from services.workflow.domain.states import CaseState
from tests.services.workflow.pure import LEAD, MONDAY, Case

FILES = sorted((Path(__file__).resolve().parents[3] / "catalogs" / "items").glob("*.yaml"))


def opened(item: Item, *, commitment: bool = False) -> Case:
    """A case of the item as its form's example applies for it."""
    form = dict((item.form_schema.get("examples") or [{}])[0])
    day = item.batches[0].opens if item.batches else MONDAY
    spared = item.commitment.materials if commitment and item.commitment else ()
    needed = [rule.code for rule in applicable_materials(item, form) if rule.required and rule.code not in spared]
    renewed = item.renewal and RenewedLicence("1.2", item.renewal.licence_type, day + timedelta(days=90))
    return Case(
        item,
        papers=needed,
        form=form,
        on=day,
        commitment=commitment,
        address="云溪县学府路1号",
        eligibility={question.code: question.must_be for question in item.eligibility},
        renews=renewed,
    )


def agree_with_everything(case: Case) -> None:
    for _ in range(50):
        if not case.open():
            break
        for step in case.open():
            if step in case.open():
                case.answer(step, officer="甲、乙")
    if case.state == CaseState.APPROVED:
        lifecycle.record_licence(case.file, "1.2", now=case.now)
        if case.file.delivery_way != "electronic":
            if case.file.delivery_way == "post":
                shipment = ship(case.file, None, courier="EMS", tracking_no="EA1")
                move_shipment(case.file, shipment, "delivered", by=LEAD, now=case.now, received_by="某某")
            else:
                pick_up(case.file, received_by="某某", by=LEAD, now=case.now)


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_item_runs_from_application_to_its_end(file: Path) -> None:
    item = to_item(read_entry(file).definition, 1)
    assert msgspec.json.decode(msgspec.json.encode(item), type=Item) == item
    for commitment in (False, True) if item.commitment else (False,):
        case = opened(item, commitment=commitment)
        assert case.file.accept_by > case.today
        agree_with_everything(case)
        assert (case.state, case.open()) == ("closed", [])
        assert len(case.told(CaseApproved)) == len(case.told(CaseClosed)) == 1
        assert all(clock.rules[-1].after == clock.due_on for clock in clocks_of(case.file, holiday_calendar))
        assert case.file.due_on is not None
        assert case.file.statutory_due_on is not None
        assert date(2026, 1, 1) < case.file.due_on <= case.file.statutory_due_on


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_an_item_takes_one_correction_of_any_of_its_materials(file: Path) -> None:
    item = to_item(read_entry(file).definition, 1)
    case = opened(item)
    if not case.file.guide:
        return
    code = case.file.guide[0].code
    first = case.open()[0]
    case.complain(first, code)
    case.go_to(case.today + timedelta(days=6))
    assert case.state == "awaiting_correction"
    case.correct(code)
    with pytest.raises(Refusal, match="second_correction_refused"):
        case.complain(case.open()[0], code)
    agree_with_everything(case)
    assert case.state == "closed"
