"""Builds what a Dockerfile describes, without an engine: each stage is a folder, and its commands run on this machine.

Done as written: FROM, ARG, ENV, WORKDIR, COPY (with .dockerignore, --from and --chown), RUN, LABEL, USER, ENTRYPOINT, CMD.
Absolute paths that belong to the image are looked up below the stage's folder. Not as written: the base image is this machine's
Python and system, and ``pip install`` is answered by links to what the development environment has, provided that it is just
what the lock asks for; so only the locked distributions can be imported.
"""

from __future__ import annotations

import fnmatch
import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import PackageNotFoundError, distribution
from pathlib import Path

from packaging.requirements import Requirement

OWN_PATHS = re.compile(r"(?<![\w./-])/(app|build|opt|usr/local|var/lib/tongban)(?![\w-])")
PIP_INSTALL = re.compile(r"python -m pip --python (?P<python>\S+) install (?P<options>.*) -r (?P<lock>\S+)")
SITE = f"lib/python{sys.version_info.major}.{sys.version_info.minor}/site-packages"


@dataclass(frozen=True)
class Step:
    word: str
    text: str

    def options(self) -> tuple[dict[str, str], str]:
        """``--name=value`` at the front, and the rest."""
        found, rest = {}, self.text
        while option := re.match(r"--(\w+)=(\S+)\s+", rest):
            found[option[1]] = option[2]
            rest = rest[option.end() :]
        return found, rest


@dataclass
class Stage:
    """What has been built so far."""

    root: Path
    environment: dict[str, str] = field(default_factory=dict)
    arguments: dict[str, str] = field(default_factory=dict)
    labels: dict[str, str] = field(default_factory=dict)
    workdir: str = "/"
    user: str = "0"
    entrypoint: list[str] = field(default_factory=list)
    command: list[str] = field(default_factory=list)
    owned: dict[str, str] = field(default_factory=dict)

    def inside(self, path: str) -> Path:
        """Where a path of the image is on this machine."""
        whole = path if path.startswith("/") else f"{self.workdir.rstrip('/')}/{path}"
        return self.root / os.path.normpath(whole).lstrip("/")

    def mapped(self, text: str) -> str:
        """A text with the image's own paths as they are on this machine."""
        return OWN_PATHS.sub(lambda found: f"{self.root}/{found[1]}", text)

    def told(self) -> dict[str, str]:
        """The environment of a process in it."""
        return {name: self.mapped(value) for name, value in self.environment.items()} | {
            "TMPDIR": str(self.root / "tmp")
        }


def steps(file: Path) -> list[Step]:
    """Instructions in order; comments and continued lines are taken care of."""
    lines = [line for line in file.read_text(encoding="utf-8").splitlines() if not line.lstrip().startswith("#")]
    whole = re.sub(r"\\\n\s*", " ", "\n".join(lines))
    return [Step(*line.split(None, 1)) for line in whole.splitlines() if line.strip()]


def build(file: Path, context: Path, folder: Path) -> Stage:
    """Run every step; returns the last stage. Raises CalledProcessError or AssertionError."""
    globals_: dict[str, str] = {}
    stages: dict[str, Stage] = {}
    current: Stage | None = None
    for step in steps(file):
        if step.word == "ARG" and current is None:
            name, _, value = step.text.partition("=")
            globals_[name] = value
        elif step.word == "FROM":
            image, _, name = _expanded(step.text, globals_).partition(" AS ")
            current = _base(image, folder / (name or "last"))
            stages[name or "last"] = current
        else:
            assert current is not None
            _STEPS[step.word](current, step, context, stages)
    assert current is not None
    return current


def _base(image: str, root: Path) -> Stage:
    """The machine that this runs on, with its Python where the image has it."""
    assert image.startswith("python:"), image
    program = root / "usr/local/bin/python"
    program.parent.mkdir(parents=True)
    program.write_text(f'#!/bin/sh\nexec {getattr(sys, "_base_executable", sys.executable)} "$@"\n')
    program.chmod(0o755)
    (root / "tmp").mkdir()
    (root / "tmp").chmod(0o1777)
    return Stage(root, {"PATH": "/usr/local/bin:/usr/bin:/bin"})


def _arg(stage: Stage, step: Step, _context: Path, _stages: Mapping[str, Stage]) -> None:
    name, _, value = step.text.partition("=")
    stage.arguments[name] = value


def _env(stage: Stage, step: Step, _context: Path, _stages: Mapping[str, Stage]) -> None:
    before = stage.arguments | stage.environment
    for pair in shlex.split(step.text):
        name, _, value = pair.partition("=")
        stage.environment[name] = _expanded(value, before)


def _label(stage: Stage, step: Step, _context: Path, _stages: Mapping[str, Stage]) -> None:
    stage.labels |= dict(pair.split("=", 1) for pair in shlex.split(step.text))


