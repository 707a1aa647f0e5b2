"""The lock, the Makefile and the hooks."""

from __future__ import annotations

import re
import subprocess
import tomllib
from importlib import import_module

import pytest
import yaml

from tests.architecture.house import ROOT

REQUIREMENTS = ROOT / "requirements"
PIN = re.compile(r"^([a-z0-9-]+)==([^ ;\\]+)", re.MULTILINE)


def pins(file: str) -> dict[str, str]:
    return dict(PIN.findall((REQUIREMENTS / file).read_text()))


@pytest.mark.parametrize("file", ["runtime.txt", "dev.txt"])
def test_lock_is_hashed_and_names_no_source(file: str) -> None:
    lines = (REQUIREMENTS / file).read_text().splitlines()
    entries = [line for line in lines if line and not line.startswith("#")]
    assert all(line.endswith("\\") or line.lstrip().startswith("--hash=sha256:") for line in entries)
    assert not any("://" in line or " @ " in line or line.startswith("-") for line in entries)
    assert all(re.match(r"[a-z0-9-]+==|    --hash=sha256:[0-9a-f]{64}", line) for line in entries)


def test_development_lock_extends_the_runtime_lock() -> None:
    assert pins("runtime.txt").items() <= pins("dev.txt").items()


def test_lock_has_what_pyproject_asks_for() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    for file, wanted in (
        ("runtime.txt", project["project"]["dependencies"]),
        ("dev.txt", project["dependency-groups"]["dev"]),
    ):
        names = {re.split(r"[\[>=<~ ]", requirement)[0].lower().replace("_", "-") for requirement in wanted}
        assert names <= pins(file).keys(), f"requirements/{file} is stale: run `make lock`"


def test_make_help_lists_every_target() -> None:
    makefile = (ROOT / "Makefile").read_text()
    phony = re.search(r"^\.PHONY: (.*)$", makefile, re.MULTILINE)
    assert phony
    shown = subprocess.run(["make", "help"], cwd=ROOT, capture_output=True, text=True, check=True).stdout
    assert re.findall(r"^  make ([a-z-]+)", shown, re.MULTILINE) == phony.group(1).split()


def test_every_console_script_has_its_function() -> None:
    scripts = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["scripts"]
    assert set(scripts) == {"tongban", "tongban-department"}
    for target in scripts.values():
        module, _, function = target.partition(":")
        assert callable(getattr(import_module(module), function))


def test_hooks_are_local() -> None:
    hooks = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())
    assert {repo["repo"] for repo in hooks["repos"]} == {"local"}
