"""办理身份: for whom one acts, and who may act for one: offer, accept, revoke, switch."""

from __future__ import annotations

import uuid
from collections.abc import Mapping
from typing import Any

from flask import redirect, render_template, request, url_for
from flask_babel import gettext as _

from portal.acting import start_acting, stop_acting
from portal.api import Problem, path
from portal.citizen.room import CITIZEN, for_citizens
from portal.session import own_api
from portal.words import ACTIONS, refusal

_FIELDS = ("name", "identity_number", "from_on", "until_on")


@CITIZEN.get("/acting")
@for_citizens
def acting() -> Any:
    """办理身份."""
    return _page({})


@CITIZEN.post("/acting/offers")
@for_citizens
def offer() -> Any:
    """提出委托."""
    form = request.form
    given: dict[str, Any] = {name: form.get(name, "").strip() for name in _FIELDS}
    actions = [action for action in form.getlist("actions") if action in ACTIONS]
    errors = {name: _("请填写此项") for name, value in given.items() if not value}
    if not actions:
        errors["actions"] = _("请至少选择一项权限")
    if not errors:
        items = form.getlist("items") or None
        try:
            key = form.get("key") or str(uuid.uuid4())
            own_api().post(path("delegations"), given | {"actions": actions, "items": items}, key=key)
        except Problem as problem:
            if problem.status == 401 or problem.status >= 500:
                raise
            field = "identity_number" if problem.code == "identity_number_invalid" else "name"
            errors = {field: refusal(problem)}
    return (_page(errors), 422) if errors else redirect(url_for("citizen.acting"), 303)


@CITIZEN.post("/acting/<uuid:delegation_id>/acceptance")
@for_citizens
def accept(delegation_id: Any) -> Any:
    """接受委托."""
    own_api().call("POST", path("delegations", str(delegation_id), "acceptance"))
    return redirect(url_for("citizen.acting"), 303)


@CITIZEN.post("/acting/<uuid:delegation_id>/revocation")
@for_citizens
def revoke(delegation_id: Any) -> Any:
    """撤销或退出委托."""
    own_api().call("POST", path("delegations", str(delegation_id), "revocation"))
    return redirect(url_for("citizen.acting"), 303)


@CITIZEN.post("/acting/<uuid:delegation_id>/start")
@for_citizens
def act_for(delegation_id: Any) -> Any:
    """以委托人身份办理."""
    received = own_api().get(path("delegations"))["received"]
    for delegation in received:
        if delegation["delegation_id"] == str(delegation_id):
            start_acting(own_api(), delegation)
            return redirect(url_for("citizen.home" if "read" in delegation["actions"] else "public.items"), 303)
    raise Problem(404, "delegation_unknown", "没有这项委托 / there is no such delegation", {})


@CITIZEN.post("/acting/stop")
@for_citizens
def act_for_oneself() -> Any:
    """恢复本人身份."""
    stop_acting()
    return redirect(url_for("citizen.acting"), 303)


def _page(errors: Mapping[str, str]) -> str:
    found = own_api().get(path("delegations"))
    items = own_api().get(path("items"), page_size=200)["items"]
    return render_template(
        "citizen/acting.html",
        given=found["given"],
        received=found["received"],
        items=items,
        item_names={item["item_code"]: item for item in items},
        errors=errors,
        form=request.form,
        key=str(uuid.uuid4()),
    )
