"""收件: an application becomes a case, in one of four modes: 一般、即办、容缺受理、告知承诺."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from chassis.errors import Refusal
from contracts.case import CaseMaterial, CaseMode, CaseSubmitted, Channel
from contracts.item import DeliveryWay, Item
from services.workflow.domain.application import (
    batch_open,
    check_materials,
    check_promised,
    require_commitment,
    require_delivery,
    require_eligible,
)
from services.workflow.domain.case_file import CaseFile
from services.workflow.domain.case_parts import Doer, Policy, Promise, Transition
from services.workflow.domain.clocks import ACCEPTANCE_LIMIT
from services.workflow.domain.deadline import Calendar, due, law_date
from services.workflow.domain.states import CaseState

IMMEDIATE = "1"  # 办件类型: 即办件
_RECEIVED: dict[Channel, str] = {"window": "窗口收件", "kiosk": "自助终端收件", "hotline": "热线代填收件"}


@dataclass(frozen=True)
class RenewedLicence:
    """The licence that an application renews: its 证照类型代码 and its last day, None when it has none."""

    licence_no: str
    type_code: str
    until: date | None


@dataclass(frozen=True, kw_only=True)
class Choices:
    """What the applicant chose: materials that follow later (容缺), to commit instead of handing in (告知承诺), how the result
    is delivered, answers of eligibility (code -> answer), the licence to renew.
    """

    later: tuple[str, ...] = ()
    commitment: bool = False
    delivery_way: DeliveryWay | None = None
    address: str | None = None
    eligibility: Mapping[str, bool] = field(default_factory=dict)
    renews: RenewedLicence | None = None


def open_case(
    *,
    case_no: str,
    item: Item,
    applicant_id: str,
    doer: Doer,
    channel: Channel,
    form: dict[str, object],
    materials: Sequence[CaseMaterial],
    now: datetime,
    calendar: Calendar,
    choices: Choices | None = None,
    policy: Policy | None = None,
    bundle_no: str | None = None,
) -> CaseFile:
    """A new case with its first tasks. Refuses what does not fit the guide."""
    choices = choices or Choices()
    today = law_date(now)
    require_eligible(item, choices.eligibility)
    batch = batch_open(item, today)
    way = choices.delivery_way or item.delivery_ways[0]
    require_delivery(item, way, choices.address)
    file = CaseFile(
        case_no=case_no,
        item=item,
        applicant_id=applicant_id,
        submitted_by=doer.account_id,
        agent_name=doer.name,
        applicant_name=doer.represented,
        channel=channel,
        form=form,
        submitted_at=now,
        accept_by=due(today, ACCEPTANCE_LIMIT, calendar).on,
        state=CaseState.RECEIVED,
        materials={material.code: material for material in materials},
        added_materials=list(materials),
        mode="commitment" if choices.commitment else "ordinary",
        batch=None if batch is None else batch.name,
        bundle_no=bundle_no,
        eligibility=dict(choices.eligibility) or None,
        delivery_way=way,
        delivery=None if choices.address is None else {"address": choices.address},
        policy=policy or Policy(),
    )
    file.promises = _promises(file, choices)
    file.mode = _mode(file)
    check_materials(materials, file.guide, promised=[promise.material_code for promise in file.promises])
    _require_renewal(file, choices.renews, today)
    file.transitions.append(
        Transition(
            None,
            CaseState.RECEIVED,
            now,
            doer.account_id,
            _RECEIVED.get(channel, "网上申请"),
            "行政许可法 §29",
            doer.name,
            doer.represented,
            channel,
        )
    )
    file.events.append(_submitted(file, doer, materials))
    file.start_ready_steps(now=now, calendar=calendar)
    if any(task.kind == "pre_review" for task in file.open_tasks()):
        file.move(CaseState.PRE_REVIEW, at=now, by="system", why="进入网上预审")
    return file


def _mode(file: CaseFile) -> CaseMode:
    if file.mode == "commitment":
        return "commitment"
    if file.promises:
        return "deferred"
    return "immediate" if file.item.case_kind == IMMEDIATE else "ordinary"


def _promises(file: CaseFile, choices: Choices) -> tuple[Promise, ...]:
    committed = require_commitment(file.item) if choices.commitment else ()
    known = {rule.code for rule in file.guide}
    later = [code for code in dict.fromkeys(choices.later) if code not in file.materials]
    check_promised(file.guide, later)
    return (
        *(Promise("commitment", code) for code in committed if code in known and code not in file.materials),
        *(Promise("deferred", code) for code in later if code not in committed),
    )


def _require_renewal(file: CaseFile, licence: RenewedLicence | None, today: date) -> None:
    """延续: who applies in time (30 days before the licence's last day) is renewed by silence. Source: 行政许可法 §50."""
    renewal = file.item.renewal
    if renewal is None:
        if licence is not None:
            raise Refusal("renewal_not_offered", "本事项不办理延续 / the item renews no licences")
        return
    if licence is None or licence.type_code != renewal.licence_type:
        raise Refusal("licence_to_renew_unknown", "请指明要延续的本人证照 / name your licence that is to be renewed")
    file.renews_licence = licence.licence_no
    if licence.until is not None and (licence.until - today).days >= renewal.days_before_expiry:
        file.renews_until = licence.until


def _submitted(file: CaseFile, doer: Doer, materials: Sequence[CaseMaterial]) -> CaseSubmitted:
    return CaseSubmitted(
        case_no=file.case_no,
        item_code=file.item.item_code,
        item_version=file.item.version,
        item_name=file.item.name,
        applicant_id=file.applicant_id,
        submitted_by=doer.account_id,
        channel=file.channel,
        materials=tuple(materials),
        accept_by=file.accept_by,
        represented=doer.represented is not None,
        mode=file.mode,
        delivery_way=file.delivery_way,
        batch=file.batch,
        bundle_no=file.bundle_no,
    )
