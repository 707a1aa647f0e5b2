"""Rules of electronic supervision (电子监察): T9, a department's late answer; P1, a second correction notice."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from contracts.supervision import CardLevel

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")  # one offset, no summer time, since 1991
LATE_ANSWER = "T9"
SECOND_CORRECTION = "P1"
SECOND_CORRECTION_CODE = "second_correction_refused"

_LETTER: dict[CardLevel, str] = {"yellow": "Y", "red": "R"}
_LEVEL: dict[str, CardLevel] = {letter: level for level, letter in _LETTER.items()}


def china_date(time: datetime) -> date:
    """The law's date of an aware time."""
    return time.astimezone(CHINA).date()


@dataclass(frozen=True)
class Judgement:
    """Levels that the task has earned, and the next date on which there may be more (None: never)."""

    levels: tuple[CardLevel, ...]
    judge_on: date | None


def judge_task(due_on: date, *, ended_on: date | None, today: date) -> Judgement:
    """Yellow for a task still open on its last day, red for one open after it; both stay earned when it is answered.

    It depends on dates alone, so judging late, early or twice gives the same cards. Source: rule T9 of the catalogue.
    """
    open_until = today if ended_on is None else ended_on
    if open_until < due_on:
        levels: tuple[CardLevel, ...] = ()
        following = due_on
    elif open_until == due_on:
        levels, following = ("yellow",), due_on + timedelta(days=1)
    else:
        levels, following = ("yellow", "red"), None
    return Judgement(levels, None if ended_on is not None else following)


def card_number(rule: str, level: CardLevel, task_id: str) -> str:
    """监察编号: the same for the same fact, whoever judges it and how often."""
    return f"{rule}-{_LETTER[level]}-{task_id}"


def card_level(card_no: str) -> CardLevel:
    """The level that a card's number tells."""
    return _LEVEL[card_no.split("-")[1]]


def late_answer_detail(level: CardLevel, *, department: str, step: str, step_name: str, due_on: date) -> str:
    """Sentence of a T9 card."""
    if level == "yellow":
        return (
            f"环节“{step_name}”({department})至办理期限最后一日 {due_on} 仍未答复 / "
            f"step {step} of {department} was still unanswered on its last day, {due_on}"
        )
    return (
        f"环节“{step_name}”({department})超过办理期限 {due_on} 仍未答复 / "
        f"step {step} of {department} was still unanswered after its last day, {due_on}"
    )


def second_correction_detail(department: str) -> str:
    """Sentence of a P1 card."""
    return (
        f"{department} 对同一办件再次要求补正,违反一次性告知 / "
        f"{department} asked for correction a second time on one case; the law allows one notice"
    )
