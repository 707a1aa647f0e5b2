"""A case's rating for those who may read what was written."""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Connection

from chassis.auth import Principal
from chassis.errors import Refusal
from services.audit import queries
from services.audit.use_cases.case_rights import unmet_for_case


def show_rating(connection: Connection, case_no: str, reader: Principal) -> Any:
    """The row of ``ratings``. Raises Refusal ``not_found`` when there is none, or it is none of the reader's business."""
    rating = queries.rating_of_case(connection, case_no)
    if rating is None or unmet_for_case(connection, reader, "ratings:read", case_no) is not None:
        raise Refusal("not_found", "没有这个评价 / no such rating", case_no=case_no)
    return rating
