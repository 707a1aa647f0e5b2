"""What the embedded platform costs: time until ready, memory, CPU when nobody asks for anything."""

from __future__ import annotations

import os
import time

from evidence.record import write_evidence
from evidence.usage import cpu_seconds, memory_bytes, tree

WINDOW_S = 5.0
WINDOWS = 3
READY_GOAL_S = 5.0
MEMORY_GOAL_MB = 400.0
IDLE_GOAL_PERCENT = 2.0


def measure_run(ready_s: float) -> None:
    """Write ``build/evidence/run.json`` once the platform has settled. Idle is the quietest of a few windows, in percent
    of one core, simulated departments included; their memory is told apart, for they are other organisations' systems.
    """
    platform, departments = os.getppid(), tree(os.getpid()) - {os.getpid()}
    idle = min(_busy(platform) for _ in range(WINDOWS))
    memory_mb = memory_bytes(tree(platform) - departments) / 1e6
    figures = {
        "ready_s": round(ready_s, 2),
        "memory_mb": round(memory_mb, 1),
        "departments_memory_mb": round(memory_bytes(departments) / 1e6, 1),
        "idle_cpu_percent": round(idle, 2),
    }
    goals = {
        "ready_s": (f"<= {READY_GOAL_S}", ready_s <= READY_GOAL_S),
        "memory_mb": (f"<= {MEMORY_GOAL_MB}", memory_mb <= MEMORY_GOAL_MB),
        "idle_cpu_percent": (f"< {IDLE_GOAL_PERCENT}", idle < IDLE_GOAL_PERCENT),
    }
    write_evidence("run", figures, goals)


def _busy(platform: int) -> float:
    """CPU of one window, in percent of one core."""
    begun, before = time.monotonic(), cpu_seconds(tree(platform))
    time.sleep(WINDOW_S)
    return 100 * (cpu_seconds(tree(platform)) - before) / (time.monotonic() - begun)
