"""The ledger alone on PostgreSQL: events appended per second through the inbox; and how far the signed checkpoint lags
behind while the goal's rate is kept up. Appending and signing are processes of their own, as worker and jobs are.
"""

from __future__ import annotations

import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from pathlib import Path
from statistics import median

import click
import psycopg
import uuid_utils

from bench import sample
from bench.processes import Workers
from bench.results import keep, show
from bench.stage import one
from chassis import log
from chassis.loops import Loop
from contracts.task import OpinionRecorded
from localservers.postgresql import PostgreSQL
from services.audit.jobs import JOBS
from services.audit.models import db
from services.audit.service import SERVICE

RATE_GOAL, LAG_GOAL_S = 1000.0, 2.0
BATCH = 64
STEADY_S = 10.0
LOOK_S = 0.05


def signer(database_url: str, folder: str) -> None:
    """Process: sign as often as the jobs role does."""
    log.configure("bench-signer", "WARNING")
    sample.set_up(SERVICE, database_url, Path(folder))
    [job] = [job for job in JOBS if job.name == "audit.checkpoint"]

    def step() -> float:
        job.run()
        return job.every_s

    Loop("sign", step).run()


def watcher(database_url: str, found: str) -> None:
    """Process: note how old the oldest event is that no checkpoint covers; one number a line, in seconds."""
    oldest = (
        "SELECT coalesce(extract(epoch FROM clock_timestamp() - min(handled_at)), 0)::float FROM inbox JOIN entries"
        " USING (event_id) WHERE seq = (SELECT coalesce(max(size), 0) FROM checkpoints)"
    )
    with psycopg.connect(database_url, autocommit=True) as connection, Path(found).open("w", buffering=1) as file:
        while True:
            row = connection.execute(oldest).fetchone()
            assert row is not None
            file.write(f"{row[0]}\n")
            time.sleep(LOOK_S)


def messages(count: int) -> list[bytes]:
    """Events of cases, four to a case."""
    made = []
    for _ in range(count // 4):
        case_no = str(uuid_utils.uuid7())
        for number in range(4):
            event = OpinionRecorded(
                case_no=case_no,
                task_id=f"{case_no}-t{number}",
                step="police_opinion",
                round=1,
                department="police",
                verdict="agree",
                reason="",
                late=False,
            )
            made.append(sample.message(event, "workflow", caseseq=number + 1))
    return made


def append(bodies: Sequence[bytes], *, at_rate: float = float("inf")) -> float:
    """Hand them to the ledger's inbox in batches as the consumer does, not faster than told; returns events per second."""
    inbox = sample.inbox_of(SERVICE, "audit.ledger")
    begun = time.monotonic()
    for start in range(0, len(bodies), BATCH):
        time.sleep(max(0.0, begun + start / at_rate - time.monotonic()))
        assert all(inbox.receive(bodies[start : start + BATCH]))
    return len(bodies) / (time.monotonic() - begun)


@click.command("ledger")
@click.option("--events", default=8000, show_default=True, help="per round / 每轮")
@click.option("--rounds", default=3, show_default=True)
def main(events: int, rounds: int) -> None:
    """台账：每秒写入与签名滞后 / the ledger: appends per second, lag of its checkpoint."""
    log.configure("bench", "WARNING")
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix="tongban-bench-")))
        folder.chmod(0o755)
        postgresql = cleanup.enter_context(PostgreSQL(folder / "postgresql"))
        postgresql.create_database("audit")
        url = postgresql.url("audit")
        sample.set_up(SERVICE, url, folder)
        cleanup.callback(db.engine.dispose)
        append(messages(BATCH * 8))
        workers = cleanup.enter_context(Workers())
        workers.start(signer, url, str(folder))
        _wait_until_signed(url)
        rates = [append(messages(events)) for _ in range(rounds)]
        _wait_until_signed(url)
        steady = messages(int(RATE_GOAL * STEADY_S))
        lags = folder / "lags"
        workers.start(watcher, url.replace("+psycopg", ""), str(lags))
        kept = append(steady, at_rate=RATE_GOAL)
        workers.check()
        seen = [float(line) for line in lags.read_text().splitlines()]
    figures = {
        "ledger_events_per_s": round(median(rates), 0),
        "ledger_lag_p50_s": round(median(seen), 2),
        "ledger_lag_max_s": round(max(seen), 2),
    }
    print(
        f"写入 / appended          {' '.join(f'{rate:.0f}' for rate in rates)} 件/秒 events/s, {BATCH} per transaction"
    )
    print(f"未签名的最旧事件 / oldest unsigned at {kept:.0f} events/s: p50 {median(seen):.2f} s, max {max(seen):.2f} s")
    goals = {
        "ledger_events_per_s": (f">= {RATE_GOAL:.0f}", median(rates) >= RATE_GOAL),
        "ledger_lag_max_s": (f"<= {LAG_GOAL_S}", max(seen) <= LAG_GOAL_S),
    }
    show(goals, figures)
    sys.exit(0 if keep("ledger", figures, goals) else 1)


def _wait_until_signed(url: str) -> None:
    """Return when the signer has caught up."""
    unsigned = "SELECT size - (SELECT coalesce(max(size), 0) FROM checkpoints) FROM log_head"
    deadline = time.monotonic() + 30
    with psycopg.connect(url.replace("+psycopg", ""), autocommit=True) as connection:
        while one(connection, unsigned):
            assert time.monotonic() < deadline, "nothing is signed"
            time.sleep(LOOK_S)
