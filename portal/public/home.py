"""首页: the ways to an item, and what people may expect."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping
from typing import Any

from flask import render_template

from portal.public.figures import kept_figures, share_on_time
from portal.public.room import PUBLIC, catalogue, packages_known, unless_away
from portal.public.topics import topics_of
from portal.words import departments

POPULAR, PACKAGES = 6, 3


@PUBLIC.get("/")
def home() -> Any:
    """Search, topics, departments, popular items, verification, figures. What cannot be had now is left out."""
    items = unless_away(catalogue)
    figures = unless_away(kept_figures)
    return render_template(
        "public/home.html",
        away=items is None,
        popular=most_asked_for(items or (), figures),
        packages=(unless_away(packages_known) or [])[:PACKAGES],
        topics=unless_away(lambda: topics_of(items or ())) or {},
        departments=unless_away(departments) or {},
        leading=Counter(item["lead_department"] for item in items or ()),
        figures=figures,
        on_time=share_on_time(figures) if figures else None,
    )


def most_asked_for(items: Iterable[dict[str, Any]], figures: Mapping[str, Any] | None) -> list[dict[str, Any]]:
    """The items that were applied for most often; those that nobody asked for yet come last, by code."""
    asked = {row["item_code"]: row["submitted"] for row in figures["by_item"]} if figures else {}
    return sorted(items, key=lambda item: (-asked.get(item["item_code"], 0), item["item_code"]))[:POPULAR]
