"""The whole platform as ``make up`` starts it, smaller: read from outside, by what it prints and by ``up.json``."""

from __future__ import annotations

import json
import subprocess
import sys
import time
from collections.abc import Callable
from functools import cached_property
from pathlib import Path
from typing import Any

from demo.applications import ENROLMENT
from demo.client import Api
from demo.story import apply
from localservers.platform import directory
from localservers.ports import free_port
from localservers.up import TRAFFIC
from localservers.watching import AlertmanagerApi, PrometheusApi
from localservers.welcome import ADDRESSES, read_addresses

CASES = 2
PATIENCE_S = 400.0
SCRAPE_S = 2


class Watched:
    """A running ``python -m localservers.up`` with data below ``folder``; ``rules`` are Prometheus' rule files."""

    def __init__(self, folder: Path, rules: list[Path]) -> None:
        self.folder = folder / "up"
        self.printed = folder / "printed"
        options: dict[str, Any] = {
            "--folder": self.folder, "--port": free_port(), "--instances": "workflow=2", "--cases": CASES, "--rate": 60,
            "--delay": 0, "--scrape": SCRAPE_S,
        }  # fmt: skip
        command = [sys.executable, "-m", "localservers.up", "--no-measure"]
        command += [str(part) for option in options.items() for part in option]
        command += [part for path in rules for part in ("--rules", str(path))]
        with self.printed.open("wb") as out:
            self.process = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=out, stderr=out)

    def wait(self, what: str, found: Callable[[], Any]) -> Any:
        """The first truthy answer. Fails with what was printed when the platform has ended, or nothing comes."""
        deadline = time.monotonic() + PATIENCE_S
        while not (answer := found()):
            assert self.process.poll() is None, self.said()
            assert time.monotonic() < deadline, f"{what}: waited in vain\n{self.said()}"
            time.sleep(0.2)
        return answer

    def wait_until_watched(self) -> None:
        """Return when the traffic's cases are closed, another one is open, and everything has been scraped twice since."""
        self.wait("start", (self.folder / ADDRESSES).exists)
        self.wait("end of the traffic", lambda: any(line["event"] == "finished" for line in self._traffic()))
        apply(self.sign_in(ENROLMENT.username), ENROLMENT)
        self.wait("figures", lambda: self.prometheus.query("tongban_tasks_open"))
        since = time.time()
        self.wait("scrapes", lambda: self._scraped_since(since + SCRAPE_S))

    def _scraped_since(self, moment: float) -> bool:
        """Whether the last scrape of everything is younger than that."""
        last = self.prometheus.query("min(timestamp(up))")
        return bool(last) and float(last[0]["value"][1]) > moment

    def said(self) -> str:
        """What was printed so far."""
        return self.printed.read_text(encoding="utf-8")

    @cached_property
    def book(self) -> dict[str, Any]:
        """``up.json``."""
        return read_addresses(self.folder)

    @property
    def gateways(self) -> list[str]:
        """Base URLs."""
        return list(self.book["gateways"])

    @property
    def base_url(self) -> str:
        """Of the first gateway."""
        return self.gateways[0]

    @cached_property
    def prometheus(self) -> PrometheusApi:
        return PrometheusApi(self.book["addresses"]["prometheus"])

    @cached_property
    def alertmanager(self) -> AlertmanagerApi:
        return AlertmanagerApi(self.book["addresses"]["alertmanager"])

    @property
    def traces_url(self) -> str:
        """Base URL of the trace store."""
        return str(self.book["addresses"]["trace-store"])

    @property
    def cases(self) -> list[str]:
        """Numbers of the cases that the traffic brought to their end."""
        return [line["case_no"] for line in self._traffic() if line["event"] == "closed"]

    @property
    def items(self) -> dict[str, str]:
        """Case number -> item's name, of all that were applied for."""
        return {line["case_no"]: line["item"] for line in self._traffic() if line["event"] == "submitted"}

    def _traffic(self) -> list[dict[str, Any]]:
        log = Path(self.book["logs"]) / f"{TRAFFIC}.log"
        return [json.loads(line) for line in log.read_text().splitlines() if line.endswith("}")]

    def sign_in(self, username: str) -> Api:
        """A caller signed in as a demo account."""
        [password] = [account["password"] for account in directory()["accounts"] if account["username"] == username]
        return Api(self.base_url, ca_file=None, username=username, password=password)
