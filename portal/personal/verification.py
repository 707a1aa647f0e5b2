"""实名核验: the visitor has the registers compare, and so raises the level of the account."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from portal.api import Problem, path
from portal.personal.room import PERSONAL, done, for_persons, given, missing, page
from portal.personal.vocabulary import ANSWERS, LEVELS, THIRD_ITEMS
from portal.session import own_api, renew_soon
from portal.words import refusal, word

HIGHEST_ONLINE = 4


@PERSONAL.get("/verification")
@for_persons
def verification() -> Any:
    """The level, what raises it, and what was asked so far."""
    return _page({})


@PERSONAL.post("/verification")
@for_persons
def verify() -> Any:
    """核验. With a third item the level may come to four, without one to three."""
    third = given("third_item")
    value = given(third) if third in THIRD_ITEMS else ""
    if third in THIRD_ITEMS and (errors := missing(third)):
        return _page(errors)
    asked: dict[str, str] = {"third_item": third, "third_value": value} if value else {}
    if representative := given("legal_representative"):
        asked["legal_representative"] = representative
    try:
        answer = own_api().call("POST", path("my", "verifications"), json=asked).json()
    except Problem as problem:
        if problem.status == 401 or (problem.status >= 500 and problem.code != "register_unavailable"):
            raise
        return _page({third if value else "third_item": refusal(problem)})
    renew_soon()
    return done(_("核验完成：%(level)s", level=word(LEVELS, str(answer["level"]))))


def _page(errors: dict[str, str]) -> Any:
    assurance = own_api().get(path("my", "verifications"))
    return page(
        "verification",
        errors,
        assurance=assurance,
        highest=assurance["level"] >= HIGHEST_ONLINE,
        third_items=THIRD_ITEMS,
        answers=ANSWERS,
        chosen=given("third_item"),
    )
