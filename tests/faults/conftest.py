"""The embedded platform with clients and departments, once for all tests that kill it and judge it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from faults.rig import Rig, embedded_rig


@pytest.fixture(scope="session")
def embedded(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Rig]:
    with embedded_rig(tmp_path_factory.mktemp("embedded")) as rig:
        yield rig
