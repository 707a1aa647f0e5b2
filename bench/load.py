"""Load on one address: as much as it takes (wrk), or at a steady pace with each answer's own time."""

from __future__ import annotations

import http.client
import re
import subprocess
import threading
import time
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import urlsplit

from bench.tools import tool

PACED_CONNECTIONS = 8


class LoadFailed(Exception):
    """Not every request was answered as it should be."""


@dataclass(frozen=True)
class Flood:
    """What wrk saw."""

    requests: int
    rate: float


def flood(url: str, headers: Mapping[str, str], *, connections: int, seconds: float) -> Flood:
    """As many requests as ``connections`` kept-alive connections get answered, one after the other on each."""
    command = [tool("wrk"), "-t1", f"-c{connections}", f"-d{seconds:.0f}s", "--timeout", "10s"]
    for name, value in headers.items():
        command += ["-H", f"{name}: {value}"]
    said = subprocess.run([*command, url], capture_output=True, text=True, check=True, timeout=seconds + 30).stdout
    return read_wrk(said)


def read_wrk(said: str) -> Flood:
    """wrk's report. Raises LoadFailed when an answer was no 2xx or 3xx, or a connection failed."""
    if "Non-2xx" in said or "Socket errors" in said:
        raise LoadFailed(said)
    requests, rate = re.search(r"(\d+) requests in", said), re.search(r"Requests/sec:\s+([\d.]+)", said)
    if requests is None or rate is None:
        raise LoadFailed(said)
    return Flood(int(requests[1]), float(rate[1]))


def paced(url: str, headers: Mapping[str, str], *, rate: float, seconds: float) -> list[float]:
    """``rate`` requests a second whatever the answers take. Each one's time in seconds counts from when it was due, so
    that a slow answer is also charged with the wait of those behind it.
    """
    total, begun = int(rate * seconds), time.perf_counter() + 0.1
    latencies: list[float] = []
    failures: list[Exception] = []

    def caller(first: int) -> None:
        try:
            connection = http.client.HTTPConnection(urlsplit(url).netloc, timeout=10)
            for number in range(first, total, PACED_CONNECTIONS):
                due = begun + number / rate
                time.sleep(max(0.0, due - time.perf_counter()))
                _get(connection, urlsplit(url).path, headers)
                latencies.append(time.perf_counter() - due)
            connection.close()
        except Exception as error:
            failures.append(error)

    threads = [threading.Thread(target=caller, args=(first,)) for first in range(PACED_CONNECTIONS)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    if failures:
        raise failures[0]
    return latencies


def _get(connection: http.client.HTTPConnection, path: str, headers: Mapping[str, str]) -> None:
    connection.request("GET", path, headers=dict(headers))
    response = connection.getresponse()
    response.read()
    if response.status != 200:
        raise LoadFailed(f"{path}: {response.status}")
