"""Who hands in, for whom and by which channel; what may be applied for at all; how the result reaches the applicant."""

from __future__ import annotations

from datetime import timedelta

from services.identity.domain.directory import Caller
from tests.factories.definitions import REQUIRED, make_definition
from tests.journeys.case import Case, apply, apply_refused
from tests.journeys.platform import Town
from tests.journeys.ways import journey, journey_on_both

EXCHANGE = "urn:ietf:params:oauth:grant-type:token-exchange"
DELEGATION = "urn:tongban:params:token-type:delegation"
OPINIONS = ("police_opinion", "transport_opinion")
ALL = ("accept", *OPINIONS, "examine", "decide")


@journey
def what_a_counter_takes_in_bears_both_names(town: Town) -> None:
    code = town.publish(make_definition(151))
    parent, window = town.person("parent"), town.officer("education", "窗口人员")
    body = {
        "item_code": code,
        "form": {"site": "云溪镇三号", "area": 60},
        "materials": [town.upload(code, material, parent) for material in REQUIRED],
        "applicant_id": parent.party,
        "applicant_name": parent.name,
    }
    made = town.told("POST", "/api/v1/cases/intake", window, body)
    case = Case(town, code, made["case_no"], parent)
    shown = case.show()
    assert (shown["channel"], shown["agent_name"], shown["applicant_name"]) == ("window", "窗口人员", parent.name)
    first = shown["timeline"][0]
    assert (first["by_name"], first["for_name"], first["channel"]) == ("窗口人员", parent.name, "window")
    case.agree(*ALL)
    case.ended("closed")


@journey_on_both
def an_agent_acts_under_a_delegation_and_both_names_are_kept(town: Town) -> None:
    code = town.publish(make_definition(151))
    principal = town.person("parent")
    agent = _acting_for(town, principal, town.person("school-agent"))
    case = apply(town, code, who=agent)
    case.complain("accept", "plan")
    case.hand_in("corrections", "plan", by=agent)
    case.who = principal
    shown = case.show()
    assert shown["agent_name"] is not None
    named = {(move["by_name"], move["for_name"]) for move in shown["timeline"] if move["for_name"]}
    assert named == {(shown["agent_name"], principal.name)}
    case.agree(*ALL)
    case.ended("closed")


@journey
def a_result_that_the_courier_brings_back_is_posted_again_and_closes_when_it_is_received(town: Town) -> None:
    code = town.publish(make_definition(152, delivery_ways=["electronic", "post", "pick_up"]))
    assert apply_refused(town, code, delivery_way="post").code == "delivery_address_missing"
    case = apply(town, code, delivery_way="post", delivery_address="云溪镇一号")
    parcel = {"courier": "示例快递", "tracking_no": "YX123456789"}
    assert case.conduct_refused("handover", **parcel).code == "nothing_to_hand_over"
    case.agree(*ALL)
    assert case.state == "approved"  # the licence exists, and has not reached the applicant yet
    case.conduct("handover", **parcel)
    assert case.conduct_refused("handover", **parcel).code == "nothing_to_hand_over"
    case.conduct("delivery", state="returned", reason="查无此人")
    case.conduct("handover", **parcel | {"tracking_no": "YX123456790"})
    case.conduct("delivery", state="in_transit")
    assert case.state == "approved"
    case.conduct("delivery", state="delivered", received_by="林晓芸")
    shown = case.ended("closed")
    assert (shown["delivery_way"], shown["delivered_at"] is not None) == ("post", True)
    assert case.told().count("case.delivery_moved") == 5


@journey
def a_result_is_picked_up_at_the_counter(town: Town) -> None:
    code = town.publish(make_definition(152, delivery_ways=["electronic", "post", "pick_up"]))
    case = apply(town, code, delivery_way="pick_up")
    case.agree(*ALL)
    assert case.state == "approved"
    case.conduct("handover", received_by="周敏")
    case.ended("closed")
    assert case.conduct_refused("handover", received_by="周敏").code == "nothing_to_hand_over"


@journey_on_both
def a_suspended_item_is_refused_until_it_is_resumed_and_running_cases_go_on(town: Town) -> None:
    number = 153
    code = town.publish(make_definition(number))
    running = apply(town, code)
    town.told("POST", f"/api/v1/items/{code}/suspension", town.clerk, {"reason": "系统升级"})
    refused = apply_refused(town, code)
    assert (refused.status, refused.code) == (409, "item_suspended")
    running.agree(*ALL)
    running.ended("closed")
    town.told("POST", f"/api/v1/items/{code}/resumption", town.clerk, {"reason": "恢复"})
    again = apply(town, code)
    town.told("POST", f"/api/v1/cases/{again.no}/withdrawal", again.who, {"reason": "已办"})
    again.ended("withdrawn")


@journey
def a_retired_item_is_refused_and_its_running_cases_go_on(town: Town) -> None:
    code = town.publish(make_definition(154))
    running = apply(town, code)
    town.told(
        "POST", f"/api/v1/items/{code}/retirement", town.clerk,
        {"reason": "国务院决定取消", "retired_on": town.today.isoformat()},
    )  # fmt: skip
    refused = apply_refused(town, code)
    assert (refused.status, refused.code) == (409, "item_retired")
    running.agree(*ALL)
    running.ended("closed")


@journey
def a_case_keeps_the_version_it_began_with(town: Town) -> None:
    code = town.publish(make_definition(155))
    case = apply(town, code)
    case.agree("accept")
    stricter = make_definition(155, materials={"photo": {"required": True}}, steps={"examine": {"officers": 2}})
    town.publish(stricter)
    case.agree(*OPINIONS, "examine", "decide")  # one officer is enough
    assert case.ended("closed")["item_version"] == 1
    assert apply_refused(town, code, papers=["application", "plan"]).code == "material_missing"


def _acting_for(town: Town, principal: Caller, agent: Caller) -> Caller:
    """A delegation offered and accepted over the API; the token that it is exchanged for."""
    offer = {
        "name": agent.name,
        "identity_number": "330000198503160026",
        "actions": ["submit", "correct", "read"],
        "from_on": town.today.isoformat(),
        "until_on": (town.today + timedelta(days=400)).isoformat(),
    }
    made = town.told("POST", "/api/v1/delegations", principal, offer)["delegation_id"]
    town.told("POST", f"/api/v1/delegations/{made}/acceptance", agent)
    asked = {"grant_type": EXCHANGE, "subject_token": made, "subject_token_type": DELEGATION}
    token = town.told("POST", "/api/v1/tokens/representation", agent, asked)["access_token"]
    return town.with_token(principal, token)
