"""实名等级: how sure we are who an account is. 2 self-declared, 3 two items match the register, 4 three items or the card
itself, 5 seen in person at a counter. Source: 广东省 unified identity, levels 二 to 五; DB61/T 1127.
"""

from __future__ import annotations

from typing import Literal, get_args

Register = Literal["population", "enterprise", "counter", "directory", "guardianship"]
Answer = Literal["match", "no_match", "unavailable"]

SELF_DECLARED, TWO_ITEMS, THREE_ITEMS, IN_PERSON = 2, 3, 4, 5
LEVELS = (SELF_DECLARED, TWO_ITEMS, THREE_ITEMS, IN_PERSON)
LEVEL_NAMES = {
    SELF_DECLARED: "自行填报 / self-declared",
    TWO_ITEMS: "两要素核验 / two items verified",
    THREE_ITEMS: "三要素核验 / three items verified",
    IN_PERSON: "窗口现场核验 / verified in person",
}
ThirdItem = Literal["mobile", "card_valid_until"]
THIRD_ITEMS: tuple[str, ...] = get_args(ThirdItem)
"""What the population register compares besides name and number: both are on no form that a stranger could copy."""


def level_after(level: int, answer: Answer, *, third_item: bool) -> int:
    """The level after a register was asked: a match never lowers it, anything else leaves it."""
    if answer != "match":
        return level
    return max(level, THREE_ITEMS if third_item else TWO_ITEMS)
