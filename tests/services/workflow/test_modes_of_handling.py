"""即办、容缺受理、告知承诺、受理批次、资格、送达、延续: what the applicant may choose, and what follows from it."""

from __future__ import annotations

from datetime import date, timedelta
from functools import partial

import pytest

from chassis.errors import Refusal
from contracts.case import CaseApproved, CaseDeliveryMoved, CaseRevoked, CaseSubmitted, CaseSupplemented
from contracts.item import Batch, Commitment, Condition, EligibilityQuestion, Limit, Renewal, SpecialProcedure
from contracts.task import OpinionRecorded, TaskAssigned
from services.workflow.adapters.holidays import holiday_calendar
from services.workflow.domain import lifecycle
from services.workflow.domain.case_parts import Doer
from services.workflow.domain.clocks import clocks_of
from services.workflow.domain.delivery import move_shipment, pick_up, ship
from services.workflow.domain.opening import RenewedLicence
from services.workflow.domain.special_procedure import begin_special_procedure
from tests.factories.items import make_item
from tests.services.workflow.pure import LEAD, MONDAY, PERSON, Case, changed, paper, rule, with_steps

ONE_DESK = changed(
    make_item(opinions=(), delivery=False),
    plan=tuple(s for s in with_steps(make_item(opinions=()), decide={"department": "education", "after": ("accept",)}).plan
               if s.step in ("accept", "decide")),
)  # fmt: skip
LATER = changed(materials=(rule("application"), rule("tax", later_working_days=10), rule("seal", later_working_days=5)))
PROMISE = Commitment(
    materials=("health",), text="符合卫生标准", text_en="meets the standard", check_within=Limit(amount=20)
)
COMMITTED = changed(ONE_DESK, commitment=PROMISE, materials=(rule("application"), rule("health")))
NUMBER = "1.2.156.3005.2.11100000000013338W011.11370800MB28559184.2025000001.001.K"


def refuses(code: str, *args: object, **more: object) -> Refusal:
    with pytest.raises(Refusal) as refused:
        Case(*args, **more)  # type: ignore[arg-type]
    assert refused.value.code == code
    return refused.value


def test_an_immediate_item_is_accepted_and_decided_in_one_go() -> None:
    case = Case(changed(ONE_DESK, case_kind="1"))
    assert case.file.mode == "immediate"
    case.answer("accept", officer="王", account_id="a-wang")
    assert (case.state, case.file.decided_by) == ("approved", "王")
    assert [e.step for e in case.told(OpinionRecorded)] == ["accept", "decide"]
    assert [e.step for e in case.told(TaskAssigned)] == ["accept"]  # nobody is sent what is done already
    assert [after for after, _ in case.rules()] == ["received", "under_examination", "approved"]
    lifecycle.record_licence(case.file, NUMBER, now=case.now)
    assert case.state == "closed"


def test_an_immediate_item_that_another_department_decides_waits_for_it() -> None:
    case = Case(changed(with_steps(ONE_DESK, decide={"department": "county_government"}), case_kind="1"))
    case.agree("accept")
    assert (case.state, case.open()) == ("under_examination", ["decide"])


def test_an_ordinary_item_of_one_desk_takes_two_answers() -> None:
    case = Case(ONE_DESK)
    case.agree("accept")
    assert (case.state, case.open()) == ("under_examination", ["decide"])


def test_what_may_follow_later_follows_within_the_time_promised() -> None:
    case = Case(LATER, later=("tax", "seal"))
    assert (case.file.mode, case.told(CaseSubmitted)[0].mode) == ("deferred", "deferred")
    case.agree("accept")
    assert {p.material_code: p.due_on for p in case.file.promises} == {
        "tax": date(2026, 3, 16),
        "seal": date(2026, 3, 9),
    }
    case.agree("police_opinion", "transport_opinion", "examine")
    before = case.snapshot()
    with pytest.raises(Refusal, match="materials_outstanding"):
        case.answer("decide")
    with pytest.raises(Refusal, match="supplement_mismatch"):
        lifecycle.supplement(case.file, [paper("application")], by=PERSON, **case.at)
    assert case.snapshot() == before
    for code in ("seal", "tax"):
        lifecycle.supplement(case.file, [paper(code)], by=PERSON, **case.at)
    assert [[m.code for m in e.materials] for e in case.told(CaseSupplemented)] == [["seal"], ["tax"]]
    assert case.task("decide").round == 3  # who decides has every material before them
    with pytest.raises(Refusal, match="nothing_to_supplement"):
        lifecycle.supplement(case.file, [paper("tax")], by=PERSON, **case.at)
    case.agree("decide")
    assert case.state == "approved"


