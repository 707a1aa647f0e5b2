"""One case as those see it who take part in it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from typing import Any

from services.identity.domain.directory import Caller
from tests.journeys.judge import judge_case
from tests.journeys.platform import Refused, Town

Document = dict[str, Any]


class Case:
    """A case of ``item_code`` and its applicant."""

    def __init__(self, town: Town, item_code: str, case_no: str, who: Caller, *, lead: str = "education") -> None:
        self.town, self.item_code, self.no, self.who, self.lead = town, item_code, case_no, who, lead

    def show(self, who: Caller | None = None) -> Document:
        """The case whole, as its applicant or ``who`` reads it."""
        shown: Document = self.town.told("GET", f"/api/v1/cases/{self.no}", who or self.who)
        return shown

    @property
    def state(self) -> str:
        return str(self.show()["state"])

    def due(self, name: str = "due_on") -> date:
        """One of the case's dates."""
        return date.fromisoformat(self.show()[name])

    def tasks(self, state: str = "open") -> dict[str, Document]:
        """The newest task of each step that is in this state."""
        newest: dict[str, Document] = {}
        for task in sorted(self.show()["tasks"], key=lambda task: task["round"]):
            newest[task["step"]] = task
        return {step: task for step, task in newest.items() if task["state"] == state}

    def open(self) -> list[str]:
        """Steps that wait for an answer."""
        return sorted(self.tasks())

    def _answer(self, step: str, verdict: str, by: Caller | None, said: Document) -> tuple[str, Caller, Document]:
        task = self.tasks()[step]
        who = by or Town.officer(task["department"], "审批人" if task["kind"] == "decision" else "经办人")
        return f"/api/v1/tasks/{task['task_id']}/opinion", who, {"verdict": verdict, **said}

    def answer(self, step: str, verdict: str = "agree", *, by: Caller | None = None, **said: Any) -> Document:
        """An officer of the step's department answers its open task; whoever decides is another one."""
        path, who, body = self._answer(step, verdict, by, said)
        recorded: Document = self.town.told("POST", path, who, body)
        return recorded

    def answer_refused(self, step: str, verdict: str, *, by: Caller | None = None, **said: Any) -> Refused:
        path, who, body = self._answer(step, verdict, by, said)
        return self.town.refused("POST", path, who, body)

    def agree(self, *steps: str) -> None:
        """Each step agreed to, in this order."""
        for step in steps:
            self.answer(step)

    def complain(self, step: str, *codes: str) -> None:
        """The department asks for correction of these materials."""
        self.answer(step, "correction_needed", reason="不合格", defects=defects(*codes))

    def conduct(self, path: str, **body: Any) -> Document:
        """The lead department does something to the case."""
        done: Document = self.town.told("POST", f"/api/v1/cases/{self.no}/{path}", Town.officer(self.lead), body)
        return done

    def conduct_refused(self, path: str, **body: Any) -> Refused:
        return self.town.refused("POST", f"/api/v1/cases/{self.no}/{path}", Town.officer(self.lead), body)

    def hand_in(self, what: str, *codes: str, text: str = "补正", by: Caller | None = None) -> Document:
        """``what`` is corrections or supplements."""
        receipts = [self.town.upload(self.item_code, code, by or self.who, text=text) for code in codes]
        path = f"/api/v1/cases/{self.no}/{what}"
        done: Document = self.town.told("POST", path, by or self.who, {"materials": receipts})
        return done

    def told(self) -> list[str]:
        """Types of the case's events without their version, as the trail shows them."""
        self.town.settle(record=True)
        trail = self.town.told("GET", f"/api/v1/trails/{self.no}", self.who)["events"]
        return [entry["type"].rpartition(".v")[0] for entry in trail]

    def cards(self) -> set[tuple[str, str]]:
        """(rule, level) of the cards that supervision raised in this case."""
        self.town.settle(record=True)
        found = self.town.told("GET", f"/api/v1/cards?case_no={self.no}", self.town.supervisor)["cards"]
        return {(card["rule"], card["level"]) for card in found}

    def ended(self, state: str) -> Document:
        """The case, which is in ``state`` to stay; the judge finds nothing wrong with it."""
        self.town.run_jobs()
        shown = self.show()
        assert shown["state"] == state, (shown["state"], shown["tasks"])
        trail = self.town.told("GET", f"/api/v1/trails/{self.no}", self.who)["events"]
        found = judge_case(self.town.read, self.no, shown, trail)
        assert not found, found
        assert self.show(self.town.supervisor)["state"] == state
        return shown


def defects(*codes: str) -> list[Document]:
    """What is wrong with these materials."""
    return [{"material_code": code, "problem": f"{code} 不清晰"} for code in codes]


def apply(town: Town, item_code: str, **choices: Any) -> Case:
    """Apply with all that the guide requires of this applicant."""
    guide = town.guide(item_code)
    who, body = _submission(town, guide, choices)
    made = town.told("POST", "/api/v1/cases", who, body)
    return Case(town, item_code, made["case_no"], who, lead=guide["lead_department"])


def apply_refused(town: Town, item_code: str, **choices: Any) -> Refused:
    who, body = _submission(town, town.guide(item_code), choices)
    return town.refused("POST", "/api/v1/cases", who, body)


def _submission(town: Town, guide: Document, choices: Document) -> tuple[Caller, Document]:
    who, item_code = choices.pop("who", None) or town.person(), guide["item_code"]
    codes: Sequence[str] = choices.pop("papers", None) or required(guide)
    body = {
        "item_code": item_code,
        "item_version": guide["version"],
        "form": choices.pop("form", None) or guide["form_schema"]["examples"][0],
        "materials": [town.upload(item_code, code, who) for code in codes],
    }
    return who, body | choices


def required(guide: Document) -> list[str]:
    """Codes of the materials that everybody hands in."""
    return [material["code"] for material in guide["materials"] if material["required"] and not material.get("when")]
