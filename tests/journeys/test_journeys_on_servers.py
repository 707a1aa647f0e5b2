"""The same on RabbitMQ and PostgreSQL, for the ways whose mechanism a bus or a database could break."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from localservers.postgresql import PostgreSQL
from localservers.rabbitmq import RabbitMQ
from tests.journeys.platform import Town, town_on_servers
from tests.journeys.ways import Journey
from tests.journeys.ways.every import ON_SERVERS


@pytest.fixture(scope="module")
def town(tmp_path_factory: pytest.TempPathFactory, rabbitmq: RabbitMQ, postgresql: PostgreSQL) -> Iterator[Town]:
    with town_on_servers(tmp_path_factory.mktemp("journeys"), rabbitmq, postgresql) as town:
        yield town


@pytest.mark.parametrize("way", ON_SERVERS, ids=lambda way: way.__name__)
def test(town: Town, way: Journey) -> None:
    way(town)
