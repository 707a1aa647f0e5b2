"""Workflow: cases by state and item, and how they move."""

from __future__ import annotations

from deploy.grafana.builders.panels import Limits, Page, Query, bars, choice, graph, listing, number
from deploy.grafana.builders.services import service_page

CASES = 'tongban_cases{department=~"$department",item=~"$item"}'


def page() -> Page:
    """The page."""
    own = [
        number(
            "在办 / Open",
            "尚未办结的办件。 / Cases that are not closed.",
            f"sum(max by (item, department, state) ({CASES}))",
            alerts=["EventDelayBudget"],
            span=6,
        ),
        number(
            "到期未触发的时限 / Deadlines due and not fired",
            "应为 0。 / Should be 0.",
            "max(tongban_deadlines_waiting)",
            alerts=["DeadlinesWaiting"],
            limits=Limits(1, 10),
            span=6,
        ),
        number(
            "待赴的预约 / Appointments ahead",
            "已约而未办。 / Made and not kept yet.",
            "max(tongban_appointments_open)",
            span=6,
        ),
        number(
            "部门逾期任务 / Departments' overdue tasks",
            "超过办理期限而未答复。 / Past their last day and unanswered.",
            "sum(max by (department) (tongban_tasks_overdue))",
            alerts=["DepartmentDoesNotFetch"],
            limits=Limits(1, 10),
            span=6,
        ),
        bars(
            "在办，按状态 / Open cases by state",
            "所选部门与事项。 / Of the departments and items chosen.",
            Query(f"sum by (state) (max by (item, department, state) ({CASES}))", "{{state}}"),
        ),
        graph(
            "状态变化 / Moves",
            "每小时进入各状态的办件。 / Cases that came into each state, an hour.",
            [Query('sum by (state) (increase(tongban_case_moves_total{item=~"$item"}[1h]))', "{{state}}")],
            unit="short",
            alerts=["EventDelayBudget"],
            span=16,
        ),
        listing(
            "在办，按事项 / Open cases by item",
            "事项以实施编码表示。 / Items by their code.",
            Query(f"sum by (item, department) (max by (item, department, state) ({CASES}))"),
            {"item": "事项 / Item", "department": "牵头部门 / Lead department", "Value": "办件 / Cases"},
            span=24,
        ),
    ]
    made = service_page(
        "workflow",
        "办件服务 / Workflow",
        "办件、任务与时限。 / Cases, tasks and deadlines.",
        ("办件 / Cases", own),
    )
    chosen = [
        choice("department", "牵头部门 / Lead department", "label_values(tongban_cases, department)"),
        choice("item", "事项 / Item", "label_values(tongban_cases, item)"),
    ]
    return Page(made.name, made.title, made.description, made.rows, chosen)
