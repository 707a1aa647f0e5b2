"""The operator's first page: is everybody served, how do the services do, what waits."""

from __future__ import annotations

from deploy.grafana.builders.panels import Limits, Page, Panel, Query, bars, graph, listing, number

BUDGET_LEFT = """
1 - (
  (avg_over_time(slo:bad:rate5m[30d]) / (avg_over_time(slo:all:rate5m[30d]) > 0) or avg_over_time(slo:bad:rate5m[30d]) * 0)
  / (1 - slo:objective:ratio)
)
"""
BUDGETS = ["ApiErrorBudget", "ReadLatencyBudget", "EventDelayBudget", "DeadlineDelayBudget"]


def page() -> Page:
    """The page."""
    return Page(
        "platform",
        "平台总览 / Platform",
        "值班首页：人人都有服务吗，各服务如何，什么在等。 / For whoever is on duty: who is served, how services do, what waits.",
        [
            ("人人都有服务吗 / Is everybody served?", _served()),
            ("各服务 / Each service", _services()),
            ("什么在等 / What waits", _waiting()),
            ("进程 / Processes", _processes()),
        ],
    )


def _served() -> list[Panel]:
    return [
        number(
            "正在告警 / Alerts firing",
            "需要有人处理的告警。 / Alerts that somebody has to see to.",
            'count(ALERTS{alertstate="firing",severity=~"page|ticket"}) or on () vector(0)',
            alerts=["Watchdog", "AlertsNotDelivered"],
            limits=Limits(1, 3),
        ),
        number(
            "抓取不到 / Down",
            "Prometheus 抓取不到的进程。 / Processes that Prometheus cannot scrape.",
            "count(up == 0) or on () vector(0)",
            alerts=["TargetDown", "NothingScraped"],
            limits=Limits(1, 1),
        ),
        number(
            "未就绪 / Not ready",
            "在运行而不能工作的部分。 / Parts that run and cannot work.",
            "count(tongban_ready == 0) or on () vector(0)",
            alerts=["NotReady"],
            limits=Limits(1, 1),
        ),
        number(
            "请求 / Requests",
            "经网关每秒请求数。 / Through the gateway, a second.",
            "sum(service:tongban_gateway_requests:rate5m)",
            unit="reqps",
            alerts=["RequestsShed"],
        ),
        number(
            "出错 / Failing",
            "5xx 占全部请求。 / 5xx of all requests.",
            'slo:error_ratio:rate5m{slo="api"}',
            unit="percentunit",
            alerts=["ApiErrorBudget", "ServiceErrors"],
            limits=Limits(0.001, 0.01),
        ),
        number(
            "一秒内的读取 / Reads within a second",
            "目标为百分之九十九。 / The objective is 99 %.",
            '1 - slo:error_ratio:rate5m{slo="reads"}',
            unit="percentunit",
            alerts=["ReadLatencyBudget"],
            limits=Limits(0.99, 0.95, falling=True),
            most=1,
        ),
        bars(
            "三十天误差预算所余 / Left of thirty days' error budget",
            "api 应答无差错，reads 读取不超过一秒，events 事件、deadlines 时限不超过一分钟。低于零即未达目标。"
            " / api: no faults; reads: within a second; events, deadlines: within a minute. Below zero the objective is missed.",
            Query(BUDGET_LEFT, "{{slo}}"),
            unit="percentunit",
            alerts=BUDGETS,
            limits=Limits(0.5, 0.1, falling=True),
            span=12,
            least=-1,
            most=1,
        ),
        graph(
            "预算消耗的快慢 / How fast budgets burn",
            "1 即三十天恰好用尽；一小时内持续超过 14.4 即叫人。 / 1 spends it in thirty days; at 14.4 somebody is woken.",
            [Query("slo:burn:rate1h", "{{slo}} 1h"), Query("slo:burn:rate6h", "{{slo}} 6h")],
            unit="short",
            alerts=BUDGETS,
            limits=Limits(6, 14.4),
            span=12,
        ),
    ]


def _services() -> list[Panel]:
    return [
        graph(
            "请求 / Requests",
            "各服务每秒请求数。 / A second, by service.",
            [Query("service:tongban_http_requests:rate5m", "{{service}}")],
            unit="reqps",
            alerts=["RequestsShed"],
            stacked=True,
        ),
        graph(
            "出错比例 / Share that fails",
            "5xx 占该服务请求。 / 5xx of the service's requests.",
            [Query("service:tongban_http_error_ratio:rate5m", "{{service}}")],
            unit="percentunit",
            alerts=["ServiceErrors"],
            limits=Limits(0.01, 0.05),
        ),
        graph(
            "最慢的百分之一 / The slowest hundredth",
            "九十九分位用时。 / The 99th percentile.",
            [Query("service:tongban_http_request_seconds:p99_5m", "{{service}}")],
            unit="s",
            alerts=["ServiceSlow"],
            limits=Limits(1, 2),
        ),
    ]


