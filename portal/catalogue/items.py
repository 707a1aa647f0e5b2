"""在用事项: versions and history of one item; suspending and resuming it."""

from __future__ import annotations

from typing import Any

from flask import redirect, session, url_for
from flask_babel import gettext as _

from portal.api import Problem, path
from portal.catalogue.room import CATALOGUE, DONE, errors_of, for_authors, for_system, given, given_key, missing, page
from portal.session import api


@CATALOGUE.get("/items/<item_code>")
@for_authors
def item(item_code: str) -> Any:
    """Versions, history, and whether applications are taken in."""
    return _page(item_code)


@CATALOGUE.post("/items/<item_code>/suspension")
@for_system
def suspend(item_code: str) -> Any:
    """暂停: the public reads the reason."""
    return _stand(item_code, "suspension", _("已暂停受理"))


@CATALOGUE.post("/items/<item_code>/resumption")
@for_system
def resume(item_code: str) -> Any:
    """恢复."""
    return _stand(item_code, "resumption", _("已恢复受理"))


def _stand(item_code: str, what: str, sentence: str) -> Any:
    if errors := missing("reason"):
        return _page(item_code, errors)
    try:
        api().post(path("items", item_code, what), {"reason": given("reason")}, key=given_key())
    except Problem as problem:
        return _page(item_code, errors_of(problem, "reason"))
    session[DONE] = sentence
    return redirect(url_for("catalogue.item", item_code=item_code), 303)


def _page(item_code: str, errors: dict[str, str] | None = None) -> Any:
    past = api().get(path("item-history", item_code))["history"]
    guide = api().get(path("items", item_code))
    versions = api().get(path("items", item_code, "versions"))["versions"]
    return page("item", errors, item=guide, versions=versions, history=past)
