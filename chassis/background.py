"""The threads of a process: relay, consumers, retries, jobs; started and stopped together."""

from __future__ import annotations

import itertools
import time
from collections.abc import Callable
from datetime import timedelta

import sqlalchemy as sa
import structlog

from chassis import outbox, parked, trace
from chassis.bus import BusUnavailable
from chassis.failpoints import failpoint
from chassis.health import database_check
from chassis.inbox import Inbox
from chassis.loops import Loop
from chassis.metrics import JOB_INTERVAL_SECONDS, JOB_LAST_SUCCESS, JOB_RUNS, JOB_SECONDS
from chassis.migrate import behind
from chassis.outbox import Relay
from chassis.service import Job, Runtime, Service

log = structlog.get_logger()

RETENTION = timedelta(days=30)
GAUGES_EVERY_S = 15.0
SERVICE_GAUGES_EVERY = 2  # turns


class Background:
    """Everything of ``service`` that runs without being asked. ``roles`` is a subset of web, worker, jobs."""

    def __init__(self, service: Service, runtime: Runtime, roles: frozenset[str]) -> None:
        database = service.database
        self.relay = Relay(database, runtime.bus)
        self._loops: list[Loop] = []
        if "worker" in roles:
            for subscription in service.subscriptions:
                inbox = Inbox(database, subscription, retry_limit=runtime.settings.retry_limit)
                runtime.bus.attach(inbox)
                self._loops.append(inbox.retries)
        if "jobs" in roles:
            for job in (*service.jobs, *_housekeeping(service)):
                self._loops.append(Loop(f"job-{job.name}", _runner(service.name, job)))
        database.after_commit = self.relay.loop.nudge
        runtime.health.add(f"{service.name}.database", database_check(database))
        runtime.health.add(f"{service.name}.schema", lambda: behind(database, service.migrations))
        runtime.health.add(f"{service.name}.relay", lambda: self.relay.trouble)

    def start(self) -> None:
        """Start every thread."""
        for loop in (self.relay.loop, *self._loops):
            loop.start()

    def stop(self, timeout_s: float) -> None:
        """Finish what is in hand within ``timeout_s``; the relay goes last so that what was told leaves."""
        deadline = time.monotonic() + timeout_s
        for group in (self._loops, [self.relay.loop]):
            for loop in group:
                loop.stop()
            for loop in group:
                if loop.ident is not None:
                    loop.join(max(0.0, deadline - time.monotonic()))
        if not self.relay.loop.is_alive() and time.monotonic() < deadline:
            try:
                self.relay.step()
            except (BusUnavailable, sa.exc.SQLAlchemyError) as error:  # it leaves at the next start
                log.warning("events_left_for_the_next_start", error=repr(error))


def _runner(service: str, job: Job) -> Callable[[], float]:
    JOB_INTERVAL_SECONDS.labels(service, job.name).set(job.every_s)
    done, failed = (JOB_RUNS.labels(service, job.name, outcome) for outcome in ("done", "failed"))
    seconds, last_success = JOB_SECONDS.labels(service, job.name), JOB_LAST_SUCCESS.labels(service, job.name)

    def run() -> float:
        try:
            with seconds.time(), trace.errand(service, job.name):
                job.run()
        except Exception:
            failed.inc()
            raise
        failpoint("job.after_fire")
        done.inc()
        last_success.set_to_current_time()
        return job.every_s

    return run


def _housekeeping(service: Service) -> tuple[Job, ...]:
    database = service.database
    turns = itertools.count()

    def gauges() -> None:
        with database.read() as connection:
            outbox.measure(connection, database)
            parked.measure(connection, database)
            if service.gauges is not None and next(turns) % SERVICE_GAUGES_EVERY == 0:
                service.gauges(connection)

    def prune() -> None:
        outbox.prune(database, older_than=RETENTION)

    return (
        Job(f"{service.name}.gauges", GAUGES_EVERY_S, gauges),
        Job(f"{service.name}.prune", 3600.0, prune),
    )
