"""The gateway: what comes through the door, what is turned away, and the instances behind it."""

from __future__ import annotations

from deploy.grafana.builders.panels import Limits, Page, Panel, Query, bars, graph, number


def page() -> Page:
    """The page."""
    return Page(
        "gateway",
        "网关 / Gateway",
        "唯一入口：请求、用时、谢绝与其后的实例。 / The only door: requests, time, what is turned away, the instances behind it.",
        [
            ("请求 / Requests", _requests()),
            ("谢绝与限流 / Turned away", _turned_away()),
            ("其后的实例 / Instances behind", _instances()),
            ("部门之门 / The departments' door", _door()),
        ],
    )


def _requests() -> list[Panel]:
    return [
        graph(
            "请求 / Requests",
            "每秒，按服务。 / A second, by service.",
            [Query("service:tongban_gateway_requests:rate5m", "{{service}}")],
            unit="reqps",
            alerts=["RequestsShed"],
            stacked=True,
        ),
        graph(
            "出错比例 / Share that fails",
            "5xx 占该服务请求，含网关自己的应答。 / 5xx of a service's requests, the gateway's own answers among them.",
            [Query("service:tongban_gateway_error_ratio:rate5m", "{{service}}")],
            unit="percentunit",
            alerts=["ServiceErrors", "ApiErrorBudget"],
            limits=Limits(0.01, 0.05),
        ),
        graph(
            "最慢的百分之一 / The slowest hundredth",
            "读与写，到最后一个字节；长流与等候除外。 / Reads and writes, to the last byte; streams and waiting aside.",
            [Query("service_kind:tongban_gateway_request_seconds:p99_5m", "{{service}} {{kind}}")],
            unit="s",
            alerts=["ReadLatencyBudget"],
            limits=Limits(1, 2),
        ),
        graph(
            "应答 / Answers",
            "每秒，按状态码。 / A second, by status.",
            [
                Query(
                    'sum by (status) (rate(tongban_gateway_requests_total{service!="gateway"}[$__rate_interval]))',
                    "{{status}}",
                )
            ],
            unit="reqps",
            alerts=["ServiceErrors"],
            stacked=True,
        ),
        graph(
            "同时进行 / In flight",
            "正在应答的请求。 / Requests being answered.",
            [Query('sum by (instance) (tongban_gateway_in_flight{role!="bridge"})', "{{instance}}")],
            unit="short",
            alerts=["RequestsShed"],
        ),
        graph(
            "客户连接 / Clients' connections",
            "打开的连接。 / Open connections.",
            [Query('sum by (instance) (tongban_gateway_connections{role!="bridge"})', "{{instance}}")],
            unit="short",
            alerts=["SlowClients", "FileDescriptorsLow"],
        ),
    ]


def _turned_away() -> list[Panel]:
    return [
        graph(
            "过载谢绝 / Shed",
            "每秒，按门。 / A second, by gate.",
            [
                Query(
                    "sum by (gate) (rate(tongban_gateway_shed_total[$__rate_interval])) or on () vector(0)", "{{gate}}"
                )
            ],
            unit="reqps",
            alerts=["RequestsShed"],
            limits=Limits(0.1, 1),
        ),
        graph(
            "限流 / Limited",
            "每秒，按限额。 / A second, by limit.",
            [
                Query(
                    "sum by (policy) (rate(tongban_gateway_limited_total[$__rate_interval])) or on () vector(0)",
                    "{{policy}}",
                )
            ],
            unit="reqps",
            alerts=["RequestsLimited"],
            limits=Limits(1, 5),
        ),
        graph(
            "网关自己的拒绝 / Refused by the gateway itself",
            "每秒，按代码。 / A second, by code.",
            [
                Query(
                    "sum by (code) (rate(tongban_gateway_refused_total[$__rate_interval])) or on () vector(0)",
                    "{{code}}",
                )
            ],
            unit="reqps",
            alerts=["ServiceErrors"],
        ),
        graph(
            "慢客户 / Slow clients",
            "每秒断开。 / Cut off, a second.",
            [
                Query(
                    "sum by (why) (rate(tongban_gateway_slow_clients_total[$__rate_interval])) or on () vector(0)",
                    "{{why}}",
                )
            ],
            unit="ops",
            alerts=["SlowClients"],
            limits=Limits(0.1, 1),
        ),
        number(
            "限流存储不可达 / Store of limits away",
            "各自计数的网关数。 / Gateways that count for themselves.",
            "sum(tongban_gateway_limits_storage_away)",
            alerts=["LimitsStorageAway"],
            limits=Limits(1, 1),
        ),
        number(
            "证书到期还有 / Until the certificate ends",
            "未启用 HTTPS 时为空。 / Empty where HTTPS is not served here.",
            "min(tongban_certificate_expiry_timestamp_seconds) - time()",
            unit="s",
            alerts=["CertificateExpires"],
            limits=Limits(21 * 86400, 3 * 86400, falling=True),
        ),
    ]


def _instances() -> list[Panel]:
    return [
        graph(
            "各实例的请求 / Requests at each instance",
            "同时进行。 / At once.",
            [Query("sum by (service, instance) (tongban_gateway_upstream_in_flight)", "{{service}} {{instance}}")],
            unit="short",
            alerts=["InstancesLeftOut"],
        ),
        graph(
            "学得的上限 / Limit that was learnt",
            "各服务可同时接受的请求。 / Requests that a service is given at once.",
            [Query("min by (service) (tongban_gateway_adaptive_limit)", "{{service}}")],
            unit="short",
            alerts=["RequestsShed"],
        ),
        graph(
            "剔除与重试 / Left out, tried again",
            "每小时。 / An hour.",
            [
                Query(
                    "sum by (service) (increase(tongban_gateway_ejections_total[1h])) or on () vector(0)",
                    "{{service}} 剔除 left out",
                ),
                Query(
                    "sum by (service, outcome) (increase(tongban_gateway_retries_total[1h])) or on () vector(0)",
                    "{{service}} 重试 retried {{outcome}}",
                ),
            ],
            unit="short",
            alerts=["InstancesLeftOut"],
        ),
        bars(
            "名录多久未更新 / Age of the registry's list",
            "Consul 上次告知地址至今；不用 Consul 时为空。 / Since Consul last said where a service is; empty without Consul.",
            Query("max by (service) (tongban_registry_age_seconds)", "{{service}}"),
            unit="s",
            alerts=["RegistryOld"],
            limits=Limits(60, 300),
            span=24,
        ),
    ]


def _door() -> list[Panel]:
    return [
        graph(
            "部门桥 / The bridge",
            "每小时送入、取回、拒收、重送。 / Moved in, out, rejected and again, an hour.",
            [
                Query(
                    "sum by (direction, outcome) (increase(tongban_bridge_messages_total[1h])) or on () vector(0)",
                    "{{direction}} {{outcome}}",
                )
            ],
            unit="short",
            alerts=["DepartmentUnreachable", "DepartmentAnswersRejected"],
            span=24,
        ),
    ]
