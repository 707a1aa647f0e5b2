"""Our own code and the floor, each started for a round and stopped after it, like the peers."""

from __future__ import annotations

from collections.abc import Mapping

from bench import ours
from bench.figures import Round
from bench.floor import Floor
from bench.meter import Meter
from bench.processes import Workers
from localservers.postgresql import PostgreSQL
from localservers.rabbitmq import RabbitMQ

BATCH = 64


class OwnCode:
    """``bench.ours`` on running servers."""

    def __init__(self, postgresql: PostgreSQL, rabbitmq: RabbitMQ, brokers: Mapping[str, str]) -> None:
        self._postgresql, self._rabbitmq, self._brokers = postgresql, rabbitmq, brokers
        for database in ("workflow", "departments"):
            postgresql.create_database(database)
        ours.prepare(postgresql.url("workflow"), brokers)
        ours.prepare_department(postgresql.url("departments"))

    def run(self, cases: int, in_flight: int) -> Round:
        """Start, warm up, measure, stop."""
        with Workers() as workers:
            urls = (self._postgresql.url("workflow"), self._postgresql.url("departments"))
            meter = Meter(ours.start(workers, *urls, self._brokers), self._postgresql, self._rabbitmq)
            with ours.Starter(self._brokers["workflow"]) as starter:
                starter.measure(meter, in_flight * 2, in_flight)
                measured = starter.measure(meter, cases, in_flight)
            workers.check()
            meter.close()
        return measured


class OwnFloor:
    """``bench.floor``, batching, on running servers."""

    def __init__(self, postgresql: PostgreSQL, rabbitmq: RabbitMQ, brokers: Mapping[str, str]) -> None:
        self._postgresql, self._rabbitmq = postgresql, rabbitmq
        postgresql.create_database("floor")
        self._floor = Floor("floor", postgresql.url("floor").replace("+psycopg", ""), brokers["floor"], BATCH)
        self._floor.prepare()

    def run(self, cases: int, in_flight: int) -> Round:
        """Start, warm up, measure, stop."""
        with Workers() as workers:
            meter = Meter(self._floor.start(workers), self._postgresql, self._rabbitmq)
            self._floor.measure(meter, in_flight * 2, in_flight)
            measured = self._floor.measure(meter, cases, in_flight)
            workers.check()
            meter.close()
        return measured
