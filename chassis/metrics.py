"""Prometheus metrics of the mechanism. Names are part of the contract with dashboards and alert rules."""

from __future__ import annotations

from prometheus_client import Counter, Gauge, Histogram

HTTP_REQUESTS = Counter("tongban_http_requests", "HTTP requests", ["service", "route", "method", "status"])
HTTP_SECONDS = Histogram("tongban_http_request_seconds", "Time to answer", ["service", "route"])
OUTBOX_PUBLISHED = Counter("tongban_outbox_published", "Events confirmed by the bus", ["service"])
OUTBOX_WAITING = Gauge("tongban_outbox_waiting", "Events committed and not yet confirmed", ["service"])
RELAY_FAILURES = Counter("tongban_relay_failures", "Relay rounds that ended in an error", ["service"])
CONSUMED = Counter("tongban_consumed", "Messages by outcome", ["subscription", "outcome"])
CONSUME_SECONDS = Histogram("tongban_consume_batch_seconds", "Time for one transaction of messages", ["subscription"])
BATCH_SIZE = Histogram(
    "tongban_consume_batch_size", "Messages per transaction", ["subscription"], buckets=(1, 2, 4, 8, 16, 32, 64, 128)
)
PARKED = Gauge("tongban_parked_messages", "Messages that wait for a person", ["service"])
JOB_RUNS = Counter("tongban_job_runs", "Runs of scheduled jobs", ["service", "job", "outcome"])
