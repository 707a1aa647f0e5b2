"""The ways a case can go, each a journey from the citizen's first call to the end."""

from __future__ import annotations

from collections.abc import Callable

from tests.journeys.platform import Town

Journey = Callable[[Town], None]
JOURNEYS: list[Journey] = []
ON_SERVERS: list[Journey] = []


def journey(way: Journey) -> Journey:
    """Note ``way`` among the ways a case can go; its name says what it proves."""
    JOURNEYS.append(way)
    return way


def journey_on_both(way: Journey) -> Journey:
    """One of those that are played on RabbitMQ and PostgreSQL as well: each mechanism that a bus or a database could break
    (fan-out and join, the clock's jobs under row locks, facts that another service has to hear, rows written again).
    """
    ON_SERVERS.append(way)
    return journey(way)
