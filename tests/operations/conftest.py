"""One start of the whole platform for all tests of how it is watched."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from localservers.whole import RULES
from tests.operations.watched import PATIENCE_S, Watched

AT_ONCE = "TargetDownAtOnce"


@pytest.fixture(scope="session")
def watched(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Watched]:
    """With the rules that ship, and one of them again that does not wait."""
    folder = tmp_path_factory.mktemp("watched")
    folder.chmod(0o755)
    running = Watched(folder, [RULES, _at_once(folder / "at-once.yaml")])
    try:
        running.wait_until_watched()
        yield running
    finally:
        if running.process.poll() is None:
            running.process.send_signal(signal.SIGTERM)
        running.process.wait(PATIENCE_S)


def _at_once(file: Path) -> Path:
    """The shipped rule of a target that cannot be scraped, under a name of its own and without its two minutes."""
    groups = [group for path in Path().glob(str(RULES)) for group in yaml.safe_load(path.read_text())["groups"]]
    [rule] = [rule for group in groups for rule in group["rules"] if rule.get("alert") == "TargetDown"]
    hasty = rule | {"alert": AT_ONCE, "for": "0s"}
    file.write_text(yaml.safe_dump({"groups": [{"name": "at-once", "rules": [hasty]}]}, allow_unicode=True))
    return file
