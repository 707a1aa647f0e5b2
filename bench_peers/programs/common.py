"""What every peer's program shares: addresses, and the loop of a starter."""

import os
import sys
import uuid
from collections.abc import Callable

DATABASE = os.environ["W4_DATABASE"]
BROKER = os.environ["W4_BROKER"]
DEPARTMENTS = ("d1", "d2", "d3", "d4")

NEW_CASE = "INSERT INTO cases (id) VALUES (%s)"
RECORD_REVIEW = "INSERT INTO reviews VALUES (%s, %s) ON CONFLICT DO NOTHING"
DECIDE = "INSERT INTO decisions (id) VALUES (%s) ON CONFLICT DO NOTHING"


def serve_starts(start: Callable[[list[str]], None]) -> None:
    """Start as many new cases as each line of standard input says; answer when it is done."""
    for line in sys.stdin:
        start([str(uuid.uuid4()) for _ in range(int(line))])
        print("started", flush=True)
