"""Codes of the API in words that a citizen understands, in both languages, and how urgent or final each is."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from flask import Flask

from chassis.clock import now
from portal.api import Api, Problem, path
from portal.kept import kept
from portal.language import is_english

SHANGHAI = ZoneInfo("Asia/Shanghai")
DEPARTMENTS_KEPT_S = 60.0
VOCABULARY_KEPT_S = 300.0


@dataclass(frozen=True)
class Word:
    """``tone`` chooses the colour of a badge: calm, good, warn, bad or quiet."""

    zh: str
    en: str
    tone: str = "quiet"

    def __str__(self) -> str:
        return self.en if is_english() else self.zh


CASE_STATES = {
    "received": Word("已收件，待受理", "Received, not yet accepted", "calm"),
    "pre_review": Word("预审中", "Under pre-review", "calm"),
    "under_examination": Word("已受理，审查中", "Accepted, under examination", "calm"),
    "awaiting_correction": Word("等您补正材料", "Waiting for your corrections", "warn"),
    "special_procedure": Word("特别程序中，暂停计时", "Special procedure, the clock is stopped", "calm"),
    "approved": Word("准予，正在制证", "Approved, licence being made", "good"),
    "delivered": Word("已送达，承诺待核查", "Delivered, commitment to be checked", "good"),
    "closed": Word("已办结", "Completed", "good"),
    "denied": Word("不予许可", "Denied", "bad"),
    "not_accepted": Word("不予受理", "Not accepted", "bad"),
    "withdrawn": Word("已撤回", "Withdrawn", "quiet"),
    "deemed_withdrawn": Word("逾期未补，视为撤回", "Not handed in in time, deemed withdrawn", "quiet"),
    "revoked": Word("已撤销", "Revoked", "bad"),
    "terminated": Word("终止办理", "Terminated", "quiet"),
}
TASK_STATES = {
    "open": Word("办理中", "In progress", "calm"),
    "answered": Word("已答复", "Answered", "good"),
    "cancelled": Word("已取消", "Cancelled", "quiet"),
}
VERDICTS = {
    "agree": Word("同意", "Agrees", "good"),
    "disagree": Word("不同意", "Disagrees", "bad"),
    "correction_needed": Word("需要补正", "Asks for corrections", "warn"),
}
DELEGATION_STATES = {
    "offered": Word("待接受", "Waiting to be accepted", "warn"),
    "not_yet": Word("尚未到起始日", "Not begun yet", "quiet"),
    "in_force": Word("有效", "In force", "good"),
    "ended": Word("已到期", "Run out", "quiet"),
    "revoked": Word("已撤销", "Revoked", "quiet"),
}
ACTIONS = {
    "submit": Word("提交申请", "hand in applications"),
    "correct": Word("补正材料", "hand in corrections"),
    "withdraw": Word("撤回申请", "withdraw applications"),
    "read": Word("查看办件", "see cases"),
    "receive": Word("领取证照", "receive licences"),
}
STEP_KINDS = {
    "pre_review": Word("预审", "Pre-review"),
    "acceptance": Word("受理", "Acceptance"),
    "opinion": Word("征求意见", "Opinion"),
    "examination": Word("审查", "Examination"),
    "ruling": Word("裁决", "Ruling"),
    "decision": Word("决定", "Decision"),
    "delivery": Word("送达", "Delivery"),
    "check": Word("承诺核查", "Check of a commitment"),
}
WEEKDAYS = {
    "1": Word("周一", "Monday"),
    "2": Word("周二", "Tuesday"),
    "3": Word("周三", "Wednesday"),
    "4": Word("周四", "Thursday"),
    "5": Word("周五", "Friday"),
    "6": Word("周六", "Saturday"),
    "7": Word("周日", "Sunday"),
}
LICENCE_STATES = {
    "valid": Word("有效", "Valid", "good"),
    "expired": Word("已过期", "Expired", "warn"),
    "revoked": Word("已撤销", "Revoked", "bad"),
}
CARD_LEVELS = {
    "yellow": Word("黄牌", "Yellow card", "warn"),
    "red": Word("红牌", "Red card", "bad"),
}
CLOCK_SCOPES = {
    "acceptance": Word("受理期限", "Acceptance"),
    "case_committed": Word("承诺办结期限", "Committed date of decision"),
    "case_statutory": Word("法定办结期限", "Date of decision by law"),
    "correction": Word("补正期限", "Time to correct"),
    "delivery": Word("送达期限", "Delivery"),
}
CLOCKS = {
    "none": Word("", ""),
    "far": Word("时间充足", "In time", "good"),
    "soon": Word("即将到期", "Due soon", "warn"),
    "today": Word("今天到期", "Due today", "warn"),
    "late": Word("已逾期", "Overdue", "bad"),
}
UNITS = {
    "working_day": Word("个工作日", "working days"),
    "day": Word("日", "days"),
    "month": Word("个月", "months"),
}
MESSAGE_KINDS = {
    "submitted": Word("收件", "Application received"),
    "accepted": Word("预审通过、受理", "Pre-review passed, accepted"),
    "not_accepted": Word("预审未通过、不予受理", "Pre-review not passed, not accepted"),
    "correction_requested": Word("补正通知", "Corrections asked for"),
    "approved": Word("准予许可", "Approved"),
    "denied": Word("不予许可", "Denied"),
    "closed": Word("办结", "Closed"),
    "delivery_moved": Word("寄递进展", "Delivery"),
    "appointment_due": Word("预约提醒", "Appointment reminder"),
    "appointment_cancelled": Word("预约停号", "Appointment cancelled by the counter"),
    "special_procedure": Word("特别程序告知", "Special procedure"),
    "special_procedure_ended": Word("恢复计时", "The clock runs again"),
    "extended": Word("延期告知", "Time of decision extended"),
    "deemed_withdrawn": Word("逾期未补，视为撤回", "Deemed withdrawn"),
    "revoked": Word("撤销决定", "Decision revoked"),
    "terminated": Word("终止办理", "Case terminated"),
}
MESSAGE_CHANNELS = {"email": Word("邮件", "E-mail"), "sms": Word("短信", "Text message")}
MESSAGE_STATES = {"unread": Word("未读", "Unread", "warn"), "read": Word("已读", "Read")}
DELIVERY_STATES = {
    "waiting": Word("待发送", "waiting"),
    "sent": Word("已发送", "sent"),
    "failed": Word("未送达", "failed"),
    "no_contact": Word("未登记联系方式", "no contact known"),
}
SHIPMENT_STATES = {
    "ordered": Word("等待快递取件", "Waiting for the courier", "calm"),
    "handed_over": Word("已交寄", "Handed to the courier", "calm"),
    "in_transit": Word("运送中", "On its way", "calm"),
    "delivered": Word("已签收", "Received", "good"),
    "returned": Word("已退回", "Came back", "warn"),
}
APPOINTMENT_STATES = {
    "booked": Word("已预约", "Booked", "calm"),
    "arrived": Word("已到号", "Arrived", "calm"),
    "served": Word("已办毕", "Served", "good"),
    "no_show": Word("未到", "Did not come", "warn"),
    "cancelled": Word("已取消", "Cancelled", "quiet"),
}
PROBLEMS = {
    "service_unavailable": Word("服务暂时不可用，请稍后再试。您已保存的内容没有丢失。",
                                "The service is not available now. Please try again soon; what you saved is not lost."),
    "form_expired": Word("页面已失效，请返回刷新后重试。", "This page has expired. Go back, reload it and try again."),
    "not_found": Word("没有找到。", "There is nothing here."),
    "http_404": Word("没有这个页面。", "There is no such page."),
    "http_413": Word("文件太大。", "The file is too large."),
    "scope_missing": Word("您的账号没有此项权限。", "Your account may not do this."),
    "draft_changed": Word("此草稿已在另一个窗口中修改，请刷新后继续。",
                          "This draft was changed in another window. Reload to go on."),
    "unexpected": Word("出现意外错误，请稍后再试。", "Something unexpected happened. Please try again soon."),
}  # fmt: skip


def word(table: Mapping[str, Word], code: str | None) -> Word:
    """The word of a code; one that is not known yet stands for itself."""
    return table.get(code or "") or Word(code or "–", code or "–")


def refusal(problem: Problem) -> str:
    """What a refusal says to people: our words, else the API's own, of which each half is one language; and what to do."""
    if known := PROBLEMS.get(problem.code):
        return str(known)
    what_to_do = spoken(str(problem.facts.get("how_to_raise", "")))
    return " ".join(part for part in (spoken(problem.detail) or str(PROBLEMS["unexpected"]), what_to_do) if part)


