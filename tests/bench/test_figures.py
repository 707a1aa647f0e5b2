"""Small statistics on which a result would quietly depend."""

from __future__ import annotations

import pytest

from bench.figures import Round, quantile, spent
from bench.load import LoadFailed, read_wrk

REPORT = """Running 2s test @ http://127.0.0.1:1/
  1 threads and 16 connections
  Thread Stats   Avg      Stdev     Max   +/- Stdev
    Latency    13.75ms    2.62ms  37.54ms   92.06%
  2310 requests in 2.00s, 5.37MB read
Requests/sec:   1154.21
Transfer/sec:      2.68MB
"""


def test_a_quantile_is_one_of_the_values_whatever_their_order() -> None:
    values = [float(n) for n in range(100, 0, -1)]
    assert quantile(values, 0.95) == 96.0
    assert quantile(values, 0.99) == 100.0
    assert quantile(values, 1.0) == 100.0
    assert quantile([7.0], 0.5) == 7.0


def test_cpu_per_case_counts_every_process_and_only_the_round() -> None:
    cpu = spent({"workflow": 10.0, "postgresql": 5.0}, {"workflow": 10.4, "postgresql": 5.6})
    done = Round(cases=100, seconds=2.0, cpu=cpu, wal_bytes=204_800, latencies=[0.1])
    assert done.cpu_ms == pytest.approx(10.0)
    assert done.rate == 50.0
    assert done.wal_kib == 2.0


def test_refused_requests_are_no_load() -> None:
    assert read_wrk(REPORT).requests == 2310
    assert read_wrk(REPORT).rate == 1154.21
    with pytest.raises(LoadFailed):
        read_wrk(REPORT + "  Non-2xx or 3xx responses: 2310\n")
    with pytest.raises(LoadFailed):
        read_wrk(REPORT + "  Socket errors: connect 0, read 1, write 0, timeout 0\n")