def test_a_case_short_of_materials_may_still_be_denied() -> None:
    case = Case(LATER, later=("tax", "seal"))
    case.agree("accept", "police_opinion", "transport_opinion", "examine")
    case.answer("decide", "disagree", reason="不符合条件")
    assert case.state == "denied"


def test_what_is_a_main_material_or_not_promised_must_be_there() -> None:
    refused = refuses("material_may_not_follow", LATER, papers=(), later=("application", "tax", "seal"))
    assert refused.facts["materials"] == ["application"]
    assert refuses("material_missing", LATER, later=("tax",)).facts["materials"] == ["seal"]
    refuses("material_missing", LATER)
    assert Case(LATER, papers=("application", "tax", "seal"), later=("tax",)).file.mode == "ordinary"


def test_a_material_is_asked_for_only_where_the_answers_call_for_it() -> None:
    hired = Condition(field="seats", at_least=20)
    item = changed(materials=(rule("application"), rule("contract", when=(hired,))))
    assert Case(item, form={"plate": "鲁A12345", "seats": 8}).state == "received"
    refuses("material_missing", item, form={"plate": "鲁A12345", "seats": 20})
    refuses("material_not_in_guide", item, form={"plate": "鲁A12345", "seats": 8}, papers=("application", "contract"))


def test_a_commitment_brings_the_decision_at_once_and_the_check_after_it() -> None:
    case = Case(COMMITTED, commitment=True)
    assert case.file.mode == "commitment"
    case.agree("accept")
    assert (case.state, case.open()) == ("approved", ["commitment_check"])
    check = case.task("commitment_check")
    assert (check.kind, check.department, check.due_on) == ("check", "education", date(2026, 3, 30))
    lifecycle.record_licence(case.file, NUMBER, now=case.now)
    assert case.state == "delivered"
    case.agree("commitment_check")
    assert case.state == "closed"


def test_a_commitment_that_proves_untrue_is_revoked_with_its_licence() -> None:
    for licence in (None, NUMBER):
        case = Case(COMMITTED, commitment=True)
        case.agree("accept")
        if licence:
            lifecycle.record_licence(case.file, licence, now=case.now)
        with pytest.raises(Refusal, match="reason_required"):
            case.answer("commitment_check", "disagree")
        case.answer("commitment_check", "disagree", reason="现场不符")
        [revoked] = case.told(CaseRevoked)
        assert (case.state, revoked.licence_no, revoked.reason, case.open()) == ("revoked", licence, "现场不符", [])
        assert revoked.remedy


def test_a_commitment_skips_the_opinions_and_is_the_applicants_choice() -> None:
    whole = changed(commitment=PROMISE, materials=(rule("application"), rule("health")))
    case = Case(whole, commitment=True)
    case.agree("accept")
    assert case.open() == ["decide"]  # the government decides; police and transport are not asked
    chosen_not = Case(whole, papers=("application", "health"))
    chosen_not.agree("accept")
    assert chosen_not.open() == ["police_opinion", "transport_opinion"]
    refuses("material_missing", whole)
    refuses("commitment_not_offered", LATER, commitment=True)


def test_what_is_to_follow_late_holds_up_even_a_decision_at_once() -> None:
    both = changed(COMMITTED, materials=(rule("application"), rule("health"), rule("tax", later_working_days=10)))
    case = Case(both, commitment=True, later=("tax",))
    case.agree("accept")
    assert (case.state, case.open()) == ("under_examination", ["decide"])
    with pytest.raises(Refusal, match="materials_outstanding"):
        case.answer("decide")
    lifecycle.supplement(case.file, [paper("tax")], by=PERSON, **case.at)
    case.agree("decide")
    assert case.state == "approved"