def _waiting() -> list[Panel]:
    return [
        graph(
            "发件箱最早一件 / Oldest in an outbox",
            "事件应在数秒内发出。 / Events leave within seconds.",
            [Query("service:tongban_outbox_oldest_seconds:max", "{{service}}")],
            unit="s",
            alerts=["OutboxOld"],
            limits=Limits(30, 120),
        ),
        graph(
            "订阅落后 / Subscriptions behind",
            "正在处理的消息已产生多久。 / How old the message in hand is.",
            [Query("max by (subscription) (tongban_subscription_lag_seconds)", "{{subscription}}")],
            unit="s",
            alerts=["SubscriptionLag", "EventDelayBudget"],
            limits=Limits(60, 300),
        ),
        graph(
            "滞留与重试 / Parked and retrying",
            "滞留的消息等待人工处理。 / Parked messages wait for a person.",
            [
                Query("service:tongban_parked_messages:max", "{{service}} 滞留 parked"),
                Query("max by (service) (tongban_retrying_messages)", "{{service}} 重试 retrying"),
            ],
            unit="short",
            alerts=["MessagesParked", "MessagesRetrying"],
            limits=Limits(1, 10),
        ),
        number(
            "到期未触发的时限 / Deadlines due, not fired",
            "应为 0。 / Should be 0.",
            "max(tongban_deadlines_waiting)",
            alerts=["DeadlinesWaiting", "DeadlineDelayBudget"],
            limits=Limits(1, 10),
        ),
        number(
            "部门逾期任务 / Overdue at departments",
            "超过办理期限而未答复。 / Past their last day and unanswered.",
            "sum(max by (department) (tongban_tasks_overdue))",
            alerts=["DepartmentDoesNotFetch"],
            limits=Limits(1, 10),
        ),
        number(
            "待发消息 / Messages to people",
            "邮件与短信。 / Mail and SMS.",
            "sum(max by (channel) (tongban_messages_waiting))",
            alerts=["MessagesWait"],
            limits=Limits(50, 200),
        ),
        number(
            "台账被改动 / Ledger tampered",
            "非 0 立即处理。 / See to it at once unless it is 0.",
            "max(tongban_ledger_tampered)",
            alerts=["LedgerTampered"],
            limits=Limits(1, 1),
        ),
        number(
            "台账距上次签名 / Since the last checkpoint",
            "有新记录时每秒签名。 / Signed each second while there are new entries.",
            "max(tongban_ledger_checkpoint_age_seconds)",
            unit="s",
            alerts=["LedgerCheckpointOld"],
        ),
        number(
            "误期的任务 / Jobs overdue",
            "三个周期又五分钟没有成功。 / No success for three periods and five minutes.",
            "count(job:tongban_job_lateness:ratio > 1) or on () vector(0)",
            alerts=["JobNotRun", "JobFailing"],
            limits=Limits(1, 3),
        ),
    ]


def _processes() -> list[Panel]:
    return [
        listing(
            "抓取 / Targets",
            "1 为可抓取。 / 1 can be scraped.",
            Query("min by (job, service, role, instance) (up)"),
            {
                "job": "类别 / Job",
                "service": "服务 / Service",
                "role": "角色 / Role",
                "instance": "实例 / Instance",
                "Value": "在 / Up",
            },
            alerts=["TargetDown"],
            limits=Limits(1, 0.5, falling=True),
        ),
        listing(
            "正在响的告警 / Alerts that fire",
            "Watchdog 应始终在此。 / Watchdog is always here.",
            Query('count by (alertname, severity, service) (ALERTS{alertstate="firing"})'),
            {
                "alertname": "告警 / Alert",
                "severity": "级别 / Severity",
                "service": "服务 / Service",
                "Value": "个 / Count",
            },
            alerts=["Watchdog", "RulesFail"],
        ),
        graph(
            "丢失的调用链 / Traces lost",
            "每秒未送达采集端的跨度。 / Spans that no collector took, a second.",
            [Query("sum(rate(tongban_spans_dropped_total[$__rate_interval])) or on () vector(0)", "跨度 spans")],
            unit="ops",
            alerts=["TracesLost"],
            span=12,
        ),
        listing(
            "版本 / Versions",
            "各版本的进程数。 / How many processes run which version.",
            Query("count by (service, role, version) (tongban_build_info)"),
            {
                "service": "服务 / Service",
                "role": "角色 / Role",
                "version": "版本 / Version",
                "Value": "进程 / Processes",
            },
            alerts=["SeveralVersions"],
        ),
        graph(
            "内存 / Memory",
            "按服务与角色合计。 / By service and role.",
            [Query('sum by (service, role) (process_resident_memory_bytes{job="tongban"})', "{{service}} {{role}}")],
            unit="bytes",
            alerts=["RestartsAgainAndAgain"],
            stacked=True,
        ),
        graph(
            "处理器 / Processor",
            "占用的核数。 / Cores taken.",
            [
                Query(
                    'sum by (service, role) (rate(process_cpu_seconds_total{job="tongban"}[$__rate_interval]))',
                    "{{service}} {{role}}",
                )
            ],
            unit="short",
            alerts=["ServiceSlow"],
            stacked=True,
        ),
        graph(
            "数据卷空闲 / Free room for data",
            "数据目录所在卷。 / The volumes with data folders.",
            [Query("min by (service) (tongban_data_free_ratio)", "{{service}}")],
            unit="percentunit",
            alerts=["DataVolumeFilling"],
            most=1,
        ),
    ]
