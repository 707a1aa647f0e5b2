"""Prometheus' and Alertmanager's HTTP API, as far as tests and measurements need it."""

from __future__ import annotations

from typing import Any

import urllib3

TIMEOUT_S = 10.0


class QueryRefused(Exception):
    """Prometheus did not answer a query; the message has its reason."""


class PrometheusApi:
    """The API at ``url``. Source: https://prometheus.io/docs/prometheus/latest/querying/api/"""

    def __init__(self, url: str) -> None:
        self.url = url
        self._http = urllib3.PoolManager(timeout=TIMEOUT_S, retries=False)

    def query(self, expression: str) -> list[dict[str, Any]]:
        """The series of an instant query, each with ``metric`` and ``value``. Raises QueryRefused."""
        found: list[dict[str, Any]] = self._ask("query", query=expression)["result"]
        return found

    def targets(self) -> list[dict[str, Any]]:
        """Every target with ``labels``, ``health`` (up, down, unknown) and ``lastError``."""
        found: list[dict[str, Any]] = self._ask("targets", state="active")["activeTargets"]
        return found

    def alerts(self) -> list[dict[str, Any]]:
        """Alerts that are pending or firing, each with ``labels`` and ``state``."""
        found: list[dict[str, Any]] = self._ask("alerts")["alerts"]
        return found

    def rules(self) -> list[dict[str, Any]]:
        """Every rule that was loaded, with ``name``, ``health`` (ok, err, unknown) and ``lastError``."""
        return [rule for group in self._ask("rules")["groups"] for rule in group["rules"]]

    def _ask(self, what: str, **fields: str) -> Any:
        answer = self._http.request("GET", f"{self.url}/api/v1/{what}", fields=fields).json()
        if answer["status"] != "success":
            raise QueryRefused(f"{what} {fields}: {answer.get('error')}")
        return answer["data"]


class AlertmanagerApi:
    """The API at ``url``."""

    def __init__(self, url: str) -> None:
        self.url = url

    def alerts(self) -> list[dict[str, Any]]:
        """Alerts that it has now, each with ``labels``, ``annotations`` and ``status``."""
        answer = urllib3.request("GET", f"{self.url}/api/v2/alerts", timeout=TIMEOUT_S, retries=False)
        found: list[dict[str, Any]] = answer.json()
        return found
