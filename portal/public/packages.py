"""一件事: what can be applied for as one, and its one guide."""

from __future__ import annotations

from typing import Any

from flask import render_template

from portal.api import path
from portal.forms import fields_of
from portal.public.room import PUBLIC, unless_away
from portal.session import api
from portal.words import departments


@PUBLIC.get("/packages")
def packages() -> Any:
    """一件事清单."""
    found = api().get(path("packages"))["packages"]
    return render_template("public/packages.html", found=found, departments=unless_away(departments) or {})


@PUBLIC.get("/packages/<code>")
def package(code: str) -> Any:
    """一件事指南: the one form, every material once, and the items behind them."""
    guide = api().get(path("packages", code))
    fields = fields_of(guide["form_schema"])
    return render_template(
        "public/package.html",
        package=guide,
        fields=fields,
        field_names={field.name: field.label for field in fields},
        departments=unless_away(departments) or {},
    )
