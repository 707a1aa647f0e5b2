"""Departments and deadlines: who has how much to do, who is late, and whether the clock itself is on time."""

from __future__ import annotations

from deploy.grafana.builders.panels import Limits, Page, Panel, Query, bars, choice, graph, listing, number

MINE = 'department=~"$department"'
ANSWERS = f"tongban_department_answer_seconds_bucket{{{MINE}}}"


def page() -> Page:
    """The page."""
    return Page(
        "departments",
        "部门与时限 / Departments and deadlines",
        "各部门在办、逾期、答复用时，门口的消息，时限是否按时触发。"
        " / Each department's open and overdue tasks, its time to answer, messages at its door; whether deadlines fire in time.",
        [
            ("任务 / Tasks", _tasks()),
            ("门口 / At the door", _door()),
            ("时限 / Deadlines", _deadlines()),
        ],
        [choice("department", "部门 / Department", "label_values(tongban_tasks_open, department)")],
    )


def _tasks() -> list[Panel]:
    return [
        bars(
            "在办任务 / Open tasks",
            "已交办而未答复。 / Assigned and not answered.",
            Query(f"max by (department) (tongban_tasks_open{{{MINE}}})", "{{department}}"),
            alerts=["DepartmentDoesNotFetch"],
        ),
        bars(
            "逾期任务 / Overdue tasks",
            "超过办理期限而未答复：沉默不等于同意。 / Past their last day and unanswered: silence is never consent.",
            Query(f"max by (department) (tongban_tasks_overdue{{{MINE}}})", "{{department}}"),
            alerts=["DepartmentDoesNotFetch"],
            limits=Limits(1, 5),
        ),
        listing(
            "答复用时 / Time to answer",
            "一半的答复不超过此数：所选时段内，没有则自启动以来。"
            " / Half of the answers took no longer: within the time shown, or else since the start.",
            Query(
                f"histogram_quantile(0.5, sum by (department, le) (increase({ANSWERS}[$__range]))) >= 0"
                f" or histogram_quantile(0.5, sum by (department, le) ({ANSWERS}))"
            ),
            {"department": "部门 / Department", "Value": "中位数 / Median"},
            unit="s",
            span=8,
        ),
        graph(
            "逾期的变化 / Overdue over time",
            "按部门。 / By department.",
            [Query(f"max by (department) (tongban_tasks_overdue{{{MINE}}})", "{{department}}")],
            unit="short",
            alerts=["DepartmentDoesNotFetch"],
            limits=Limits(1, 5),
            span=12,
        ),
        graph(
            "答复 / Answers",
            "每小时。 / An hour.",
            [
                Query(
                    f"sum by (department) (increase(tongban_department_answer_seconds_count{{{MINE}}}[1h]))",
                    "{{department}}",
                )
            ],
            unit="short",
            alerts=["DepartmentAnswersRejected"],
            span=12,
        ),
    ]


def _door() -> list[Panel]:
    return [
        listing(
            "待部门领取 / Waiting to be fetched",
            "各部门虚拟主机里的任务与退回。 / Tasks and rejections in each department's virtual host.",
            Query('queue:rabbitmq_messages:max{vhost=~"d[.].+"}'),
            {"vhost": "虚拟主机 / Virtual host", "queue": "队列 / Queue", "Value": "消息 / Messages"},
            alerts=["DepartmentDoesNotFetch"],
            limits=Limits(100, 1000),
        ),
        graph(
            "经桥的消息 / Through the bridge",
            "每小时，按方向：in 送入，out 取回，rejected 拒收，again 重送。 / An hour, by direction.",
            [
                Query(
                    f"sum by (department, direction) (increase(tongban_bridge_messages_total{{{MINE}}}[1h])) or on () vector(0)",
                    "{{department}} {{direction}}",
                )
            ],
            unit="short",
            alerts=["DepartmentUnreachable", "DepartmentAnswersRejected"],
            span=12,
        ),
    ]


def _deadlines() -> list[Panel]:
    return [
        number(
            "到期未触发 / Due, not fired",
            "应为 0。 / Should be 0.",
            "max(tongban_deadlines_waiting)",
            alerts=["DeadlinesWaiting"],
            limits=Limits(1, 10),
        ),
        number(
            "一天内晚触发 / Fired late within a day",
            "晚于一分钟。 / By more than a minute.",
            "sum(increase(tongban_deadlines_fired_late_total[1d])) or on () vector(0)",
            alerts=["DeadlinesLate", "DeadlineDelayBudget"],
            limits=Limits(1, 10),
        ),
        graph(
            "触发 / Fired",
            "每小时，按种类。 / An hour, by kind.",
            [Query("sum by (kind) (increase(tongban_deadlines_fired_total[1h])) or on () vector(0)", "{{kind}}")],
            unit="short",
            alerts=["DeadlinesWaiting"],
        ),
        graph(
            "晚触发 / Fired late",
            "每小时，晚于一分钟。 / An hour, by more than a minute.",
            [Query("sum by (kind) (increase(tongban_deadlines_fired_late_total[1h])) or on () vector(0)", "{{kind}}")],
            unit="short",
            alerts=["DeadlinesLate"],
            limits=Limits(1, 10),
        ),
    ]
