"""Parts of a page that renew themselves. Nothing is replaced while nothing has changed: focus and reading place stay."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from flask import render_template, request
from markupsafe import Markup

from portal.session import visitor

STOP_ASKING = 286  # htmx's status for the end of polling


def part(
    template: str, address: str, query: Mapping[str, str], *, every_s: int, stamp: str = "", **shown: Any
) -> Markup:
    """``template`` in a frame that asks ``address`` whether there is something new. ``stamp``: time of what is shown."""
    inside = Markup(render_template(template, **shown))  # noqa: S704 - a template of ours, escaped as any
    seen = hashlib.sha256(inside.encode()).hexdigest()[:16]
    asked = f"{address}?{urlencode({**query, 'seen': seen})}"
    frame = render_template("live.html", inside=inside, address=asked, every_s=every_s, stamp=stamp, seen=seen)
    return Markup(frame)  # noqa: S704


def renewed(shown: Markup) -> Any:
    """The answer to a frame that asks: the part, or nothing if it is what the frame has."""
    known = request.args.get("seen", "")
    return ("", 204) if known and f'data-seen="{known}"' in shown else shown


def ended(kind: str) -> Any | None:
    """None while the visitor is of ``kind``; else what the frame shows instead, and asks no more."""
    return None if visitor().kind == kind else (render_template("live_ended.html"), STOP_ASKING)
