"""Rules of electronic supervision (电子监察): T9, a department's late answer; P1, a second correction notice; T5, an application
left unanswered for five days; T7, a special procedure over its time; T8, an unlawful extension; C2, an unlawful demand.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, timedelta, timezone

from contracts.supervision import CardLevel

CHINA = timezone(timedelta(hours=8), "Asia/Shanghai")  # one offset, no summer time, since 1991
LATE_ANSWER = "T9"
SECOND_CORRECTION = "P1"
SILENT_ACCEPTANCE = "T5"
PROCEDURE_OVER_TIME = "T7"
UNLAWFUL_EXTENSION = "T8"
DEMAND_BEYOND_GUIDE = "C2"
BEYOND_GUIDE_CODE = "material_not_in_guide"
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


def beyond_guide_detail(department: str) -> str:
    """Sentence of a C2 card."""
    return f"{department} 要求办事指南未列明的材料 / {department} demanded a material that the guide does not name"


def silent_acceptance_detail(department: str) -> str:
    """Sentence of a T5 card."""
    return (
        f"{department} 收件后五个工作日未受理、未告知补正,视为受理 / "
        f"{department} left an application unanswered for five working days; the law has accepted it"
    )


def procedure_over_time_detail(department: str, *, name: str, until: date) -> str:
    """Sentence of a T7 card."""
    return (
        f"{department} 的特别程序“{name}”至告知的最后一日 {until} 未结束 / "
        f"the special procedure of {department} was not ended by the day announced, {until}"
    )


def unlawful_extension_detail(department: str, detail: str) -> str:
    """Sentence of a T8 card; ``detail`` says in both languages why."""
    chinese, _, english = detail.partition(" / ")
    return f"{department} 违规延长:{chinese} / unlawful extension by {department}: {english}"
