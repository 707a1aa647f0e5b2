"""Every dashboard query and every rule on the Prometheus of a platform that runs: each must answer, and nothing may alarm."""

from __future__ import annotations

import re
import time
from typing import Any

from localservers.watching import PrometheusApi
from tests.deploy.expressions import Asked, dashboards, queries, rules

PATIENCE_S = 90.0
POLL_S = 2.0
FILLED = {"$__rate_interval": "5m", "$__range": "1h"}
# dashboard: panel -> why a healthy platform has nothing to show there
NOTHING_TO_SHOW = {
    "gateway: 证书到期还有 / Until the certificate ends": "the trial platform serves no HTTPS",
}


def check_queries(watched: Any) -> None:
    """For the fixture ``watched``: see ``every_query_answers``."""
    every_query_answers(watched.prometheus.url)


def check_rules(watched: Any) -> None:
    """For the fixture ``watched``: see ``every_rule_is_judged`` and ``nothing_alarms``."""
    every_rule_is_judged(watched.prometheus.url)
    nothing_alarms(watched.prometheus.url)


def every_query_answers(prometheus_url: str) -> None:
    """Each panel's query gives series, each variable values. What comes with the next scrape is waited for."""
    prometheus = PrometheusApi(prometheus_url)
    silent = [asked for asked in (*queries(), *_variables()) if asked.title not in NOTHING_TO_SHOW]
    until = time.monotonic() + PATIENCE_S
    while silent := [asked for asked in silent if not prometheus.query(filled(asked.expr))]:
        assert time.monotonic() < until, [f"{asked.title}: {filled(asked.expr)}" for asked in silent]
        time.sleep(POLL_S)
    for asked in queries():
        if asked.title in NOTHING_TO_SHOW:
            assert not prometheus.query(filled(asked.expr)), (
                f"{asked.title} has something to show: take it off the list"
            )


def every_rule_is_judged(prometheus_url: str) -> None:
    """Prometheus has loaded all of our rules, and judged each without an error."""
    prometheus = PrometheusApi(prometheus_url)
    wanted = sorted(rule.get("alert") or rule["record"] for rule in rules())
    until = time.monotonic() + PATIENCE_S
    while any(rule["health"] == "unknown" for rule in prometheus.rules()) and time.monotonic() < until:
        time.sleep(POLL_S)
    names = set(wanted)
    judged = [rule for rule in prometheus.rules() if rule["name"] in names]
    assert sorted(rule["name"] for rule in judged) == wanted
    assert [(rule["name"], rule.get("lastError")) for rule in judged if rule["health"] != "ok"] == []


def nothing_alarms(prometheus_url: str) -> None:
    """No alert of ours fires on a healthy platform, but the one that always does."""
    ours = {rule["alert"] for rule in rules() if "alert" in rule}
    firing = {
        (alert["labels"]["alertname"], alert["annotations"]["summary"])
        for alert in PrometheusApi(prometheus_url).alerts()
        if alert["state"] == "firing" and alert["labels"]["alertname"] in ours
    }
    assert {name for name, _ in firing} == {"Watchdog"}, firing


def filled(expr: str) -> str:
    """The expression with Grafana's variables filled in."""
    for name, value in FILLED.items():
        expr = expr.replace(name, value)
    return re.sub(r"\$[a-z]+\b", ".*", expr)


def _variables() -> list[Asked]:
    """``label_values(metric, label)`` as the query for series that have the label."""
    found = []
    for name, page in dashboards().items():
        for variable in page["templating"]["list"]:
            if variable["type"] == "query":
                metric, label = re.fullmatch(r"label_values\((\w+), (\w+)\)", variable["query"]["query"]).groups()  # type: ignore[union-attr]
                found.append(Asked(name, f"${variable['name']}", f'{metric}{{{label}!=""}}'))
    return found
