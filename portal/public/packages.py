"""一件事: what can be applied for as one, and its one guide."""

from __future__ import annotations

from typing import Any

from flask import render_template, request

from portal import package as packaged
from portal.forms import fields_of
from portal.public.items import FORMATS, LONGEST_WORDS
from portal.public.room import PUBLIC, find_packages, packages_known, unless_away
from portal.words import departments


@PUBLIC.get("/packages")
def packages() -> Any:
    """一件事清单: all of them, or those of a life event, or by words of the name."""
    known = packages_known()
    wanted = {"q": request.args.get("q", "")[:LONGEST_WORDS].strip(), "event": request.args.get("event", "").strip()}
    return render_template(
        "public/packages.html",
        found=find_packages(**wanted),
        wanted=wanted,
        events=sorted({event for one in known for event in one["life_events"]}),
        departments=unless_away(departments) or {},
    )


@PUBLIC.get("/packages/<code>")
def package(code: str) -> Any:
    """一件事指南: the one form, every material once with what it is for, the items with their clocks, the questions."""
    guide = packaged.package_of(code)
    fields = fields_of(guide["form_schema"])
    return render_template(
        "public/package.html",
        package=guide,
        questions=packaged.questions(guide),
        fields=fields,
        field_names={field.name: field.label for field in fields},
        departments=unless_away(departments) or {},
        formats=FORMATS,
    )
