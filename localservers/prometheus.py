"""A Prometheus server of one's own: scrapes what it is told, judges rules, tells an Alertmanager."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from localservers.ports import free_port
from localservers.requirements import PROMETHEUS
from localservers.server import Server, answers
from localservers.watching import PrometheusApi

KEPT_FOR = "2d"


@dataclass(frozen=True)
class Target:
    """One address (host:port) to scrape, and the labels that its series get unless they have them."""

    address: str
    labels: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Job:
    """Targets that are scraped alike. What a series says of itself wins over the labels of its target."""

    name: str
    targets: Sequence[Target]
    path: str = "/metrics"
    parameters: Mapping[str, Sequence[str]] = field(default_factory=dict)


class Prometheus(Server, PrometheusApi):
    """A server on a free port of 127.0.0.1, which scrapes itself as well. ``rules`` are files or patterns of files; a pattern
    may match none. ``alertmanager``: host:port. It does not look at its targets before some five seconds have passed.
    """

    package = PROMETHEUS

    def __init__(
        self,
        folder: Path,
        jobs: Sequence[Job],
        *,
        rules: Sequence[Path] = (),
        alertmanager: str | None = None,
        interval_s: int = 5,
    ) -> None:
        self.address = f"127.0.0.1:{free_port()}"
        Server.__init__(self, folder)
        PrometheusApi.__init__(self, f"http://{self.address}")
        self._jobs, self._rules, self._alertmanager, self._interval_s = jobs, rules, alertmanager, interval_s

    def _prepare(self) -> None:
        text = yaml.safe_dump(self._config(), sort_keys=False)
        (self.folder / "prometheus.yml").write_text(text, encoding="utf-8")

    def _command(self) -> list[str]:
        return [
            shutil.which(self.package) or self.package, f"--config.file={self.folder}/prometheus.yml",
            f"--storage.tsdb.path={self.folder}/data", f"--storage.tsdb.retention.time={KEPT_FOR}",
            f"--web.listen-address={self.address}", "--log.level=warn",
        ]  # fmt: skip

    def _ready(self) -> bool:
        return answers(f"{self.url}/-/ready")

    def _config(self) -> dict[str, Any]:
        every = f"{self._interval_s}s"
        told = [{"static_configs": [{"targets": [self._alertmanager]}]}] if self._alertmanager else []
        return {
            "global": {"scrape_interval": every, "evaluation_interval": every},
            "rule_files": [str(path.resolve()) for path in self._rules],
            "alerting": {"alertmanagers": told},
            "scrape_configs": [_scraped(job) for job in [*self._jobs, self._itself()]],
        }

    def _itself(self) -> Job:
        return Job("prometheus", [Target(self.address, {"instance": "prometheus"})])


def _scraped(job: Job) -> dict[str, Any]:
    return {
        "job_name": job.name,
        "honor_labels": True,
        "metrics_path": job.path,
        "params": {name: list(values) for name, values in job.parameters.items()},
        "static_configs": [{"targets": [t.address], "labels": dict(t.labels)} for t in job.targets],
    }
