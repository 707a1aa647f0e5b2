"""A case rebuilt from nothing but what was told of it: what any other system can know. Shares no code with workflow."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import date
from typing import Any

from contracts import case, task
from contracts.envelope import Event


@dataclass
class Told:
    """The case as its events tell it. Tasks are (department, state, verdict, due date while it is open)."""

    state: str = ""
    accepted_on: date | None = None
    due_on: date | None = None
    correct_by: date | None = None
    materials: dict[str, str] = field(default_factory=dict)
    tasks: dict[str, tuple[str, str, str | None, date | None]] = field(default_factory=dict)
    duties: dict[str, str] = field(default_factory=dict)
    notices: int = 0
    decisions: int = 0
    ended: int = 0

    def hear(self, event: Event) -> None:
        """One event more."""
        kind = event.TYPE.split(".v")[0].replace(".", "_")
        getattr(self, f"_{kind}", self._nothing)(event)

    @property
    def stage(self) -> str:
        """The state: of a case that is neither accepted nor returned, an open pre-review tells it."""
        if self.state != "received":
            return self.state
        looking = any(t[1] == "open" and self.duties.get(no) == "pre_review" for no, t in self.tasks.items())
        return "pre_review" if looking else "received"

    def _nothing(self, event: Event) -> None:
        """It tells of the case nothing that stays."""

    def _take(self, materials: tuple[case.CaseMaterial, ...]) -> None:
        self.materials |= {material.code: material.material_id for material in materials}

    def _move(self, dues: tuple[case.ClockMoved, ...]) -> None:
        for moved in dues:
            department, state, verdict, _ = self.tasks[moved.task_id]
            self.tasks[moved.task_id] = (department, state, verdict, moved.due_on)

    def _end(self, state: str) -> None:
        self.state, self.ended = state, self.ended + 1

    def _case_submitted(self, event: case.CaseSubmitted) -> None:
        self.state = "received"
        self._take(event.materials)

    def _case_accepted(self, event: case.CaseAccepted) -> None:
        self.state, self.accepted_on, self.due_on = "under_examination", event.accepted_on, event.due_on

    def _case_correction_requested(self, event: case.CaseCorrectionRequested) -> None:
        self.state, self.correct_by, self.notices = "awaiting_correction", event.correct_by, self.notices + 1

    def _case_corrected(self, event: case.CaseCorrected) -> None:
        self.state = "received" if self.accepted_on is None else "under_examination"
        self._take(event.materials)

    def _case_supplemented(self, event: case.CaseSupplemented) -> None:
        self._take(event.materials)

    def _case_special_procedure_started(self, event: case.CaseSpecialProcedureStarted) -> None:
        self.state, self.due_on = "special_procedure", event.due_on
        self._move(event.tasks)

    def _case_special_procedure_ended(self, event: case.CaseSpecialProcedureEnded) -> None:
        self.state, self.due_on = "under_examination", event.due_on
        self._move(event.tasks)

    def _case_extended(self, event: case.CaseExtended) -> None:
        self.due_on = event.due_on

    def _case_approved(self, _event: Any) -> None:
        self.state, self.decisions = "approved", self.decisions + 1

    def _case_denied(self, _event: Any) -> None:
        self.decisions += 1
        self._end("denied")

    def _case_closed(self, _event: Any) -> None:
        self._end("closed")

    def _case_not_accepted(self, _event: Any) -> None:
        self._end("not_accepted")

    def _case_withdrawn(self, _event: Any) -> None:
        self._end("withdrawn")

    def _case_deemed_withdrawn(self, _event: Any) -> None:
        self._end("deemed_withdrawn")

    def _case_revoked(self, _event: Any) -> None:
        self._end("revoked")

    def _case_terminated(self, _event: Any) -> None:
        self._end("terminated")

    def _task_assigned(self, event: task.TaskAssigned) -> None:
        assert event.task_id not in self.tasks, f"{event.task_id} was assigned twice"
        self.tasks[event.task_id] = (event.department, "open", None, event.due_on)
        self.duties[event.task_id] = event.duty or event.kind

    def _task_cancelled(self, event: task.TaskCancelled) -> None:
        department, state, _, _ = self.tasks[event.task_id]
        assert state == "open", f"{event.task_id} was cancelled when it was {state}"
        self.tasks[event.task_id] = (department, "cancelled", None, None)

    def _task_opinion_recorded(self, event: task.OpinionRecorded) -> None:
        """One answer may make two steps (即办、告知承诺): the second was never anybody's work."""
        department, state, _, _ = self.tasks.get(event.task_id, (event.department, "open", None, None))
        assert state == "open", f"{event.task_id} was answered when it was {state}"
        self.tasks[event.task_id] = (department, "answered", event.verdict, None)
