"""What happened to a case, as sentences in the order of time."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from flask_babel import gettext as _

from portal.language import day, either
from portal.words import CASE_STATES, VERDICTS, word

ANSWERED, MOVED, BEGUN, RECEIVED = range(4)


@dataclass(frozen=True)
class Happening:
    """``detail`` is what somebody wrote. ``turn`` orders what happened in one moment: an answer, what it led to, who is next."""

    at: str
    turn: int
    text: str
    detail: str = ""


def story_of(case: Mapping[str, Any], departments: Mapping[str, Mapping[str, Any]]) -> list[Happening]:
    """Newest first."""
    happenings = [*_moves(case), *(h for task in case["tasks"] for h in _of_task(task, departments))]
    return sorted(happenings, key=lambda h: (h.at, h.turn), reverse=True)


EXPLAINED = ("denied", "not_accepted", "withdrawn", "revoked", "terminated")


def _moves(case: Mapping[str, Any]) -> Iterator[Happening]:
    stops = iter(case["special_procedures"])
    for move in case["timeline"]:
        if move["before"] is None:
            yield Happening(move["at"], MOVED, _("您的申请已提交，平台已收件"), _on_behalf(move))
        else:
            why = move["why"] if move["after"] in EXPLAINED else ""
            if move["after"] == "special_procedure":
                why = _stopped(next(stops, None))
            detail = " ".join(part for part in (why, _on_behalf(move)) if part)
            yield Happening(move["at"], MOVED, str(word(CASE_STATES, move["after"])), detail)
    if case["licence_no"] and case["closed_at"]:
        yield Happening(case["closed_at"], ANSWERED, _("电子证照已签发"), case["licence_no"])


def _stopped(stop: Mapping[str, Any] | None) -> str:
    """Which procedure, until when, and why."""
    if stop is None:
        return ""
    return f"{either(stop)} – {day(stop['until'])} {stop['reason']}"


def _on_behalf(move: Mapping[str, Any]) -> str:
    """Both names, where an agent acted for another."""
    if not move.get("for_name"):
        return ""
    return str(_("%(agent)s 代 %(name)s 办理", agent=move["by_name"], name=move["for_name"]))


def _of_task(task: Mapping[str, Any], departments: Mapping[str, Mapping[str, Any]]) -> Iterator[Happening]:
    who = either(departments[task["department"]]) if task["department"] in departments else task["department"]
    step = either(task, "step_name")
    yield Happening(task["assigned_at"], BEGUN, _("%(who)s 开始办理：%(step)s", who=who, step=step))
    if task["acknowledged_at"]:
        yield Happening(task["acknowledged_at"], RECEIVED, _("%(who)s 已签收", who=who))
    if task["verdict"]:
        text = _("%(who)s %(step)s：%(verdict)s", who=who, step=step, verdict=word(VERDICTS, task["verdict"]))
        yield Happening(task["closed_at"], ANSWERED, text, task["reason"] or "")
