"""A version on its way: written, reviewed by a second person, published for its day (起草、审核、发布)."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum

from chassis.errors import Refusal


class DraftState(StrEnum):
    """SCHEDULED: published, its day is yet to come."""

    DRAFT = "draft"
    IN_REVIEW = "in_review"
    APPROVED = "approved"
    SCHEDULED = "scheduled"
    PUBLISHED = "published"
    DISCARDED = "discarded"


NEXT: Mapping[DraftState, frozenset[DraftState]] = {
    DraftState.DRAFT: frozenset({DraftState.IN_REVIEW, DraftState.DISCARDED}),
    DraftState.IN_REVIEW: frozenset({DraftState.DRAFT, DraftState.APPROVED}),
    DraftState.APPROVED: frozenset({DraftState.DRAFT, DraftState.SCHEDULED, DraftState.PUBLISHED}),
    DraftState.SCHEDULED: frozenset({DraftState.PUBLISHED}),
    DraftState.PUBLISHED: frozenset(),
    DraftState.DISCARDED: frozenset(),
}
STATE_NAMES: Mapping[DraftState, tuple[str, str]] = {
    DraftState.DRAFT: ("起草中", "being written"),
    DraftState.IN_REVIEW: ("待审核", "under review"),
    DraftState.APPROVED: ("审核通过", "approved"),
    DraftState.SCHEDULED: ("待生效", "scheduled"),
    DraftState.PUBLISHED: ("已发布", "published"),
    DraftState.DISCARDED: ("已作废", "discarded"),
}


def require_move(state: str, to: DraftState) -> None:
    """Raises Refusal ``draft_state`` if a draft in ``state`` cannot come into the state ``to``."""
    current = DraftState(state)
    if to not in NEXT[current]:
        (zh, en), (to_zh, to_en) = STATE_NAMES[current], STATE_NAMES[to]
        raise Refusal(
            "draft_state",
            f"草稿{zh}，不能转为{to_zh} / the draft is {en} and cannot become {to_en}",
            state=current.value,
            to=to.value,
        )


def require_being_written(state: str) -> None:
    """Raises Refusal ``draft_state`` if what the draft says is settled, for the time being or for good."""
    current = DraftState(state)
    if current is not DraftState.DRAFT:
        zh, en = STATE_NAMES[current]
        raise Refusal(
            "draft_state", f"草稿{zh}，不能修改 / the draft is {en} and cannot be changed", state=current.value
        )


def require_second_person(authors: Sequence[str], reviewer: str) -> None:
    """审核人不得是起草人. Raises Refusal ``review_of_own_draft``."""
    if reviewer in authors:
        raise Refusal(
            "review_of_own_draft",
            "起草人不得审核自己的草稿 / who has written a draft does not review it",
        )