def test_a_round_takes_applications_in_between_its_days_only() -> None:
    spring = Batch(name="2026春", name_en="Spring 2026", opens=date(2026, 3, 1), closes=date(2026, 3, 20))
    autumn = Batch(name="2026秋", name_en="Autumn 2026", opens=date(2026, 9, 1), closes=date(2026, 9, 20))
    item = changed(batches=(spring, autumn))
    for day in (spring.opens, spring.closes):
        assert Case(item, on=day).file.batch == "2026春"
    refused = refuses("outside_batch", item, on=date(2026, 3, 21))
    assert (refused.facts["next_round"], refused.facts["opens"]) == ("2026秋", "2026-09-01")
    assert refuses("outside_batch", item, on=date(2026, 10, 1)).facts["opens"] is None


def test_questions_of_eligibility_are_answered_and_met_before_a_case_is_opened() -> None:
    question = EligibilityQuestion(
        code="local",
        question="学校在本县？",
        question_en="In this county?",
        must_be=True,
        otherwise="请向所在县申请",
        otherwise_en="Apply where it is",
    )
    item = changed(eligibility=(question,))
    assert refuses("eligibility_unanswered", item).facts["missing"] == ["local"]
    assert "请向所在县申请" in refuses("not_eligible", item, eligibility={"local": False}).facts["otherwise"]["local"]
    refuses("eligibility_unanswered", item, eligibility={"local": True, "other": True})
    assert Case(item, eligibility={"local": True}).file.eligibility == {"local": True}


def approved(way: str, **more: object) -> Case:
    item = changed(make_item(delivery=False), delivery_ways=("electronic", "post", "pick_up"))
    case = Case(item, delivery_way=way, **more)  # type: ignore[arg-type]
    case.agree("accept", "police_opinion", "transport_opinion", "examine", "decide")
    return case


def test_what_is_posted_is_delivered_when_it_was_received_and_what_came_back_is_sent_again() -> None:
    case = approved("post", address="云溪县学府路1号")
    post = partial(ship, courier="EMS", tracking_no="EA1")
    with pytest.raises(Refusal, match="licence_not_ready"):
        post(case.file, None)
    lifecycle.record_licence(case.file, NUMBER, now=case.now)
    assert case.state == "approved"  # the paper is still here
    with pytest.raises(Refusal, match="tracking_no_missing"):
        pick_up(case.file, received_by="张某", by=LEAD, now=case.now)
    first = post(case.file, None)
    with pytest.raises(Refusal, match="nothing_to_hand_over"):
        post(case.file, first)
    with pytest.raises(Refusal, match="reason_required"):
        move_shipment(case.file, first, "returned", by=LEAD, now=case.now)
    with pytest.raises(Refusal, match="delivery_move_not_allowed"):
        move_shipment(case.file, first, "delivered", by=LEAD, now=case.now)  # by whom was it received?
    assert (first.state, first.proof, case.state) == ("handed_over", None, "approved")
    move_shipment(case.file, first, "returned", by=LEAD, now=case.now, reason="无人")
    second = ship(case.file, first, courier="EMS", tracking_no="EA2")
    move_shipment(case.file, second, "in_transit", by=LEAD, now=case.now)
    assert [clock.scope for clock in clocks_of(case.file, holiday_calendar)][-1] == "delivery"  # its ten days still run
    move_shipment(case.file, second, "delivered", by=LEAD, now=case.now, received_by="张某")
    assert (case.state, case.file.delivered_at, second.round) == ("closed", case.now, 2)
    assert second.proof == {"received_by": "张某", "signed_at": case.now.isoformat(), "told_by": "education"}
    states = [(event.state, event.tracking_no) for event in case.told(CaseDeliveryMoved)]
    assert states == [
        ("handed_over", "EA1"), ("returned", "EA1"), ("handed_over", "EA2"), ("in_transit", "EA2"), ("delivered", "EA2"),
    ]  # fmt: skip
    with pytest.raises(Refusal, match="delivery_move_not_allowed"):
        move_shipment(case.file, second, "returned", by=LEAD, now=case.now, reason="x")


