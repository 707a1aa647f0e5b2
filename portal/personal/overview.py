"""我的信息 on one page."""

from __future__ import annotations

from typing import Any

from flask import session

from portal.api import path
from portal.personal.room import DONE, PERSONAL, for_persons, page
from portal.personal.vocabulary import CONTACTS
from portal.session import own_api


@PERSONAL.get("")
@for_persons
def overview() -> Any:
    """我的信息."""
    caller = own_api()
    known = {one["kind"]: one for one in caller.get(path("my", "contacts"))["contacts"]}
    return page(
        "overview",
        done=session.pop(DONE, ""),
        assurance=caller.get(path("my", "verifications")),
        contacts=[(kind, word, known.get(kind)) for kind, word in CONTACTS.items()],
        disclosures=caller.get(path("my", "disclosures"))["disclosures"],
        requests=caller.get(path("my", "data-requests"))["requests"],
    )
