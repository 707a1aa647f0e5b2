"""当日预约: who is expected at the department's counters, what is noted, and the times that are offered, closed, reopened."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date, timedelta
from typing import Any

from flask import redirect, render_template, request, session, url_for
from flask_babel import gettext as _

from portal.api import Problem, path
from portal.language import either
from portal.officer.room import DESK, for_officers, fresh_key, given, given_key
from portal.public.room import catalogue
from portal.session import api, visitor
from portal.words import Word, china_now, refusal

DONE = "counter_done"
NEXT = {"booked": ("arrived", "served", "no_show"), "arrived": ("served",), "no_show": ("arrived", "served")}
"""State -> what may be noted next; the API decides whether it is time."""
NOTES = {
    "arrived": Word("到号", "Arrived"),
    "served": Word("办毕", "Served"),
    "no_show": Word("未到", "Did not come"),
}


@DESK.get("/appointments")
@for_officers
def appointments() -> Any:
    """The day, today at first."""
    return _day_page({})


@DESK.post("/appointments/<appointment_id>/attendance")
@for_officers
def attend(appointment_id: str) -> Any:
    """到号、办毕、未到."""
    state = given("state")
    if state not in NOTES:
        return _day_page({"list": _("请选择登记的内容")}), 422
    return _do(("appointments", appointment_id, "attendance"), {"state": state}, _("已登记"), "list")


@DESK.post("/slots/<slot_id>/closure")
@for_officers
def close_slot(slot_id: str) -> Any:
    """停号, with the reason that those who have booked are told."""
    if not given("reason"):
        return _day_page({f"reason-{slot_id}": _("请填写停号原因")}), 422
    body = {"reason": given("reason")}
    return _do(("appointment-slots", slot_id, "closure"), body, _("已停号，已告知预约人"), f"reason-{slot_id}")


@DESK.post("/slots/<slot_id>/reopening")
@for_officers
def reopen_slot(slot_id: str) -> Any:
    """恢复号源."""
    return _do(("appointment-slots", slot_id, "reopening"), None, _("号源已恢复"), f"reopen-{slot_id}")


def _do(address: tuple[str, ...], body: Any, sentence: str, field: str) -> Any:
    try:
        api().post(path(*address), body, key=given_key())
    except Problem as problem:
        if problem.status in (401, 403) or problem.status >= 500:
            raise
        return _day_page({field: refusal(problem)}), problem.status
    session[DONE] = sentence
    shown = url_for("desk.appointments", day=given("day") or None, item=given("item") or None)
    return redirect(shown, 303)


def _day_page(errors: Mapping[str, str]) -> str:
    try:
        day = date.fromisoformat(request.values.get("day", ""))
    except ValueError:
        day = china_now().date()
    item = request.values.get("item", "")
    found = api().get(path("appointments", "day"), day=day.isoformat(), item_code=item)
    return render_template(
        "officer/appointments.html",
        day=day.isoformat(),
        before=(day - timedelta(days=1)).isoformat(),
        after=(day + timedelta(days=1)).isoformat(),
        begun=day <= china_now().date(),
        item=item,
        items=_own_items(),
        found=found,
        names=dict(_own_items()),
        next=NEXT,
        notes=NOTES,
        errors=errors,
        given=request.form,
        key=fresh_key(),
        done=session.pop(DONE, ""),
    )


def _own_items() -> list[tuple[str, str]]:
    """Items that the officer's department leads."""
    return [(one["item_code"], either(one)) for one in catalogue() if one["lead_department"] == visitor().department]


@DESK.get("/appointments/new")
@for_officers
def new_slots() -> Any:
    """发布号源."""
    return _offer_page({})


@DESK.post("/appointments/new")
@for_officers
def publish_slots() -> Any:
    """Offer times on every working day of the span."""
    needed = ("item", "venue", "from_on", "until_on", "opens", "closes", "minutes", "capacity")
    errors = {name: _("请填写此项") for name in needed if not given(name)}
    numbers = {name: given(name) for name in ("minutes", "capacity") if name not in errors}
    errors |= {name: _("请填写整数") for name, text in numbers.items() if not (text.isascii() and text.isdigit())}
    if errors:
        return _offer_page(errors), 422
    hours = [{"opens": given("opens"), "closes": given("closes")}]
    if given("opens_2") and given("closes_2"):
        hours.append({"opens": given("opens_2"), "closes": given("closes_2")})
    body = {
        "item_code": given("item"),
        "venue": given("venue"),
        "from_on": given("from_on"),
        "until_on": given("until_on"),
        "extra_days": given("extra_days").split(),
        "hours": hours,
        "minutes": int(given("minutes")),
        "capacity": int(given("capacity")),
    }
    try:
        done = api().post(path("appointment-slots"), body, key=given_key())
    except Problem as problem:
        if problem.status in (401, 403) or problem.status >= 500:
            raise
        said = _("日期或时间的格式不正确") if problem.code == "invalid_input" else refusal(problem)
        return _offer_page({"item": said}), problem.status
    session[DONE] = _(
        "已发布 %(new)s 个时段，另有 %(old)s 个早已发布", new=done["published"], old=done["there_already"]
    )
    return redirect(url_for("desk.appointments", day=given("from_on"), item=given("item")), 303)


def _offer_page(errors: Mapping[str, str]) -> str:
    return render_template(
        "officer/new_slots.html", items=_own_items(), errors=errors, given=request.form, key=fresh_key()
    )
