"""A part of a campaign in a process of its own, on a platform of its own that has not grown yet."""

from __future__ import annotations

import tempfile
import time
from pathlib import Path

from chassis import log
from fuzz.campaign import Campaign, Found
from fuzz.world import world


def run_piece(service: str, wanted: int, start: int, until: float) -> Found:
    """Fuzz with so many requests, from a seed. ``until``: wall-clock time."""
    log.configure("fuzz", "WARNING")
    with tempfile.TemporaryDirectory(prefix="tongban-fuzz-") as name, world(Path(name)) as stage:
        return Campaign(stage, service, wanted=wanted, start=start).run(time.monotonic() + until - time.time())
