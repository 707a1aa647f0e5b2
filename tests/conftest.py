"""Real servers for the whole suite: one RabbitMQ and one PostgreSQL per session, a fresh room in each per test.

A missing server is a failure that says what to install, never a skip.
"""

from __future__ import annotations

import os
import secrets
from collections.abc import Iterator
from typing import Any

import kombu
import pytest

from localservers.consul import Consul
from localservers.postgresql import PostgreSQL
from localservers.rabbitmq import RabbitMQ
from localservers.redis import Redis

SERVER_FIXTURES = {"rabbitmq", "postgresql", "vhost", "postgresql_url", "consul", "redis"}
# A few items are enough where the catalogue is not what is tested; what ships is judged in tests/services/catalog.
os.environ.setdefault(
    "TONGBAN_DRAIN_S", "0"
)  # nobody needs time to notice a stop, but where stopping is what is tested
os.environ.setdefault("TONGBAN_CATALOG_ITEMS", "school-bus-permit,school-enrolment,study-abroad-agency")

PASSWORD = secrets.token_urlsafe(12)


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """What uses a server carries the marker ``servers``, so that the quick check can leave it out."""
    for item in items:
        if SERVER_FIXTURES & set(getattr(item, "fixturenames", ())):
            item.add_marker(pytest.mark.servers)


@pytest.fixture(scope="session")
def rabbitmq(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RabbitMQ]:
    with RabbitMQ(tmp_path_factory.mktemp("rabbitmq")) as broker:
        yield broker
        broker.kill()  # a polite stop takes seconds and nobody needs the data


@pytest.fixture(scope="session")
def postgresql(tmp_path_factory: pytest.TempPathFactory) -> Iterator[PostgreSQL]:
    with PostgreSQL(tmp_path_factory.mktemp("postgresql"), fsync=False) as server:
        yield server


@pytest.fixture(scope="session")
def consul(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Consul]:
    with Consul(tmp_path_factory.mktemp("consul")) as agent:
        yield agent


@pytest.fixture(scope="session")
def redis(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Redis]:
    with Redis(tmp_path_factory.mktemp("redis")) as server:
        yield server


@pytest.fixture
def postgresql_url(postgresql: PostgreSQL) -> Iterator[str]:
    """SQLAlchemy URL of a fresh database."""
    name = f"t{secrets.token_hex(6)}"
    postgresql.create_database(name)
    yield postgresql.url(name)
    postgresql.drop_database(name)


class Vhost:
    """A fresh virtual host. Each service is a broker user of its own name that may touch its own queues and the exchanges."""

    def __init__(self, broker: RabbitMQ, name: str) -> None:
        self.broker, self.name = broker, name

    def url(self, service: str) -> str:
        """AMQP URL as ``service``."""
        own = rf"^({service}\..+|tongban\.(events|unreadable))$"
        self.broker.management.create_user(service, PASSWORD)
        self.broker.management.set_permissions(self.name, service, configure=own, write=own, read=own)
        return self.broker.url(self.name, service, PASSWORD)

    def admin_url(self) -> str:
        """AMQP URL as the broker's administrator, for what a test does behind the services' backs."""
        return self.broker.url(self.name, *self.broker.admin)

    def depth(self, queue: str) -> int:
        """Messages ready in a queue now; the API's counters lag."""
        with kombu.Connection(self.admin_url()) as connection:
            return int(connection.channel().queue_declare(queue, passive=True).message_count)

    def take(self, queue: str) -> list[dict[str, Any]]:
        return self.broker.management.take(self.name, queue)

    def cut_connections(self, user: str) -> int:
        """Close every connection of ``user`` from the broker's side; returns how many."""
        mine = [c for c in self.broker.management.connections(self.name) if c.get("user") == user]
        for connection in mine:
            self.broker.management.close_connection(connection["name"])
        return len(mine)


@pytest.fixture
def vhost(rabbitmq: RabbitMQ) -> Iterator[Vhost]:
    room = Vhost(rabbitmq, f"t-{secrets.token_hex(6)}")
    rabbitmq.management.create_vhost(room.name)
    yield room
    rabbitmq.management.delete_vhost(room.name)
