"""Prometheus metrics: how they are declared, and those of the mechanism.

Names are part of the contract with dashboards and alert rules. docs/metrics.md is written from the declarations.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from prometheus_client import Counter, Gauge, Histogram

EVERYWHERE = "web worker jobs"
OTHER = "other"
"""What a value that is not one of a closed set is counted as."""


@dataclass(frozen=True)
class Definition:
    """One metric. ``name`` is what Prometheus shows; ``of`` whose it is, empty for the mechanism's; ``by`` the roles that set
    it, separated by spaces.
    """

    name: str
    kind: str
    labels: tuple[str, ...]
    en: str
    zh: str
    of: str
    by: str


DEFINED: dict[str, Definition] = {}


class Metrics:
    """Declares the metrics of ``of``: English and Chinese say what the number means."""

    def __init__(self, of: str) -> None:
        self._of = of

    def counter(self, name: str, en: str, zh: str, labels: Sequence[str] = (), *, by: str) -> Counter:
        """``name`` ends in ``_total``."""
        self._define(name, "counter", (en, zh), labels, by)
        return Counter(name, en, labels)

    def gauge(self, name: str, en: str, zh: str, labels: Sequence[str] = (), *, by: str) -> Gauge:
        """A number that goes up and down."""
        self._define(name, "gauge", (en, zh), labels, by)
        return Gauge(name, en, labels)

    def histogram(
        self,
        name: str,
        en: str,
        zh: str,
        labels: Sequence[str] = (),
        *,
        by: str,
        buckets: Sequence[float] = Histogram.DEFAULT_BUCKETS,
    ) -> Histogram:
        """How often which size was seen."""
        self._define(name, "histogram", (en, zh), labels, by)
        return Histogram(name, en, labels, buckets=buckets)

    def _define(self, name: str, kind: str, texts: tuple[str, str], labels: Sequence[str], by: str) -> None:
        DEFINED[name] = Definition(name, kind, tuple(labels), *texts, self._of, by)


def show(gauge: Gauge, values: Mapping[tuple[str, ...], float], shown: set[tuple[str, ...]]) -> None:
    """Set ``gauge`` to ``values`` by labels. What was ``shown`` before and is no more becomes 0."""
    for labels in shown - values.keys():
        gauge.labels(*labels).set(0)
    for labels, value in values.items():
        gauge.labels(*labels).set(value)
    shown.update(values)


MECHANISM = Metrics("")

HTTP_REQUESTS = MECHANISM.counter(
    "tongban_http_requests_total", "HTTP requests answered", "已应答的 HTTP 请求",
    ["service", "route", "method", "status"], by="web portal",
)  # fmt: skip
HTTP_SECONDS = MECHANISM.histogram(
    "tongban_http_request_seconds", "Time to answer an HTTP request", "应答一个 HTTP 请求的用时",
    ["service", "route"], by="web portal",
)  # fmt: skip
OUTBOX_PUBLISHED = MECHANISM.counter(
    "tongban_outbox_published_total", "Events confirmed by the bus", "总线已确认的事件", ["service"], by=EVERYWHERE
)
OUTBOX_WAITING = MECHANISM.gauge(
    "tongban_outbox_waiting", "Events committed and not yet confirmed by the bus", "已提交而总线尚未确认的事件",
    ["service"], by="jobs",
)  # fmt: skip
OUTBOX_OLDEST_SECONDS = MECHANISM.gauge(
    "tongban_outbox_oldest_seconds", "Age of the oldest event that is not yet confirmed, 0 when there is none",
    "最早一个未确认事件的已等待时间，没有则为 0", ["service"], by="jobs",
)  # fmt: skip
RELAY_FAILURES = MECHANISM.counter(
    "tongban_relay_failures_total", "Relay rounds that ended in an error", "中继出错的轮次", ["service"], by=EVERYWHERE
)
CONSUMED = MECHANISM.counter(
    "tongban_consumed_total", "Messages by outcome: handled, retried, failed, parked, unreadable, forged",
    "收到的消息，按结果：办妥、重试办妥、失败、滞留、无法读取、冒名", ["subscription", "outcome"], by="worker",
)  # fmt: skip
CONSUME_SECONDS = MECHANISM.histogram(
    "tongban_consume_batch_seconds", "Time for one transaction of messages", "一批消息一个事务的用时",
    ["subscription"], by="worker",
)  # fmt: skip
BATCH_SIZE = MECHANISM.histogram(
    "tongban_consume_batch_size", "Messages in one transaction", "一个事务中的消息数", ["subscription"], by="worker",
    buckets=(1, 2, 4, 8, 16, 32, 64, 128),
)  # fmt: skip
LAG_SECONDS = MECHANISM.gauge(
    "tongban_subscription_lag_seconds", "Age of the message in hand or handled last, 0 once the queue is drained",
    "在办或刚办的消息已产生多久，队列清空后为 0", ["subscription"], by="worker",
)  # fmt: skip
DELIVERY_SECONDS = MECHANISM.histogram(
    "tongban_delivery_seconds", "From an event's time until its effect is committed", "从事件发生到其效果提交的用时",
    ["subscription"], by="worker",
    buckets=(0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 3600),
)  # fmt: skip
PARKED = MECHANISM.gauge(
    "tongban_parked_messages", "Messages that wait for a person", "滞留、等待人工处理的消息", ["service"], by="jobs"
)
RETRYING = MECHANISM.gauge(
    "tongban_retrying_messages", "Messages that failed and will be tried again", "失败后将再次处理的消息",
    ["service"], by="jobs",
)  # fmt: skip
JOB_RUNS = MECHANISM.counter(
    "tongban_job_runs_total", "Runs of scheduled jobs: done, failed", "定时任务的运行次数：完成、失败",
    ["service", "job", "outcome"], by="jobs",
)  # fmt: skip
JOB_SECONDS = MECHANISM.histogram(
    "tongban_job_seconds", "Time of one run of a scheduled job", "定时任务运行一次的用时", ["service", "job"], by="jobs",
    buckets=(0.001, 0.005, 0.025, 0.1, 0.5, 1, 2.5, 5, 10, 30, 60, 300),
)  # fmt: skip
JOB_LAST_SUCCESS = MECHANISM.gauge(
    "tongban_job_last_success_timestamp_seconds", "When the scheduled job last succeeded, Unix time",
    "定时任务上次成功的时刻（Unix 时间）", ["service", "job"], by="jobs",
)  # fmt: skip
JOB_INTERVAL_SECONDS = MECHANISM.gauge(
    "tongban_job_interval_seconds", "How often the scheduled job runs, while it succeeds", "定时任务正常时多久运行一次",
    ["service", "job"], by="jobs",
)  # fmt: skip
READY = MECHANISM.gauge(
    "tongban_ready", "1 while the part was ready when /health/ready was asked last",
    "上次询问 /health/ready 时该部分是否就绪，就绪为 1", ["part"], by="web worker jobs bridge",
)  # fmt: skip
REGISTRY_AGE_SECONDS = MECHANISM.gauge(
    "tongban_registry_age_seconds", "Since the registry last said where the service is", "距注册中心上次告知该服务地址的时间",
    ["service"], by="web worker jobs gateway portal",
)  # fmt: skip
BUILD_INFO = MECHANISM.gauge(
    "tongban_build_info", "1, labelled with what runs here", "恒为 1，标签说明运行的是什么",
    ["service", "role", "version"], by="web worker jobs gateway bridge portal",
)  # fmt: skip
SPANS_DROPPED = MECHANISM.counter(
    "tongban_spans_dropped_total", "Spans that no collector has taken: too many waited, or it refused or was away",
    "未能送达采集端的跨度：积压过多，或对方拒收、不可达", by="web worker jobs gateway bridge portal",
)  # fmt: skip
DATA_FREE_RATIO = MECHANISM.gauge(
    "tongban_data_free_ratio", "Free share of the volume with the data folder, 0 to 1", "数据目录所在卷的空闲比例，0 至 1",
    ["service"], by="web worker jobs gateway bridge portal",
)  # fmt: skip
CERTIFICATE_EXPIRY = MECHANISM.gauge(
    "tongban_certificate_expiry_timestamp_seconds", "When the TLS certificate in use ends, Unix time",
    "在用 TLS 证书的到期时刻（Unix 时间）", ["service"], by="web gateway portal",
)  # fmt: skip
