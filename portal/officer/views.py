"""Pages of the officers' desk."""

from __future__ import annotations

from typing import Any
from uuid import UUID

from flask import Response, redirect, render_template, request, url_for
from markupsafe import Markup

from portal import live
from portal.api import Problem, path
from portal.case_search import asked, search
from portal.forms import answers_of
from portal.officer import opinion, worklist
from portal.officer.dossier import Dossier, open_dossier
from portal.officer.opinion import Draft
from portal.officer.room import DESK
from portal.session import OFFICER, api, for_kind, visitor
from portal.shared import pass_on
from portal.staff import MODES, STATES, answer_word
from portal.words import refusal

LIST_EVERY_S = 20
DESK.context_processor(lambda: {"STATES": STATES, "MODES": MODES, "answer_word": answer_word, "answers_of": answers_of})


@DESK.get("")
@for_kind(OFFICER)
def tasks() -> Any:
    """待办任务: the department's open tasks, the most urgent first."""
    return render_template("officer/tasks.html", part=_worklist())


@DESK.get("/now")
def tasks_now() -> Any:
    """The list alone, for the page that renews it."""
    return live.ended(OFFICER) or live.renewed(_worklist())


def _worklist() -> Markup:
    wanted = {name: request.args[name] for name in worklist.FILTERS if request.args.get(name)}
    after = request.args.get("after")
    counted, page = worklist.counts(), worklist.open_tasks(wanted, after)
    items, steps = worklist.choices(counted)
    return live.part(
        "officer/_tasks.html",
        url_for("desk.tasks_now"),
        wanted | ({"after": after} if after else {}),
        every_s=LIST_EVERY_S,
        page=page,
        counted=counted,
        urgent=worklist.URGENT,
        items=items,
        steps=steps,
        wanted=wanted,
        after=after,
    )


@DESK.get("/answered")
@for_kind(OFFICER)
def answered() -> Any:
    """已答复: what the department answered lately."""
    return render_template("officer/answered.html", page=worklist.answered_tasks(request.args.get("after")))


@DESK.get("/export")
@for_kind(OFFICER)
def export() -> Response:
    """导出: the department's open tasks as a table."""
    return pass_on(api().call("GET", path("worklist", "export")))


@DESK.get("/cases")
@for_kind(OFFICER)
def cases() -> Any:
    """查办件: the cases that the department works on or has worked on."""
    found = search()
    return render_template("officer/cases.html", search=found), 422 if found.invalid else 200


@DESK.get("/cases/export")
@for_kind(OFFICER)
def export_cases() -> Response:
    """导出办件: what was found, whole, as a table."""
    return pass_on(api().call("GET", path("cases", "export"), query=asked(request.args)))


@DESK.get("/cases/<case_no>")
@for_kind(OFFICER)
def case(case_no: str) -> Any:
    """To the department's newest task of the case, beside which the whole case stands."""
    found = api().get(path("cases", case_no))
    own = [task for task in found["tasks"] if task["department"] == visitor().department]
    newest = max(own, key=lambda task: (task["state"] == "open", task["assigned_at"], task["task_id"]))
    return redirect(url_for("desk.task", task_id=newest["task_id"]), 303)


@DESK.get("/tasks/<task_id>")
@for_kind(OFFICER)
def task(task_id: str) -> Any:
    """任务: the case beside the opinion form."""
    dossier = open_dossier(task_id)
    return _task_page(dossier, opinion.fresh(dossier))


@DESK.post("/tasks/<task_id>")
@for_kind(OFFICER)
def answer(task_id: str) -> Any:
    """签收, or one stage of the opinion: ``check`` shows what will happen, ``edit`` goes back, ``send`` sends it."""
    stage = request.form.get("stage")
    if stage == "receive":
        api().call("POST", path("tasks", task_id, "receipt")).json()
        return redirect(url_for("desk.task", task_id=task_id), 303)
    dossier = open_dossier(task_id)
    draft = opinion.read(request.form, dossier)
    if stage == "edit":
        return _task_page(dossier, draft)
    if dossier.is_open and (errors := opinion.errors_in(draft, dossier)):
        return _task_page(dossier, draft, errors=errors), 422
    if stage == "send":
        return _send(dossier, draft)
    return _check(dossier, draft)


def _check(dossier: Dossier, draft: Draft) -> Any:
    """确认: nothing is written yet."""
    if not dossier.is_open:
        return _task_page(dossier, draft), 409
    return render_template(
        "officer/confirm.html",
        dossier=dossier,
        draft=draft,
        consequences=opinion.consequences(draft, dossier),
    )


def _send(dossier: Dossier, draft: Draft) -> Any:
    """出具意见. The form's key makes two clicks one answer; a refusal changes nothing and is told beside the form."""
    task_id = str(dossier.task["task_id"])
    try:
        api().post(path("tasks", task_id, "opinion"), draft.body(visitor().name), key=draft.key)
    except Problem as problem:
        if (
            problem.status == 401
            or problem.status >= 500
            or (problem.status == 403 and problem.code not in opinion.REFUSALS)
        ):
            raise
        said = str(opinion.REFUSALS.get(problem.code) or refusal(problem))
        return _task_page(open_dossier(task_id), draft, refused=said), problem.status
    return redirect(url_for("desk.task", task_id=task_id, sent=1), 303)


def _task_page(dossier: Dossier, draft: Draft, **shown: Any) -> str:
    return render_template(
        "officer/task.html",
        dossier=dossier,
        draft=draft,
        answers=opinion.allowed(dossier),
        **shown,
    )


@DESK.get("/materials/<uuid:material_id>")
@for_kind(OFFICER)
def material(material_id: UUID) -> Response:
    """下载材料: the API's answer as it comes."""
    return pass_on(api().call("GET", path("materials", str(material_id))))