def _workdir(stage: Stage, step: Step, _context: Path, _stages: Mapping[str, Stage]) -> None:
    stage.workdir = step.text
    stage.inside(step.text).mkdir(parents=True, exist_ok=True)


def _copy(stage: Stage, step: Step, context: Path, stages: Mapping[str, Stage]) -> None:
    options, rest = step.options()
    source, target = rest.split()
    into = stage.inside(target)
    if "from" in options:
        shutil.copytree(stages[options["from"]].inside(source), into, symlinks=True, dirs_exist_ok=True)
        for file in (*into.glob("bin/*"), *into.glob(f"{SITE}/*.pth"), *into.glob("pyvenv.cfg")):
            if (
                file.is_file()
                and not file.is_symlink()
                and str(stages[options["from"]].root) in (text := file.read_text())
            ):
                file.write_text(text.replace(str(stages[options["from"]].root), str(stage.root)))
    else:
        for path in _context_files(context, source):
            destination = into / path.relative_to(context) if source == "." else into
            destination.parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(path, destination)
    if "chown" in options:
        stage.owned[target] = options["chown"]


def _run(stage: Stage, step: Step, _context: Path, _stages: Mapping[str, Stage]) -> None:
    if found := PIP_INSTALL.fullmatch(step.text):
        _link_locked(stage.inside(found["lock"]), stage.inside(found["python"]).parent.parent)
        return
    command = ["sh", "-ec", stage.mapped(step.text)]
    environment = stage.told() | stage.arguments
    subprocess.run(command, cwd=stage.inside(stage.workdir), env=environment, check=True)


def _user(stage: Stage, step: Step, _context: Path, _stages: Mapping[str, Stage]) -> None:
    stage.user = step.text


def _entrypoint(stage: Stage, step: Step, _context: Path, _stages: Mapping[str, Stage]) -> None:
    stage.entrypoint = json.loads(step.text)


def _cmd(stage: Stage, step: Step, _context: Path, _stages: Mapping[str, Stage]) -> None:
    stage.command = json.loads(step.text)


_STEPS = {
    "ARG": _arg, "ENV": _env, "LABEL": _label, "WORKDIR": _workdir, "COPY": _copy, "RUN": _run, "USER": _user,
    "ENTRYPOINT": _entrypoint, "CMD": _cmd,
}  # fmt: skip


def _expanded(text: str, values: Mapping[str, str]) -> str:
    return re.sub(r"\$(?:{(\w+)}|(\w+))", lambda found: values[found[1] or found[2]], text)


def _context_files(context: Path, source: str) -> Iterator[Path]:
    """Files below ``source`` that .dockerignore lets in. The last pattern that fits decides."""
    lines = (context / ".dockerignore").read_text().splitlines()
    patterns = [line.strip() for line in lines if line.strip() and not line.startswith("#")]
    if (context / source).is_file():
        assert _let_in(Path(source), patterns), f"COPY {source}: .dockerignore keeps it out"
        yield context / source
    for folder, folders, files in os.walk(context / source):
        here = Path(folder).relative_to(context)
        folders[:] = [name for name in folders if _may_hold(here / name, patterns)]
        for name in files:
            if _let_in(here / name, patterns):
                yield context / here / name


def _may_hold(folder: Path, patterns: list[str]) -> bool:
    named = [pattern[1:] for pattern in patterns if pattern.startswith("!")]
    return _let_in(folder, patterns) or any(name.startswith(f"{folder.as_posix()}/") for name in named)


def _let_in(path: Path, patterns: list[str]) -> bool:
    inside = True
    for pattern in patterns:
        if _fits(path, pattern.removeprefix("!")):
            inside = pattern.startswith("!")
    return inside


def _fits(path: Path, pattern: str) -> bool:
    """Docker's way: a pattern fits a path or any folder above it; ``**/`` is any depth."""
    if pattern.startswith("**/"):
        return any(fnmatch.fnmatch(part, pattern[3:]) for part in path.parts)
    parts = pattern.split("/")
    return len(path.parts) >= len(parts) and all(map(fnmatch.fnmatch, path.parts, parts))


def _link_locked(lock: Path, venv: Path) -> None:
    for line in re.sub(r" \\\n[^\n]*", "", lock.read_text()).splitlines():
        if not line or line.lstrip().startswith(("#", "--hash")):
            continue
        wanted = Requirement(line)
        if wanted.marker is not None and not wanted.marker.evaluate():
            continue
        try:
            found = distribution(wanted.name)
        except PackageNotFoundError:
            raise AssertionError(f"the development environment lacks {wanted}: its lock has changed") from None
        assert found.version in wanted.specifier, f"{wanted.name} {found.version}: the lock has changed, run make"
        for top in {file.parts[0] for file in found.files or () if file.parts[0] not in ("..", "__pycache__")}:
            link = venv / SITE / top
            if not link.exists():
                link.symlink_to(Path(str(found.locate_file(top))))