def test_what_is_picked_up_or_electronic_is_delivered_at_once() -> None:
    case = approved("pick_up")
    lifecycle.record_licence(case.file, NUMBER, now=case.now)
    assert case.state == "approved"
    with pytest.raises(Refusal, match="tracking_no_missing"):
        ship(case.file, None, courier="EMS", tracking_no="EA1")
    pick_up(case.file, received_by="张某", by=LEAD, now=case.now)
    assert (case.state, case.file.delivery) == ("closed", {"received_by": "张某", "by": "education"})
    electronic = approved("electronic")
    lifecycle.record_licence(electronic.file, NUMBER, now=electronic.now)
    assert electronic.state == "closed"


def test_a_way_of_delivery_the_item_has_not_or_post_without_address_is_refused() -> None:
    assert refuses("delivery_way_not_offered", None, delivery_way="post").facts["offered"] == ["electronic"]
    refuses("delivery_address_missing", changed(delivery_ways=("post",)))


REVIEW = SpecialProcedure(code="review", name="评审", name_en="review", longest=Limit(amount=30))
RENEWAL = changed(renewal=Renewal(licence_type="11100000000013338W011"), special_procedures=(REVIEW,))


def licence(days: int, kind: str = "11100000000013338W011") -> RenewedLicence:
    return RenewedLicence(NUMBER, kind, MONDAY + timedelta(days=days))


def test_only_ones_own_licence_of_the_right_type_is_renewed() -> None:
    refuses("licence_to_renew_unknown", RENEWAL)
    refuses("licence_to_renew_unknown", RENEWAL, renews=licence(60, "x"))
    refuses("renewal_not_offered", None, renews=licence(60))


@pytest.mark.parametrize("state", ["examined", "stopped", "awaiting correction"])
def test_who_applied_in_time_and_has_no_decision_at_expiry_is_renewed(state: str) -> None:
    case = Case(RENEWAL, renews=licence(30))
    case.agree("accept")
    if state == "stopped":
        case.go_to(MONDAY + timedelta(days=29))
        begin_special_procedure(case.file, "review", Limit(amount=10), reason="x", by=LEAD, **case.at)
    if state == "awaiting correction":
        case.file.policy = case.file.policy.__class__(correction_days=60)
        case.complain("police_opinion", "application")
        case.complain("transport_opinion", "application")
    case.go_to(MONDAY + timedelta(days=30))
    assert case.told(CaseApproved) == []
    case.go_to(MONDAY + timedelta(days=31))
    [told] = case.told(CaseApproved)
    assert (case.state, told.deemed, case.rules()[-1]) == ("approved", True, ("approved", "行政许可法 §50"))
    assert case.open() == ["plate"]  # examination is over, delivery begins
    case.agree("plate")
    lifecycle.record_licence(case.file, NUMBER, now=case.now)
    assert case.state == "closed"


def test_who_applied_too_late_for_a_renewal_gets_a_decision_and_no_silence() -> None:
    case = Case(RENEWAL, renews=licence(29))
    case.agree("accept")
    case.go_to(MONDAY + timedelta(days=60))
    assert (case.state, case.file.renews_licence) == ("under_examination", NUMBER)


def test_whoever_hands_in_at_a_counter_both_names_and_the_channel_are_kept() -> None:
    case = Case(doer=Doer("a-wang", name="王某", represented="张某", channel="window"), channel="window")
    [first] = case.file.transitions
    assert (first.by, first.by_name, first.for_name, first.channel, first.why) == (
        "a-wang",
        "王某",
        "张某",
        "window",
        "窗口收件",
    )
    [told] = case.told(CaseSubmitted)
    assert (told.represented, told.submitted_by, told.channel) == (True, "a-wang", "window")
