"""A page for each service: its requests, what it tells and hears, its jobs, and what is its own."""

from __future__ import annotations

from collections.abc import Sequence

from deploy.grafana.builders.panels import Limits, Page, Panel, Query, bars, graph, listing, number

NOT_PROBES = 'route!~"/health/.*|/metrics"'


def service_page(name: str, title: str, description: str, own: tuple[str, Sequence[Panel]]) -> Page:
    """``own`` is the row about the service's own matters, which comes first."""
    rows = [
        own,
        ("请求 / Requests", _requests(name)),
        ("事件 / Events", _events(name)),
        ("任务与进程 / Jobs and processes", _inside(name)),
    ]
    return Page(name, title, description, rows)


def _requests(name: str) -> list[Panel]:
    mine = f'service="{name}",{NOT_PROBES}'
    return [
        graph(
            "请求 / Requests",
            "每秒请求数，按应答。 / Requests a second, by answer.",
            [
                Query(
                    f"sum by (status) (rate(tongban_http_requests_total{{{mine}}}[$__rate_interval])) or on () vector(0)",
                    "{{status}}",
                )
            ],
            unit="reqps",
            alerts=["ServiceErrors"],
            stacked=True,
        ),
        graph(
            "出错比例 / Share that fails",
            "5xx 占全部请求。 / 5xx of all requests.",
            [Query(f'service:tongban_http_error_ratio:rate5m{{service="{name}"}}', name)],
            unit="percentunit",
            alerts=["ServiceErrors", "ApiErrorBudget"],
            limits=Limits(0.01, 0.05),
        ),
        graph(
            "用时 / Time to answer",
            "中位数与最慢的百分之一，部门等候任务除外。 / Median and slowest hundredth; waiting departments aside.",
            [
                Query(_quantile(0.5, mine), "p50"),
                Query(f'service:tongban_http_request_seconds:p99_5m{{service="{name}"}} or on () vector(0)', "p99"),
            ],
            unit="s",
            alerts=["ServiceSlow", "ReadLatencyBudget"],
            limits=Limits(1, 2),
        ),
        listing(
            "最慢的路由 / The slowest routes",
            "平均用时最长的十五条。 / The fifteen with the longest mean.",
            Query(
                f"topk(15, sum by (route) (rate(tongban_http_request_seconds_sum{{{mine}}}[$__range]))"
                f" / (sum by (route) (rate(tongban_http_request_seconds_count{{{mine}}}[$__range])) > 0)) or on () vector(0)"
            ),
            {"route": "路由 / Route", "Value": "平均用时 / Mean"},
            unit="s",
            alerts=["ServiceSlow"],
            limits=Limits(0.5, 2),
        ),
        listing(
            "出错的路由 / Routes that fail",
            "5xx 的次数。 / How often 5xx was answered.",
            Query(
                "sum by (route, method, status) ("
                f'increase(tongban_http_requests_total{{{mine},status=~"5.."}}[$__range])) or on () vector(0)'
            ),
            {"route": "路由 / Route", "method": "方法 / Method", "status": "应答 / Status", "Value": "次数 / Times"},
            alerts=["ServiceErrors"],
            limits=Limits(1, 10),
        ),
    ]


def _quantile(share: float, mine: str) -> str:
    return (
        f"histogram_quantile({share}, sum by (le) ("
        f'rate(tongban_http_request_seconds_bucket{{{mine},route!="/api/v1/tasks"}}[$__rate_interval]))) or on () vector(0)'
    )


