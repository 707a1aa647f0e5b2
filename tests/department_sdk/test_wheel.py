"""The wheel is built, holds what it should, and works in an environment that has its dependencies and nothing else."""

from __future__ import annotations

import json
import subprocess
import sys
import sysconfig
import venv
import zipfile
from importlib.metadata import Distribution, distribution
from pathlib import Path

import pytest

from tests.department_sdk.broker_door import task
from tests.department_sdk.small_platform import SmallPlatform, listening

DEPENDENCIES = {"pika", "msgspec", "urllib3"}


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(folder), "department_sdk"]
    subprocess.run(command, check=True, capture_output=True)
    [built] = folder.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def clean_python(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A fresh environment. The dependencies are copied from this one, so that no package index is needed."""
    folder = tmp_path_factory.mktemp("venv")
    venv.create(folder, with_pip=False, symlinks=True)
    scheme = {"base": str(folder), "platbase": str(folder)}
    site = Path(sysconfig.get_path("purelib", "venv", scheme))
    for name in DEPENDENCIES:
        _copy(distribution(name), site)
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(site)
    return Path(sysconfig.get_path("scripts", "venv", scheme)) / "python"


def _copy(package: Distribution, site: Path) -> None:
    for file in package.files or ():
        if ".." not in file.parts and file.suffix != ".pyc":
            target = site / file
            target.parent.mkdir(parents=True, exist_ok=True)
            target.write_bytes(Path(str(package.locate_file(file))).read_bytes())


def test_it_holds_the_sdk_and_the_contracts_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = {name for name in archive.namelist() if ".dist-info/" not in name}
    modules = {str(file) for folder in ("department_sdk", "contracts") for file in Path(folder).glob("*.py")}
    assert names == (modules | {"department_sdk/py.typed"}) - {"department_sdk/hatch_build.py"}


def test_it_asks_for_its_three_dependencies_only(clean_python: Path) -> None:
    code = "import importlib.metadata as m, json; print(json.dumps(m.requires('tongban-department')))"
    asked = json.loads(_run(clean_python, "-c", code))
    assert {requirement.split(">")[0] for requirement in asked} == DEPENDENCIES


def test_its_command_answers_tasks_in_a_clean_environment(clean_python: Path) -> None:
    platform = SmallPlatform()
    platform.assign(task())
    entry = "from importlib.metadata import entry_points as e; [c] = e(name='tongban-department'); c.load()()"
    with listening(platform) as base_url:
        options = ["--department", "police", "--https", base_url, "--client-secret", "secret", "--delay", "0"]
        said = _run(clean_python, "-c", entry, "simulate", *options, "--once", "1")
    assert [json.loads(line)["event"] for line in said.splitlines()] == ["started", "received", "answered"]
    assert json.loads(said.splitlines()[2])["answer_id"] in {key for what, key in platform.posts if what == "opinion"}


def _run(python: Path, *arguments: str) -> str:
    """Isolated (-I): nothing of the source tree is found by accident."""
    return subprocess.run([python, "-I", *arguments], check=True, capture_output=True, text=True).stdout
