from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from chassis import clock
from contracts import case, item, licence, task
from contracts.envelope import Event
from services.audit.service import SERVICE
from tests.support import Tokens, bind, make_app, make_runtime

CASE = "11370800MB285591843370117002011202601050001"
APPLICANT = "party-school"


def submitted(case_no: str = CASE) -> case.CaseSubmitted:
    return case.CaseSubmitted(
        case_no=case_no,
        item_code=case_no[:31],
        item_version=1,
        item_name="校车使用许可",
        applicant_id=APPLICANT,
        submitted_by="person-li",
        channel="web",
        materials=(),
        accept_by=date(2026, 1, 12),
    )


def assigned(task_id: str, due_on: date, department: str = "police") -> task.TaskAssigned:
    return task.TaskAssigned(
        task_id=task_id,
        case_no=task_id.partition("-")[0],
        step="police",
        step_name="公安交管意见",
        kind="opinion",
        round=1,
        department=department,
        item_code=CASE[:31],
        item_name="校车使用许可",
        due_on=due_on,
        form={"children": 12, "holder_name": "张三丰"},
        materials=(),
    )


def recorded(task_id: str, department: str = "police", *, late: bool = False) -> task.OpinionRecorded:
    return task.OpinionRecorded(
        task_id=task_id,
        case_no=task_id.partition("-")[0],
        step="police",
        round=1,
        department=department,
        verdict="agree",
        reason="",
        late=late,
    )


def approved(case_no: str = CASE) -> case.CaseApproved:
    return case.CaseApproved(
        case_no=case_no,
        item_code=case_no[:31],
        item_version=1,
        item_name="校车使用许可",
        applicant_id=APPLICANT,
        decided_by="officer-wang",
        decided_on=date(2026, 1, 8),
        licence=item.LicenceTemplate(
            name="校车标牌", name_en="School bus plate", type_code="X", issuer_name="公安", issuer_uscc="X"
        ),
        facts={"holder_name": "张三丰"},
    )


def whole_case(case_no: str = CASE) -> list[tuple[Event, str, int | None]]:
    """A short but whole case: event, producer, caseseq."""
    task_id = f"{case_no}-police-1"
    return [
        (submitted(case_no), "workflow", 1),
        (case.CaseAccepted(case_no=case_no, accepted_on=date(2026, 1, 5), due_on=date(2026, 1, 20), provisional=False),
         "workflow", 2),
        (assigned(task_id, date(2026, 1, 8)), "workflow", 3),
        (task.TaskReceived(task_id=task_id), "police", None),
        (task.OpinionGiven(task_id=task_id, verdict="agree", officer="officer-zhao"), "police", None),
        (recorded(task_id), "workflow", 4),
        (approved(case_no), "workflow", 5),
        (licence.LicenceIssued(licence_no="L-1", case_no=case_no, item_code=case_no[:31], holder_id=APPLICANT,
                               name="校车标牌", issued_on=date(2026, 1, 8), sha256="0" * 64), "documents", None),
        (case.CaseClosed(case_no=case_no, licence_no="L-1"), "workflow", 6),
    ]  # fmt: skip


@pytest.fixture
def say() -> SimpleNamespace:
    """Builders of events."""
    return SimpleNamespace(
        CASE=CASE, APPLICANT=APPLICANT, submitted=submitted, assigned=assigned, recorded=recorded, approved=approved,
        whole_case=whole_case,
    )  # fmt: skip


@pytest.fixture
def tokens() -> Tokens:
    return Tokens("audit")


@pytest.fixture
def database(tmp_path: Path) -> Any:
    return bind(SERVICE, tmp_path)


@pytest.fixture
def client(database: Any, tmp_path: Path, tokens: Tokens) -> Any:
    return make_app(SERVICE, make_runtime(SERVICE, tmp_path, tokens)).test_client()


@pytest.fixture
def set_clock(tmp_path: Path) -> Iterator[Callable[..., None]]:
    """Move the domain's clock to an aware time (Asia/Shanghai noon of 2026-01-05 to begin with)."""
    file = tmp_path / "clock"
    clock.follow(file)

    def move(to: datetime) -> None:
        clock.advance(file, to - clock.now() + timedelta(milliseconds=1))

    move(datetime(2026, 1, 5, 4, tzinfo=UTC))
    yield move
    clock.follow(None)
