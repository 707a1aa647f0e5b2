"""公开数据: what the platform did, for everybody to read and to use."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from flask import render_template

from portal.api import path
from portal.kept import kept
from portal.language import either
from portal.public.room import PUBLIC, catalogue, unless_away
from portal.session import api

KEPT_S = 10.0


@PUBLIC.get("/figures")
def figures() -> Any:
    """As they are now."""
    told = api().get(path("figures"))
    return render_template(
        "public/figures.html",
        figures=told,
        on_time=share_on_time(told),
        names={item["item_code"]: either(item) for item in unless_away(catalogue) or ()},
        busiest_day=max((max(day["submitted"], day["closed"]) for day in told["days"]), default=0),
    )


def kept_figures() -> dict[str, Any]:
    """As they were a moment ago, for pages that show a few of them."""
    return kept("figures", KEPT_S, lambda caller: caller.get(path("figures")))


def share_on_time(told: Mapping[str, Any]) -> str | None:
    """How many of the departments' answers were in time, in percent; None while there was none. Never rounded up to 100."""
    answered, late = told["on_time"]["answered"], told["on_time"]["late"]
    if not answered:
        return None
    tenths = (answered - late) * 1000 // answered
    return f"{tenths / 10:g} %"
