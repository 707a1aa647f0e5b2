from __future__ import annotations

from pathlib import Path

import pytest

from localservers.kubectl_package import kubectl_program
from localservers.requirements import require
from tests.deploy.rendered import OVERLAYS, Rendered, render


@pytest.fixture(scope="session")
def kubectl() -> Path:
    require("kubectl")
    program = kubectl_program()
    assert program is not None
    return program


@pytest.fixture(scope="session", params=OVERLAYS)
def overlay(request: pytest.FixtureRequest, kubectl: Path) -> Rendered:
    """What each overlay makes."""
    return _all(kubectl)[request.param]


@pytest.fixture(scope="session")
def prod(kubectl: Path) -> Rendered:
    return _all(kubectl)["prod"]


@pytest.fixture(scope="session")
def dev(kubectl: Path) -> Rendered:
    return _all(kubectl)["dev"]


_rendered: dict[str, Rendered] = {}


def _all(kubectl: Path) -> dict[str, Rendered]:
    if not _rendered:
        _rendered.update({name: render(kubectl, name) for name in OVERLAYS})
    return _rendered
