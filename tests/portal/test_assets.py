"""Files of others: exactly those that the list says, and the wheel brings all that the pages need."""

from __future__ import annotations

import hashlib
import subprocess
import sys
import zipfile
from pathlib import Path

SOURCES = Path("portal/static/vendor/SOURCES.txt")
FOLDERS = (SOURCES.parent, Path("tests/portal/vendor"))


def test_vendored_files_are_those_of_the_list_and_each_has_its_licence() -> None:
    lines = [line.split() for line in SOURCES.read_text().splitlines() if not line.startswith("#")]
    listed = {file: digest for digest, file, *_ in lines}
    here = {str(file) for folder in FOLDERS for file in folder.iterdir()} - {str(SOURCES)}
    assert listed == {file: hashlib.sha256(Path(file).read_bytes()).hexdigest() for file in here}
    packages = {package for _, _, package, *_ in lines}
    assert packages == {package for _, file, package, *_ in lines if "LICENSE" in file}


def test_the_wheel_brings_pages_texts_and_files(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "build", "--wheel", "--no-isolation", "--outdir", str(tmp_path)]
    subprocess.run(command, check=True, capture_output=True)
    [built] = tmp_path.glob("*.whl")
    with zipfile.ZipFile(built) as archive:
        brought = {name for name in archive.namelist() if name.startswith("portal/")}
    needed = {str(file) for file in Path("portal").rglob("*") if file.is_file() and "__pycache__" not in file.parts}
    assert brought == needed
    assert {Path(name).suffix for name in needed} >= {".html", ".css", ".js", ".po", ".svg"}
