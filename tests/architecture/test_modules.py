"""Rules that hold for every module and every file of the house."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest

from tests.architecture.house import CAMPAIGNS, PRODUCT, ROOT, at, calls, house_files, python_files, tree

LONGEST = 350
COMMITS = {"chassis/db.py", "chassis/outbox.py", "chassis/migrate.py"}
CLOCK = {
    "datetime.now",
    "datetime.utcnow",
    "datetime.today",
    "date.today",
    "datetime.datetime.now",
    "datetime.date.today",
}
MACHINE_CLOCK = {
    "services/documents/adapters/pki.py",  # certificates live in the time of whoever checks them
    "services/identity/adapters/machine_clock.py",
    "services/identity/api/tokens.py",  # security follows the machine's clock: sign-in delays ...
    "services/identity/jobs.py",  # ... and forgetting them
}
METRICS = {"counter", "gauge", "histogram"}  # of chassis.metrics.Metrics, which demands a meaning in two languages


def test_no_module_is_longer_than_a_few_pages() -> None:
    lengths = {path: len(path.read_text().splitlines()) for path in python_files(*PRODUCT, *CAMPAIGNS)}
    assert {str(path.relative_to(ROOT)): n for path, n in lengths.items() if n > LONGEST} == {}


def test_only_the_mechanism_begins_and_commits() -> None:
    found = [
        at(path, node)
        for path in python_files("chassis", "services", "gateway", "embedded")
        for node in ast.walk(tree(path))
        if isinstance(node, ast.Attribute) and node.attr in {"commit", "begin", "begin_nested"}
        if str(path.relative_to(ROOT)) not in COMMITS
    ]
    assert found == []


def test_domain_time_comes_from_the_one_clock() -> None:
    found = [
        at(path, node)
        for path in python_files("contracts", "services", "gateway", "embedded")
        for name, node in calls(path)
        if name in CLOCK and str(path.relative_to(ROOT)) not in MACHINE_CLOCK
    ]
    assert found == []


def test_every_metric_has_a_name_of_its_own() -> None:
    names: dict[str, str] = {}
    for path in python_files(*PRODUCT):
        for called, node in calls(path):
            if called.rpartition(".")[2] not in METRICS or not node.args or not isinstance(node.args[0], ast.Constant):
                continue
            name = str(node.args[0].value).removesuffix("_total")
            assert name.startswith("tongban_"), at(path, node)
            assert name not in names, f"{name}: {at(path, node)} and {names[name]}"
            names[name] = at(path, node)
    assert len(names) >= 10


HOSTS = (
    "py" + "pi.org",
    "python" + "hosted.org",
    "registry." + "npmjs",
    "registry." + "yarnpkg",
    "gh" + "cr.io",
    "quay" + ".io",
    "docker" + ".io",
)
HOSTS_PATTERN = re.compile("|".join(map(re.escape, HOSTS)))
MACHINE = re.compile(
    r"(?<![\w.-])(/" + r"work/(?:main|shared)|/" + r"root/|/home/\w|/Users/\w|/opt/(?:py" + r"pi|wheels))|file:///\w"
)


@pytest.mark.parametrize("pattern", [HOSTS_PATTERN, MACHINE], ids=["registry hosts", "paths of a machine"])
def test_no_file_names(pattern: re.Pattern[str]) -> None:
    found = []
    for path in house_files():
        text = read(path)
        if match := pattern.search(text):
            found.append(f"{path.relative_to(ROOT)}:{text.count(chr(10), 0, match.start()) + 1}: {match.group()}")
    assert found == []


def read(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return ""