def spoken(text: str) -> str:
    """The half of an API's sentence, ``中文 / English``, that is in the language of the request."""
    chinese, _, english = text.partition(" / ")
    return english or chinese if is_english() else chinese


def clock(due_on: str | None, *, ended: bool = False) -> str:
    """How urgent a due date is: a key of CLOCKS. Soon is within two days."""
    if not due_on or ended:
        return "none"
    left = (date.fromisoformat(due_on[:10]) - china_now().date()).days
    return "late" if left < 0 else "today" if left == 0 else "soon" if left <= 2 else "far"


def china_now() -> datetime:
    """The platform's time in Asia/Shanghai."""
    return now().astimezone(SHANGHAI)


def departments() -> dict[str, dict[str, Any]]:
    """Every department by code, as the directory names it."""
    return kept("departments", DEPARTMENTS_KEPT_S, _ask_departments)


def _ask_departments(caller: Api) -> dict[str, dict[str, Any]]:
    return {d["code"]: d for d in caller.get(path("departments"))["departments"]}


def label(codes: str, code: str | None) -> str:
    """A code of one of the catalogue's lists (``item_types`` …) in words; one that is not known stands for itself."""
    lists = kept("vocabulary", VOCABULARY_KEPT_S, _ask_vocabulary)
    known = lists.get(codes, {}).get(code or "")
    return str(known["en" if is_english() else "zh"]) if known else code or "–"


def _ask_vocabulary(caller: Api) -> dict[str, dict[str, Any]]:
    return {name: {one["code"]: one for one in codes} for name, codes in caller.get(path("vocabulary")).items()}


def set_up_words(app: Flask) -> None:
    """Make the tables available to every page."""
    app.jinja_env.globals.update(
        word=word, label=label, refusal=refusal, spoken=spoken, clock=clock, CASE_STATES=CASE_STATES, TASK_STATES=TASK_STATES,
        VERDICTS=VERDICTS, CARD_LEVELS=CARD_LEVELS, STEP_KINDS=STEP_KINDS, WEEKDAYS=WEEKDAYS,
        LICENCE_STATES=LICENCE_STATES, SHIPMENT_STATES=SHIPMENT_STATES, CLOCKS=CLOCKS, CLOCK_SCOPES=CLOCK_SCOPES, UNITS=UNITS,
        DELEGATION_STATES=DELEGATION_STATES, ACTIONS=ACTIONS,
        MESSAGE_KINDS=MESSAGE_KINDS, MESSAGE_CHANNELS=MESSAGE_CHANNELS, MESSAGE_STATES=MESSAGE_STATES,
        DELIVERY_STATES=DELIVERY_STATES, APPOINTMENT_STATES=APPOINTMENT_STATES,
    )  # fmt: skip
