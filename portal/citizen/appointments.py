"""预约: choose venue, day and time; one's own appointments; move and cancel them."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import redirect, render_template, request, session, url_for
from flask_babel import gettext as _

from portal.api import Problem, path
from portal.citizen.room import CITIZEN, for_citizens
from portal.session import api
from portal.shared import guide_of
from portal.slots import offer_of
from portal.words import china_now, refusal

DONE = "appointment_done"


@CITIZEN.get("/appointments")
@for_citizens
def appointments() -> Any:
    """我的预约: what is to come first."""
    found = [_named(one) for one in _mine()]
    coming = [one for one in found if one["state"] in ("booked", "arrived")]
    return render_template(
        "citizen/appointments.html",
        coming=sorted(coming, key=lambda one: (one["day"], one["opens"])),
        past=[one for one in found if one not in coming],
        changeable=_changeable,
        done=session.pop(DONE, ""),
    )


def _mine() -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = api().get(path("appointments"))["appointments"]
    return found


def _named(one: dict[str, Any]) -> dict[str, Any]:
    guide = guide_of(one["item_code"])
    return one | {"item_name": guide["name"], "item_name_en": guide["name_en"]}


def _changeable(one: Mapping[str, Any]) -> bool:
    begins = f"{one['day']} {one['opens']}"
    return one["state"] == "booked" and begins > china_now().strftime("%Y-%m-%d %H:%M")


def _appointment(appointment_id: str) -> dict[str, Any]:
    """One's own. Raises Problem ``not_found``."""
    for one in _mine():
        if one["appointment_id"] == appointment_id:
            return _named(one)
    raise Problem(404, "not_found", "", {})


@CITIZEN.get("/appointments/new/<item_code>")
@for_citizens
def new_appointment(item_code: str) -> Any:
    """选择网点、日期、时段."""
    return _choosing(item_code, {})


@CITIZEN.post("/appointments/new/<item_code>")
@for_citizens
def book(item_code: str) -> Any:
    """预约."""
    slot_id = request.form.get("slot_id", "")
    if not slot_id:
        return _choosing(item_code, {"slot_id": _("请选择时段")}), 422
    try:
        body = {"slot_id": slot_id, "case_no": request.form.get("case") or None}
        made = api().post(path("appointments"), body, key=_key())
    except Problem as problem:
        return _choosing(item_code, {"slot_id": _said(problem)}), problem.status
    session[DONE] = _("已预约。到场时出示预约码 %(number)s 和身份证件。", number=made["number"])
    return redirect(url_for("citizen.appointments"), 303)


@CITIZEN.get("/appointments/<uuid:appointment_id>/rescheduling")
@for_citizens
def reschedule(appointment_id: Any) -> Any:
    """改约: the place of now stays until the new one is taken."""
    one = _appointment(str(appointment_id))
    return _choosing(one["item_code"], {}, moved=one)


@CITIZEN.post("/appointments/<uuid:appointment_id>/rescheduling")
@for_citizens
def move_appointment(appointment_id: Any) -> Any:
    """改到所选时段."""
    one, slot_id = _appointment(str(appointment_id)), request.form.get("slot_id", "")
    if not slot_id:
        return _choosing(one["item_code"], {"slot_id": _("请选择时段")}, moved=one), 422
    try:
        api().post(path("appointments", str(appointment_id), "rescheduling"), {"slot_id": slot_id}, key=_key())
    except Problem as problem:
        return _choosing(one["item_code"], {"slot_id": _said(problem)}, moved=one), problem.status
    session[DONE] = _("已改约。")
    return redirect(url_for("citizen.appointments"), 303)


def _choosing(item_code: str, errors: Mapping[str, str], *, moved: Mapping[str, Any] | None = None) -> str:
    return render_template(
        "citizen/choose_slot.html",
        item=guide_of(item_code),
        offer=offer_of(item_code, venue=request.values.get("venue", ""), day=request.values.get("day", "")),
        case_no=request.values.get("case", ""),
        moved=moved,
        errors=errors,
        key=str(uuid.uuid4()),
    )


@CITIZEN.get("/appointments/<uuid:appointment_id>/cancellation")
@for_citizens
def cancellation(appointment_id: Any) -> Any:
    """取消预约: asked once more."""
    return _cancel_page(_appointment(str(appointment_id)), {})


@CITIZEN.post("/appointments/<uuid:appointment_id>/cancellation")
@for_citizens
def cancel_appointment(appointment_id: Any) -> Any:
    """Give the place back."""
    one = _appointment(str(appointment_id))
    try:
        body = {"reason": request.form.get("reason", "").strip()}
        api().post(path("appointments", str(appointment_id), "cancellation"), body, key=_key())
    except Problem as problem:
        return _cancel_page(one, {"reason": _said(problem)}), problem.status
    session[DONE] = _("预约已取消，号源已退回。")
    return redirect(url_for("citizen.appointments"), 303)


def _cancel_page(one: Mapping[str, Any], errors: Mapping[str, str]) -> str:
    return render_template("citizen/cancel_appointment.html", one=one, errors=errors, key=str(uuid.uuid4()))


def _key() -> str:
    return request.form.get("key") or str(uuid.uuid4())


def _said(problem: Problem) -> str:
    """What the page says of a refusal. Raises the problem when it is none."""
    if problem.status == 401 or problem.status >= 500:
        raise problem
    return refusal(problem)
