"""好差评: the applicant rates a case that has ended, once."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from chassis.auth import Principal
from chassis.db import Tx
from chassis.errors import Refusal
from chassis.workdays import is_working_day
from contracts.rights import ENDED
from contracts.supervision import RatedAspect, RatingGiven, RatingLevel
from services.audit.adapters.metrics import RATINGS
from services.audit.domain.figures import item_of
from services.audit.domain.ratings import ASPECTS, follow_up_by
from services.audit.domain.supervision import china_date
from services.audit.models import ratings
from services.audit.use_cases.case_rights import unmet_for_case


@dataclass(frozen=True)
class GiveRating:
    """What the applicant says of the case."""

    case_no: str
    level: RatingLevel
    aspects: Sequence[RatedAspect]
    comment: str | None


def give_rating(tx: Tx, command: GiveRating, caller: Principal) -> dict[str, Any]:
    """The row of ``ratings``. Raises Refusal ``not_found``, ``case_not_ended`` or ``already_rated``."""
    case_no, given_on = command.case_no, china_date(tx.now)
    failed = unmet_for_case(tx.connection, caller, "ratings:write", case_no)
    if failed == ENDED.code:
        raise Refusal("case_not_ended", "办件办结后方可评价 / a case is rated after it has ended", case_no=case_no)
    if failed is not None:
        raise Refusal("not_found", "没有这个办件 / no such case", case_no=case_no)
    aspects = tuple(aspect for aspect in ASPECTS if aspect in command.aspects)
    row = {
        "case_no": case_no,
        "level": command.level,
        "aspects": list(aspects),
        "comment": command.comment,
        "given_on": given_on,
        "follow_up_by": follow_up_by(command.level, given_on, is_working_day),
    }
    if not tx.insert_new(ratings, [row], [ratings.c.case_no]):
        raise Refusal("already_rated", "本件已评价，一事一评 / the case has its rating", case_no=case_no)
    tx.tell(
        RatingGiven(
            case_no=case_no, item_code=item_of(case_no), level=command.level, aspects=aspects, given_on=given_on
        )
    )
    tx.on_commit.append(RATINGS.labels(str(command.level)).inc)
    return row
