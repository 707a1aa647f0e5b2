"""Pages of electronic supervision."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from flask import Blueprint, Response, redirect, render_template, request, url_for
from markupsafe import Markup

from portal import live
from portal.api import Problem, path
from portal.case_search import asked, search
from portal.language import moment
from portal.session import SUPERVISOR, api, for_kind
from portal.shared import guide_of, pass_on
from portal.staff import STATES, answer_word, department_names, english_names
from portal.supervisor.trail import Names, Trail, names_of, read_trail
from portal.supervisor.vocabulary import proof_words
from portal.words import SHANGHAI

SUPERVISION = Blueprint("supervision", __name__, url_prefix="/supervision")
BOARD_EVERY_S = 10
LATEST_CARDS = 10
TASKS_SHOWN = 20
FILTERS = ("level", "department", "case_no")
SUPERVISION.context_processor(lambda: {"STATES": STATES, "answer_word": answer_word})


@dataclass(frozen=True)
class Part:
    """What one service told, or why it did not: a page shows what the others told all the same."""

    told: Any = None
    problem: Problem | None = None


def _part(ask: Callable[[], Any]) -> Part:
    """What ``ask`` gives. Raises Problem when the visitor may not know, which is no matter of one part."""
    try:
        return Part(ask())
    except Problem as problem:
        if problem.status in (401, 403):
            raise
        return Part(problem=problem)


@SUPERVISION.get("")
@for_kind(SUPERVISOR)
def board() -> Any:
    """监察看板: cases, departments, the most urgent tasks and the latest cards, as they are now."""
    return render_template("supervisor/board.html", part=_board())


@SUPERVISION.get("/now")
def board_now() -> Any:
    """The board alone, for the page that renews it."""
    return live.ended(SUPERVISOR) or live.renewed(_board())


def _board() -> Markup:
    told = api().get(path("board"))
    tasks = sorted(told["open_tasks"], key=lambda task: (task["due_on"], task["task_id"]))[:TASKS_SHOWN]
    english_names(tasks)
    return live.part(
        "supervisor/_board.html",
        url_for("supervision.board_now"),
        {},
        every_s=BOARD_EVERY_S,
        stamp=moment(told["as_of"]),
        states=told["states"],
        loads=sorted(told["departments"], key=lambda d: (-d["overdue"], -d["due_today"], -d["open"], d["department"])),
        tasks=tasks,
        cards=api().get(path("cards"), limit=LATEST_CARDS)["cards"],
        departments=department_names(),
    )


@SUPERVISION.get("/cards")
@for_kind(SUPERVISOR)
def cards() -> Any:
    """监察亮牌: cards that have been raised, newest first."""
    wanted = {name: request.args.get(name, "").strip() for name in FILTERS}
    shown = {"wanted": wanted, "departments": department_names(), "before": request.args.get("before")}
    try:
        page = api().get(path("cards"), **wanted, before=request.args.get("before"))
    except Problem as problem:
        if problem.status != 422:
            raise
        return render_template("supervisor/cards.html", **shown, cards=[], invalid=True), 422
    return render_template("supervisor/cards.html", **shown, cards=page["cards"], next=page["next"])


@SUPERVISION.get("/find")
@for_kind(SUPERVISOR)
def find() -> Any:
    """查办件: to the case of the number that was typed."""
    case_no = "".join(request.args.get("case_no", "").split()).upper()
    if not case_no:
        return redirect(url_for("supervision.board"), 303)
    return redirect(url_for("supervision.case", case_no=case_no), 303)


@SUPERVISION.get("/cases")
@for_kind(SUPERVISOR)
def cases() -> Any:
    """办件查询: all cases, by department, item, state and time."""
    found = search()
    shown = render_template("supervisor/cases.html", search=found, departments=department_names())
    return shown, 422 if found.invalid else 200


@SUPERVISION.get("/cases/export")
@for_kind(SUPERVISOR)
def export_cases() -> Response:
    """导出办件: what was found, whole, as a table."""
    return pass_on(api().call("GET", path("cases", "export"), query=asked(request.args)))


@SUPERVISION.get("/cases/<case_no>")
@for_kind(SUPERVISOR)
def case(case_no: str) -> Any:
    """一件全貌: the case, its tasks side by side, its cards, and the trail with its proof."""
    departments = department_names()
    found = _part(lambda: api().get(path("cases", case_no)))
    guide = _guide(found.told)
    names = names_of(departments, guide)
    trail = _part(lambda: _trail(case_no, names))
    if found.problem is not None and trail.problem is not None:
        return _nothing(case_no, found.problem)
    return render_template(
        "supervisor/case.html",
        case_no=case_no,
        case=found.told,
        case_problem=found.problem,
        trail=trail.told,
        cards=_part(lambda: api().get(path("cards"), case_no=case_no)["cards"]).told,
        guide=guide,
        departments=departments,
        steps=names.steps,
        proof_words=proof_words(),
        late=_late,
    )


def _late(task: dict[str, Any]) -> bool:
    """Whether the task was closed after its last day, which is a date in Asia/Shanghai."""
    closed = datetime.fromisoformat(task["closed_at"]).astimezone(SHANGHAI).date()
    return closed > date.fromisoformat(task["due_on"])


def _nothing(case_no: str, problem: Problem) -> Any:
    if problem.status != 404:
        raise problem
    return render_template("supervisor/no_case.html", case_no=case_no), 404


def _trail(case_no: str, names: Names) -> Trail:
    told = api().get(path("trails", case_no))
    return read_trail(told, _ledger_key(), names)


def _ledger_key() -> str:
    answer = api().call("GET", path("ledger", "key"))
    return b"".join(answer.chunks).decode().strip()


def _guide(case: dict[str, Any] | None) -> dict[str, Any]:
    if case is None:
        return {}
    return _part(lambda: guide_of(case["item_code"], case["item_version"])).told or {}


@SUPERVISION.get("/cases/<case_no>/proof")
@for_kind(SUPERVISOR)
def proof(case_no: str) -> Response:
    """下载证明: the trail as the API gives it, for ``python -m verify.ledger``."""
    answer = api().call("GET", path("trails", case_no))
    response = Response(answer.chunks, answer.status, {"Content-Type": "application/json"})
    response.headers.set("Content-Disposition", "attachment", filename=f"trail-{case_no}.json")
    return response
