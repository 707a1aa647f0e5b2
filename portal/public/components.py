"""界面组件: every component in all its states, for whoever builds pages and for the tests that look at them."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from flask import render_template

from portal.public.room import PUBLIC
from portal.words import china_now

DUE_IN_DAYS = (-1, 0, 1, 9)  # one for every colour of the clock


@PUBLIC.get("/components")
def components() -> Any:
    """Dates are made from today's, so that they show every state on any day."""
    today = china_now().date()
    dates = [(today + timedelta(days=days)).isoformat() for days in DUE_IN_DAYS]
    return render_template("public/components.html", dates=dates)
