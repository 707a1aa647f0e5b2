"""What the rooms of officers and supervisors share: the words that staff read, and names for the codes in cases."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from portal.api import Problem
from portal.language import either, is_english
from portal.shared import guide_of
from portal.words import CASE_STATES, VERDICTS, Word, departments

ITEM_CODE_LENGTH = 31  # a case number begins with its item's code

# What staff read: the applicant is somebody else.
STATES = {
    **CASE_STATES,
    "awaiting_correction": Word("等待申请人补正", "Waiting for the applicant's corrections", "warn"),
}
AGREE, DISAGREE, CORRECTION = "agree", "disagree", "correction_needed"
# One verdict of the API has the fitting word on each kind of step.
ANSWERS: dict[str, dict[str, Word]] = {
    "pre_review": {
        AGREE: Word("预审通过", "Pre-review passed", "good"),
        CORRECTION: Word("一次性告知补正", "Ask for corrections, once", "warn"),
    },
    "acceptance": {
        AGREE: Word("受理", "Accept the application", "good"),
        DISAGREE: Word("不予受理", "Do not accept it", "bad"),
        CORRECTION: Word("一次性告知补正", "Ask for corrections, once", "warn"),
    },
    "opinion": {
        AGREE: Word("同意", "Agree", "good"),
        DISAGREE: Word("不同意", "Disagree", "bad"),
        CORRECTION: Word("需要补正", "Corrections needed", "warn"),
    },
    "examination": {
        AGREE: Word("审查通过，建议准予", "Recommend to grant", "good"),
        DISAGREE: Word("审查不通过，建议不予许可", "Recommend to deny", "bad"),
        CORRECTION: Word("需要补正", "Corrections needed", "warn"),
    },
    "ruling": {
        AGREE: Word("不采纳异议，继续办理", "Overrule the objection, go on", "good"),
        DISAGREE: Word("采纳异议，建议不予许可", "Uphold the objection, recommend to deny", "bad"),
    },
    "check": {
        AGREE: Word("承诺属实", "The commitment is true", "good"),
        DISAGREE: Word("承诺不实，撤销决定", "The commitment is untrue, revoke the decision", "bad"),
    },
    "decision": {
        AGREE: Word("准予", "Grant", "good"),
        DISAGREE: Word("不予许可", "Deny", "bad"),
    },
    "delivery": {AGREE: Word("已送达", "Delivered", "good")},
}


MODES = {
    "ordinary": Word("一般程序", "Ordinary procedure"),
    "immediate": Word("即办", "Handled at once"),
    "deferred": Word("容缺受理", "Accepted with materials to follow"),
    "commitment": Word("告知承诺", "On the applicant's commitment"),
}


def answer_word(kind: str, verdict: str | None) -> Word:
    """What the verdict means on a step of this kind."""
    return ANSWERS.get(kind, VERDICTS).get(verdict or "") or VERDICTS.get(verdict or "") or Word("–", "–")


def department_names() -> dict[str, str]:
    """Code -> name in the language of the request; empty while the directory cannot be reached."""
    try:
        return {code: either(department) for code, department in departments().items()}
    except Problem as problem:
        if problem.status < 500:
            raise
        return {}


def step_names(guide: Mapping[str, Any]) -> dict[str, str]:
    """Step -> its name in the language of the request."""
    return {step["step"]: either(step) for step in guide.get("plan", ())}


def english_names(tasks: list[dict[str, Any]]) -> None:
    """Give tasks ``item_name_en`` and ``step_name_en`` beside the Chinese, where they are wanted and can be had."""
    if not is_english():
        return
    guides: dict[tuple[str, int | None], Any] = {}
    for task in tasks:
        item = task["case_no"][:ITEM_CODE_LENGTH], task.get("item_version")
        if item not in guides:
            guides[item] = _guide_or_nothing(*item)
        step = task["task_id"].split("-")[1]
        task["item_name_en"] = guides[item].get("name_en")
        task["step_name_en"] = step_names(guides[item]).get(step)


def _guide_or_nothing(item_code: str, version: int | None) -> dict[str, Any]:
    try:
        return guide_of(item_code, version)
    except Problem:
        return {}
