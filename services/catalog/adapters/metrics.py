"""Metrics of catalog."""

from __future__ import annotations

from chassis.metrics import Metrics

CATALOG = Metrics("catalog")

ITEMS = CATALOG.gauge(
    "tongban_items", "Service items by state: in_force, suspended, retired", "事项数，按状态：在办、暂停、取消", ["state"],
    by="jobs",
)  # fmt: skip
