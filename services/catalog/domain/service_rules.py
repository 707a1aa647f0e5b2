"""What an item must keep in how it reaches people: places, hours, channels, online depth, partners, publicity."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import combinations

from services.catalog.domain import codes
from services.catalog.domain import vocabulary as v
from services.catalog.domain.codes import CodeError
from services.catalog.domain.definition import ItemDefinition
from services.catalog.domain.elements import Channel, OpeningHours
from services.catalog.domain.problems import Problem

_LEAST_DEPTHS = {"II": {"3"}, "III": {"4"}, v.FULLY_ONLINE: {"4", "5", "6"}}
_COUNTER, _MOBILE = "1", "3"
_ENTRUSTED_POWER = ("5", "6")


def publicity_rules(item: ItemDefinition) -> Iterator[Problem]:
    """Only what is open to the public is published, for a time that ends after it begins."""
    if item.secrecy != v.PUBLIC:
        zh, en = v.SECRECY[item.secrecy]
        yield Problem("secrecy_not_public", "secrecy", f"密级为“{zh}”的不得发布 / what is “{en}” is not published")
    if item.cancel_on is not None and item.cancel_on <= item.effective_from:
        yield Problem(
            "cancel_before_effect",
            "cancel_on",
            "计划取消日期应晚于计划生效日期 / an item cannot be cancelled before it takes effect",
        )


def partner_rules(item: ItemDefinition) -> Iterator[Problem]:
    """委托部门 and 联办机构 are named where the power or the plan has them."""
    if item.power_source in _ENTRUSTED_POWER and item.entrusting_agency is None:
        yield Problem(
            "entrusting_agency_missing",
            "entrusting_agency",
            "权力来源为委托的，宜写明委托部门 / a power that is entrusted should name the agency that entrusts it",
            advice=True,
        )
    if item.entrusting_agency is not None:
        try:
            codes.check_uscc(item.entrusting_agency.uscc)
        except CodeError as error:
            yield Problem("uscc_invalid", "entrusting_agency.uscc", str(error))
    named = {agency.department for agency in item.joint_agencies}
    others = {step.department for step in item.plan} - {item.lead_department}
    for department in sorted(others - named) if named else ():
        yield Problem(
            "joint_agency_unlisted",
            "joint_agencies",
            f"部门 {department} 在流程中，但未列为联办机构 / {department} has a step but is not among the joint agencies",
            advice=True,
        )


def venue_rules(item: ItemDefinition) -> Iterator[Problem]:
    """Every place has hours that end after they begin and do not overlap; appointments need a place."""
    for n, venue in enumerate(item.venues):
        if not venue.hours:
            yield Problem("venue_hours_missing", f"venues.{n}.hours", "办理地点应有办理时间 / a place needs hours")
        for m, hours in enumerate(venue.hours):
            if hours.closes <= hours.opens:
                yield Problem(
                    "venue_hours",
                    f"venues.{n}.hours.{m}",
                    "结束时间应晚于开始时间 / a place closes after it opens",
                )
        if any(_overlap(one, other) for one, other in combinations(venue.hours, 2)):
            yield Problem("venue_hours_overlap", f"venues.{n}.hours", "办理时间重叠 / the hours overlap")
    if item.appointments and not item.venues:
        yield Problem(
            "appointments_need_venue",
            "appointments",
            "支持预约的，应有办理地点和时间 / appointments need a place with hours",
        )
    if item.entry_centre and _COUNTER not in item.handling_forms:
        yield Problem(
            "entry_centre_without_counter",
            "entry_centre",
            "进驻政务大厅的，应可窗口办理 / what is at the service centre is handled at a counter",
        )


def channel_rules(item: ItemDefinition) -> Iterator[Problem]:
    """Addresses fit their kind; one does not complain where one asks."""
    ways = (("enquiry_channels", item.enquiry_channels), ("complaint_channels", item.complaint_channels))
    for where, channels in ways:
        for n, channel in enumerate(channels):
            if not _fits(channel):
                zh, en = v.CHANNEL_KINDS[channel.kind]
                yield Problem(
                    "channel_address_invalid",
                    f"{where}.{n}.address",
                    f"不是有效的{zh} / it is no address of this kind: {en}",
                )
    asked, complained = (_phones(channels) for _, channels in ways)
    if asked & complained:
        yield Problem(
            "channels_equal",
            "complaint_channels",
            "咨询电话与投诉电话不得相同 / the enquiry and complaint telephones must differ",
        )


def online_rules(item: ItemDefinition) -> Iterator[Problem]:
    """网上办理深度 agrees with the level that sums it up; links lead where something can be done."""
    depths = set(item.online_depths)
    lacking = _LEAST_DEPTHS.get(item.online_level, set()) - depths if depths else set()
    beyond = depths - {"1"} if item.online_level == v.OFFLINE else set()
    if lacking or beyond:
        yield Problem(
            "online_depth_mismatch",
            "online_depths",
            "网上办理深度（多选）与等级不符 / what can be done online does not agree with the level",
        )
    if v.RESULT_ONLINE in depths and (item.result.kind != v.CERTIFICATE or "electronic" not in item.delivery_ways):
        yield Problem(
            "online_depth_licence",
            "online_depths",
            "电子证照反馈要求结果为证照且可电子送达 / an electronic licence needs a certificate delivered electronically",
        )
    if item.online_url and item.online_level == v.OFFLINE:
        yield Problem(
            "online_url_offline", "online_url", "不支持网上办理的，不应有网上办理地址 / what is not online has no link"
        )
    if item.mobile_url and _MOBILE not in item.handling_forms:
        yield Problem(
            "mobile_url_without_form",
            "mobile_url",
            "有移动端地址的，办理形式应含移动端 / a mobile link needs handling on mobile devices",
        )


def reference_rules(item: ItemDefinition) -> Iterator[Problem]:
    """审查要点 and 中介服务 name steps and materials that exist; stages have codes of their own."""
    steps = {step.step for step in item.plan}
    materials = {material.code for material in item.materials}
    for n, rule in enumerate(item.examination_rules):
        if rule.step and rule.step not in steps:
            yield Problem(
                "examination_step_unknown",
                f"examination_rules.{n}.step",
                f"审查要点的环节 {rule.step} 不存在 / there is no step {rule.step}",
            )
    for n, service in enumerate(item.intermediary_services):
        if service.material and service.material not in materials:
            yield Problem(
                "intermediary_material_unknown",
                f"intermediary_services.{n}.material",
                f"中介服务形成的材料 {service.material} 不存在 / there is no material {service.material}",
            )
    seen: set[str] = set()
    for n, stage in enumerate(item.flow):
        if stage.code and stage.code in seen:
            yield Problem(
                "stage_repeated", f"flow.{n}.code", f"阶段 {stage.code} 重复 / stage {stage.code} is repeated"
            )
        seen.add(stage.code)


def _overlap(one: OpeningHours, other: OpeningHours) -> bool:
    same_day = set(one.weekdays) & set(other.weekdays)
    return bool(same_day) and one.opens < other.closes and other.opens < one.closes


def _fits(channel: Channel) -> bool:
    digits = sum(c.isdigit() for c in channel.address)
    match channel.kind:
        case "phone":
            return digits >= 3 and all(c.isdigit() or c in "+-()（）、转 ,，" for c in channel.address)
        case "web" | "app":
            return channel.address.startswith(("https://", "http://", "/"))
        case "email":
            return channel.address.count("@") == 1 and not channel.address.startswith("@")
        case _:
            return bool(channel.address.strip())


def _phones(channels: Sequence[Channel]) -> set[str]:
    return {"".join(c for c in one.address if c.isdigit()) for one in channels if one.kind == "phone"}
