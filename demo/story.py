"""One case from application to licence, played through the public API, and what was seen on the way."""

from __future__ import annotations

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from chassis import clock
from demo.applications import Application, paper
from demo.checks import Verified, verify_licence, verify_trail
from demo.client import Api, ApiError, wait_for
from demo.departments import Departments, Part

PATIENCE_S = 90.0
SHANGHAI = ZoneInfo("Asia/Shanghai")


@dataclass
class Told:
    """What the story showed."""

    title: str
    case_no: str
    wall_s: float
    parts: list[Part]
    licence_no: str
    licence: Verified
    public: dict[str, Any]
    trail: Verified
    cards: list[dict[str, Any]] = field(default_factory=list)

    @property
    def sum_s(self) -> float:
        """The departments' times added up."""
        return sum(part.took_s for part in self.parts)


@dataclass(frozen=True)
class Stage:
    """Where the story plays: the platform's address, its processes' clock, the department processes."""

    base_url: str
    ca_file: str | None
    passwords: dict[str, str]
    clock_file: Path
    departments: Departments
    folder: Path

    def sign_in(self, username: str) -> Api:
        """A caller signed in as a demo account."""
        return Api(self.base_url, ca_file=self.ca_file, username=username, password=self.passwords[username])


def play(stage: Stage, application: Application, *, meanwhile: Callable[[Stage, str], None] | None = None) -> Told:
    """Apply, wait for the closing, verify. ``meanwhile`` runs once the case is submitted."""
    applicant = stage.sign_in(application.username)
    began = time.monotonic()
    case_no = apply(applicant, application)
    print(f"  已提交 / submitted  {case_no}", flush=True)
    if meanwhile is not None:
        meanwhile(stage, case_no)
    case = wait_for(
        f"办结 / closing of {case_no}", lambda: _closed(applicant.get(f"/api/v1/cases/{case_no}")), timeout_s=PATIENCE_S
    )
    wall_s = time.monotonic() - began
    parts = wait_for(
        "部门记录 / the departments' records",
        lambda: _all_seen(stage.departments.of_case(case["tasks"]), case["tasks"]),
        timeout_s=PATIENCE_S,
    )
    folder = stage.folder / case_no
    folder.mkdir(parents=True, exist_ok=True)
    supervisor = stage.sign_in("supervisor")
    wait_for(
        f"台账 / ledger of {case_no}",
        lambda: _ledger_complete(supervisor.get(f"/api/v1/trails/{case_no}")),
        timeout_s=PATIENCE_S,
    )
    return Told(
        title=application.title,
        case_no=case_no,
        wall_s=wall_s,
        parts=parts,
        licence_no=case["licence_no"],
        licence=verify_licence(applicant, case["licence_no"], folder),
        public=Api(stage.base_url, ca_file=stage.ca_file).get(f"/api/v1/licences/{case['licence_no']}"),
        trail=verify_trail(supervisor, case_no, folder),
        cards=supervisor.get("/api/v1/cards", case_no=case_no)["cards"],
    )


def apply(applicant: Api, application: Application) -> str:
    """Find the item, upload what its guide requires, submit; returns the case number."""
    item = find_item(applicant, application.item)
    receipts = []
    for material in item["materials"]:
        if material["required"]:
            where = {"item_code": item["item_code"], "material_code": material["code"]}
            stored = _once_known(
                partial(applicant.upload, "/api/v1/materials", paper(material["name"]), "application/pdf", **where)
            )
            receipts.append(stored["receipt"])
    body = {
        "item_code": item["item_code"],
        "item_version": item["version"],
        "form": item["form_schema"]["examples"][0],
        "materials": receipts,
    }
    return str(_once_known(partial(applicant.post, "/api/v1/cases", body))["case_no"])


def _once_known(request: Callable[[], dict[str, Any]]) -> dict[str, Any]:
    """The answer, once the service has its copy of a freshly published item."""

    def attempt() -> dict[str, Any] | None:
        try:
            return request()
        except ApiError as error:
            if "item_unknown" not in str(error):
                raise
            return None

    answer: dict[str, Any] = wait_for("事项副本 / the service's copy of the item", attempt, timeout_s=PATIENCE_S)
    return answer


def wait_until_open(stage: Stage, names: Sequence[str]) -> None:
    """Wait until the departments are at work and the catalogue has published the items."""
    public = Api(stage.base_url, ca_file=stage.ca_file)
    wait_for(
        "部门系统启动 / start of the departments' systems",
        lambda: len(stage.departments.started) == stage.departments.count,
        timeout_s=PATIENCE_S,
    )
    wait_for(
        "事项发布 / publication of the items",
        lambda: set(names) <= {item["name"] for item in public.get("/api/v1/items")["items"]},
        timeout_s=PATIENCE_S,
    )


def find_item(api: Api, name: str) -> dict[str, Any]:
    """The guide of the item with this name."""
    found = [item for item in api.get("/api/v1/items")["items"] if item["name"] == name]
    guide: dict[str, Any] = api.get(f"/api/v1/items/{found[0]['item_code']}")
    return guide


def _all_seen(parts: list[Part], tasks: list[dict[str, Any]]) -> list[Part]:
    return parts if len(parts) == len(tasks) else []


def _closed(case: dict[str, Any]) -> dict[str, Any] | None:
    if case["state"] in ("denied", "not_accepted", "withdrawn"):
        raise RuntimeError(f"办件未获准予 / the case ended as {case['state']}")
    return case if case["state"] == "closed" else None


def _ledger_complete(trail: dict[str, Any]) -> bool:
    return any(event["type"] == "case.closed.v1" for event in trail["events"])


def let_the_silent_one_be_late(stage: Stage, case_no: str) -> None:
    """Wait until one department alone is silent, then let its due date come and pass; its cards must appear."""
    supervisor = stage.sign_in("supervisor")
    silent = wait_for(
        "只剩一个部门未答复 / one silent department",
        lambda: _only_open_task(supervisor.get(f"/api/v1/cases/{case_no}")),
        timeout_s=PATIENCE_S,
    )
    wait_for(
        "监察知道其余部门已答复 / supervision to hear of the other answers",
        lambda: _open_for_supervision(supervisor.get("/api/v1/board"), case_no) == [silent["task_id"]],
        timeout_s=PATIENCE_S,
    )
    due_on = date.fromisoformat(silent["due_on"])
    for level, day in (("yellow", due_on), ("red", due_on + timedelta(days=1))):
        _move_clock_to(stage.clock_file, day)
        print(f"  时钟拨至 / clock moved to {day}", flush=True)
        wait_for(
            f"{level} card",
            lambda wanted=level: [
                card for card in supervisor.get("/api/v1/cards", case_no=case_no)["cards"] if card["level"] == wanted
            ],
            timeout_s=PATIENCE_S,
        )


def _only_open_task(case: dict[str, Any]) -> dict[str, Any] | None:
    opinions = [task for task in case["tasks"] if task["kind"] == "opinion"]
    still_open = [task for task in opinions if task["state"] == "open"]
    return still_open[0] if len(opinions) > 1 and len(still_open) == 1 else None


def _open_for_supervision(board: dict[str, Any], case_no: str) -> list[str]:
    return [task["task_id"] for task in board["open_tasks"] if task["case_no"] == case_no]


def _move_clock_to(clock_file: Path, day: date) -> None:
    """Nine in the morning of ``day`` in Asia/Shanghai, never backwards."""
    clock.follow(clock_file)
    target = datetime(day.year, day.month, day.day, 9, tzinfo=SHANGHAI)
    clock.advance(clock_file, max(timedelta(), target - clock.now()))
