"""The image: what it is made of, and that a service starts from it as nobody in particular on a tree that it cannot write."""

from __future__ import annotations

import os
import re
import shutil
import signal
import subprocess
import tempfile
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest

from localservers.child import Child
from localservers.ports import free_port
from tests.architecture.house import ROOT
from tests.deploy.dockerfile import SITE, Stage, Step, build, steps
from tests.deploy.rendered import SERVICES

DOCKERFILE = ROOT / "deploy" / "Dockerfile"
UID = 10001
READ_ANYTHING = "-all,+dac_read_search"
"""A developer's Python may lie in a folder that is closed to others: the process may read it, and write no more than others."""


@pytest.fixture(scope="module")
def image() -> Iterator[Stage]:
    folder = Path(tempfile.mkdtemp(prefix="tongban-image-"))
    folder.chmod(0o755)
    made = build(DOCKERFILE, ROOT, folder)
    for path, owner in made.owned.items():
        if os.geteuid() == 0:
            os.chown(made.inside(path), *map(int, owner.split(":")))
    for top in ("app", "opt", "usr"):
        subprocess.run(["chmod", "-R", "a-w", made.root / top], check=True)
    yield made
    subprocess.run(["chmod", "-R", "u+w", folder], check=True)
    shutil.rmtree(folder)


def process(image: Stage, *arguments: str, **settings: str) -> tuple[list[str], dict[str, str]]:
    """Command and environment of a container with these arguments."""
    command = [image.mapped(word) for word in image.entrypoint] + list(arguments)
    if os.geteuid() == 0:
        user, _, group = image.user.partition(":")
        as_user = ["setpriv", f"--reuid={user}", f"--regid={group}", "--clear-groups", "--no-new-privs"]
        caps = [f"--{kind}={READ_ANYTHING}" for kind in ("inh-caps", "ambient-caps", "bounding-set")]
        command = [*as_user, *caps, *command]
    return command, image.told() | settings


def run(image: Stage, *arguments: str, **settings: str) -> subprocess.CompletedProcess[str]:
    command, environment = process(image, *arguments, **settings)
    return subprocess.run(
        command, env=environment, cwd=image.inside(image.workdir), capture_output=True, text=True, check=False
    )


def words(word: str) -> list[Step]:
    return [step for step in steps(DOCKERFILE) if step.word == word]


def test_both_stages_begin_with_one_slim_python_of_a_fixed_version() -> None:
    [version] = [step.text for step in words("ARG") if step.text.startswith("PYTHON=")]
    assert re.fullmatch(r"PYTHON=3\.\d+\.\d+-slim-\w+", version)
    assert [step.text.split(" AS ")[0] for step in words("FROM")] == ["python:${PYTHON}"] * 2


def test_dependencies_are_the_lock_by_hash_and_nothing_is_compiled() -> None:
    [install] = [step.text for step in words("RUN") if " install " in step.text and "pip" in step.text]
    assert "--require-hashes --only-binary :all: -r /build/runtime.txt" in install
    assert not [step for step in words("RUN") if re.search(r"apt|apk|gcc|curl|wget", step.text)]
    assert not words("ADD")


def test_it_is_nobody_in_particular_and_who_runs_it_asks_for_its_health(image: Stage) -> None:
    assert image.user == f"{UID}:{UID}"
    assert image.owned == {"/var/lib/tongban": image.user}
    assert image.entrypoint == ["/opt/venv/bin/python"]
    assert not words("HEALTHCHECK")
    assert image.labels["org.opencontainers.image.licenses"] == "Apache-2.0"


def test_only_what_runs_is_inside(image: Stage) -> None:
    inside = {path.name for path in image.inside("/app").iterdir()}
    assert {"services", "gateway", "portal", "catalogs", "pyproject.toml"} <= inside
    assert not inside & {"tests", "bench", "faults", "localservers", "deploy", "docs", "build", ".git", ".venv"}
    assert {path.name for path in image.inside("/app/requirements").iterdir() if path.is_file()} == {
        "runtime.txt",
        "link.py",
    }
    assert not [*image.inside("/app").rglob("*.sqlite"), *image.inside("/app").rglob("*.pem")]
    installed = {path.name.split("-")[0].lower() for path in image.inside(f"/opt/venv/{SITE}").glob("*.dist-info")}
    assert "flask" in installed
    assert not installed & {"pytest", "mypy", "pip", "ruff", "kubernetes_validate"}
    assert not image.inside("/opt/venv/bin/pip").exists()


def test_bytecode_goes_by_content(image: Stage) -> None:
    [compiled] = image.inside("/app/chassis/__pycache__").glob("keys.*.pyc")
    flags = int.from_bytes(compiled.read_bytes()[4:8], "little")
    assert flags == 0b01, "by hash, and not looked up at each start"


def test_every_program_has_all_that_it_imports(image: Stage) -> None:
    modules = [f"services.{name}.__main__" for name in SERVICES]
    modules += [
        "gateway.__main__",
        "gateway.bridge",
        "gateway.provision",
        "portal.__main__",
        "chassis.cli",
        "verify.checkpoint",
    ]
    done = run(image, "-c", f"import {', '.join(modules)}")
    assert done.returncode == 0, done.stderr


def test_the_operators_commands_are_there(image: Stage) -> None:
    shown = run(image, *image.command)
    assert shown.returncode == 0, shown.stderr
    assert "parked" in shown.stdout


def test_a_service_migrates_and_answers_and_writes_nowhere_else(image: Stage, tmp_path: Path) -> None:
    address = f"127.0.0.1:{free_port()}"
    database = f"sqlite:///{image.inside('/var/lib/tongban')}/audit.sqlite"
    settings = {"TONGBAN_DATABASE_URL": database, "TONGBAN_HTTP_ADDRESS": address, "TONGBAN_DRAIN_S": "0"}
    before = whole(image)
    unready = run(image, "-m", "services.audit", "--role", "migrate", "--check", **settings)
    assert unready.returncode == 1
    migrated = run(image, "-m", "services.audit", "--role", "migrate", **settings)
    assert migrated.returncode == 0, migrated.stderr
    assert run(image, "-m", "services.audit", "--role", "migrate", "--check", **settings).returncode == 0
    command, environment = process(image, "-m", "services.audit", "--role", "web", **settings)
    child = Child(command, tmp_path / "audit.log", environment=environment, folder=image.inside(image.workdir))
    try:
        child.wait_until(lambda: answers(f"http://{address}/health/live"), timeout_s=120)
        with Path(f"/proc/{child.pid}/status").open() as status:
            uid = next(line for line in status if line.startswith("Uid:")).split()[1]
        assert int(uid) == (UID if os.geteuid() == 0 else os.geteuid())
    finally:
        child.stop(signal.SIGTERM, timeout_s=30)
    assert whole(image) == before
    assert image.inside("/var/lib/tongban/audit/ledger-key.pem").stat().st_mode & 0o777 == 0o600


def whole(image: Stage) -> dict[str, int]:
    """Every file of the image's own folders with its size."""
    tops = [image.inside(path) for path in ("/app", "/opt", "/usr")]
    return {str(path): path.lstat().st_size for top in tops for path in top.rglob("*")}


def answers(url: str) -> bool:
    try:
        with urllib.request.urlopen(url, timeout=5) as answer:
            return bool(answer.status == 200)
    except OSError:
        return False