def _events(name: str) -> list[Panel]:
    mine, hears = f'service="{name}"', f'subscription=~"{name}[.].+"'
    return [
        graph(
            "发件箱 / Outbox",
            "已提交而未发出的事件。 / Events committed and not yet sent.",
            [Query(f"service:tongban_outbox_waiting:max{{{mine}}}", "等待 waiting")],
            unit="short",
            alerts=["OutboxOld", "RelayFailing"],
        ),
        graph(
            "最早一件的等待 / Age of the oldest",
            "应不超过数秒。 / A few seconds at most.",
            [Query(f"service:tongban_outbox_oldest_seconds:max{{{mine}}}", "最早 oldest")],
            unit="s",
            alerts=["OutboxOld"],
            limits=Limits(30, 120),
        ),
        graph(
            "告知 / Told",
            "每秒发出的事件与出错的轮次。 / Events sent, and relay rounds that failed, a second.",
            [
                Query(
                    f"sum(rate(tongban_outbox_published_total{{{mine}}}[$__rate_interval])) or on () vector(0)",
                    "发出 sent",
                ),
                Query(
                    f"sum(rate(tongban_relay_failures_total{{{mine}}}[$__rate_interval])) or on () vector(0)",
                    "出错 failed",
                ),
            ],
            unit="eps",
            alerts=["RelayFailing"],
        ),
        graph(
            "听取 / Heard",
            "每秒处理的消息，按结果。 / Messages handled a second, by outcome.",
            [
                Query(
                    f"sum by (outcome) (rate(tongban_consumed_total{{{hears}}}[$__rate_interval])) or on () vector(0)",
                    "{{outcome}}",
                )
            ],
            unit="mps",
            alerts=["MessagesParked", "ForgedMessages"],
        ),
        graph(
            "从发生到见效 / From event to effect",
            "最慢的百分之一，按订阅。 / The slowest hundredth, by subscription.",
            [Query(f"subscription:tongban_delivery_seconds:p99_5m{{{hears}}} or on () vector(0)", "{{subscription}}")],
            unit="s",
            alerts=["EventDelayBudget", "SubscriptionLag"],
            limits=Limits(10, 60),
        ),
        number(
            "滞留 / Parked",
            "等待人工处理的消息。 / Messages that wait for a person.",
            f"service:tongban_parked_messages:max{{{mine}}}",
            alerts=["MessagesParked"],
            limits=Limits(1, 10),
        ),
        number(
            "重试中 / Retrying",
            "失败后将再次处理。 / Failed, and will be tried again.",
            f"max(tongban_retrying_messages{{{mine}}})",
            alerts=["MessagesRetrying"],
            limits=Limits(1, 100),
        ),
    ]


def _inside(name: str) -> list[Panel]:
    return [
        bars(
            "任务多久没有成功 / How long jobs have not succeeded",
            "1 为三个周期又五分钟，超过应处理。 / 1 is three periods and five minutes; beyond that somebody has to look.",
            Query(f'job:tongban_job_lateness:ratio{{service="{name}"}}', "{{job}}"),
            alerts=["JobNotRun"],
            limits=Limits(0.7, 1),
            most=2,
        ),
        graph(
            "任务失败 / Jobs that fail",
            "每小时失败的次数。 / Failures an hour.",
            [
                Query(
                    f'sum by (job) (increase(tongban_job_runs_total{{service="{name}",outcome="failed"}}[1h]))'
                    " or on () vector(0)",
                    "{{job}}",
                )
            ],
            unit="short",
            alerts=["JobFailing"],
        ),
        graph(
            "任务用时 / Time of a job",
            "平均每次。 / The mean of a run.",
            [
                Query(
                    f'sum by (job) (rate(tongban_job_seconds_sum{{service="{name}"}}[$__rate_interval]))'
                    f' / (sum by (job) (rate(tongban_job_seconds_count{{service="{name}"}}[$__rate_interval])) > 0)'
                    " or on () vector(0)",
                    "{{job}}",
                )
            ],
            unit="s",
            alerts=["JobFailing"],
        ),
        graph(
            "内存 / Memory",
            "各进程的常驻内存。 / Resident memory of each process.",
            [Query(f'process_resident_memory_bytes{{job="tongban",service="{name}"}}', "{{role}} {{instance}}")],
            unit="bytes",
            alerts=["RestartsAgainAndAgain"],
        ),
        graph(
            "处理器 / Processor",
            "各进程占用的核数。 / Cores taken by each process.",
            [
                Query(
                    f'rate(process_cpu_seconds_total{{job="tongban",service="{name}"}}[$__rate_interval])',
                    "{{role}} {{instance}}",
                )
            ],
            unit="short",
            alerts=["ServiceSlow"],
        ),
        listing(
            "就绪 / Ready",
            "上次询问 /health/ready 时各部分的状态，1 为就绪。 / Each part as of the last /health/ready, 1 is ready.",
            Query(f'min by (role, instance, part) (tongban_ready{{service="{name}"}})'),
            {"role": "角色 / Role", "instance": "实例 / Instance", "part": "部分 / Part", "Value": "就绪 / Ready"},
            alerts=["NotReady", "TargetDown"],
            limits=Limits(1, 0.5, falling=True),
            span=8,
        ),
    ]
