"""All that an officer must see of one task: the task itself, its case, the guide it runs on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from portal.api import path
from portal.session import api
from portal.shared import guide_of
from portal.staff import department_names, step_names

DONE = ("agree", "disagree")


@dataclass(frozen=True)
class Dossier:
    """``task`` is the department's own; ``case`` has every department's tasks, the materials and the timeline."""

    task: Mapping[str, Any]
    case: Mapping[str, Any]
    guide: Mapping[str, Any]
    departments: Mapping[str, str]

    @property
    def kind(self) -> str:
        """Kind of the step: the duty where the task has one, for older systems know five kinds only."""
        return str(self.task.get("duty") or self.task["kind"])

    @property
    def signers_needed(self) -> int:
        """How many officers have to sign the step (实质核查)."""
        plan: Sequence[Mapping[str, Any]] = self.guide.get("plan", ())
        return next((int(step.get("officers") or 1) for step in plan if step["step"] == self.task["step"]), 1)

    @property
    def led(self) -> bool:
        """Whether the task's department leads the item, and with it the case."""
        return bool(self.guide.get("lead_department") == self.task["department"])

    @property
    def objections(self) -> list[Mapping[str, Any]]:
        """What a ruling is about: the newest answers of others that disagree."""
        return [task for task in self.latest().values() if task["verdict"] == "disagree" and task["kind"] != "ruling"]

    @property
    def is_open(self) -> bool:
        """Whether the department's answer is awaited."""
        return bool(self.task.get("state", "open") == "open")

    @property
    def own(self) -> Mapping[str, Any]:
        """The task as it stands in the case: with receipt, verdict and reason."""
        return next((t for t in self.case["tasks"] if t["task_id"] == self.task["task_id"]), {})

    @property
    def others(self) -> list[Mapping[str, Any]]:
        """The other tasks of the case, in the order of assignment."""
        return [task for task in self.case["tasks"] if task["task_id"] != self.task["task_id"]]

    @property
    def correction_used(self) -> bool:
        """Whether the one correction notice that the law allows has gone out."""
        return any(move["after"] == "awaiting_correction" for move in self.case["timeline"])

    @property
    def rules(self) -> dict[str, Mapping[str, Any]]:
        """The guide's rule for each material, by code."""
        return {rule["code"]: rule for rule in self.guide.get("materials", ())}

    @property
    def steps(self) -> dict[str, str]:
        """Names of the steps."""
        return step_names(self.guide)

    def department(self, code: str) -> str:
        """Its name, or the code while the directory is out of reach."""
        return self.departments.get(code, code)

    def paper(self, code: str) -> Mapping[str, Any] | None:
        """The material in hand under ``code``, if there is one."""
        return next((material for material in self.task["materials"] if material["code"] == code), None)

    def replaced(self, code: str) -> bool:
        """Whether the material was handed in again after a correction notice."""
        return [material["code"] for material in self.case["materials"]].count(code) > 1

    def latest(self) -> dict[str, Mapping[str, Any]]:
        """Step -> its task of the newest round."""
        newest: dict[str, Mapping[str, Any]] = {}
        for task in self.case["tasks"]:
            if task["step"] not in newest or task["round"] > newest[task["step"]]["round"]:
                newest[task["step"]] = task
        return newest

    def at_work(self) -> list[str]:
        """Departments whose answers are still out, this one aside."""
        mine = self.task["task_id"]
        return [
            self.department(task["department"])
            for task in self.latest().values()
            if task["state"] == "open" and task["task_id"] != mine
        ]

    def corrections_asked(self) -> list[str]:
        """Other departments that have asked for corrections, which wait for the rest."""
        return [
            self.department(task["department"])
            for task in self.latest().values()
            if task["verdict"] == "correction_needed"
        ]

    def following(self) -> list[Mapping[str, Any]]:
        """Steps of the guide that start once this one is answered."""
        latest = self.latest()
        done = {step for step, task in latest.items() if task["verdict"] in DONE} | {self.task["step"]}
        plan: Sequence[Mapping[str, Any]] = self.guide.get("plan", ())
        return [step for step in plan if step["step"] not in latest and done.issuperset(step.get("after", ()))]


def open_dossier(task_id: str) -> Dossier:
    """Fetch everything. Raises Problem ``not_found`` for a task of another department."""
    task = api().get(path("tasks", task_id))
    case = api().get(path("cases", task["case_no"]))
    guide = guide_of(case["item_code"], case["item_version"])
    return Dossier(task, case, guide, department_names())
