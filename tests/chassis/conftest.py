from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.chassis.rig import Rig

SERVERS = pytest.mark.servers


@pytest.fixture(params=["embedded", pytest.param("rabbitmq", marks=SERVERS)])
def rig(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Rig]:
    """The conformance suite runs on both buses."""
    vhost: Any = request.getfixturevalue("vhost") if request.param == "rabbitmq" else None
    made = Rig(tmp_path, vhost)
    yield made
    made.close()


@pytest.fixture
def rabbit_rig(vhost: Any, tmp_path: Path) -> Iterator[Rig]:
    made = Rig(tmp_path, vhost)
    yield made
    made.close()


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=SERVERS)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database on each kind of server."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/test.sqlite"
    url: str = request.getfixturevalue("postgresql_url")
    return url
