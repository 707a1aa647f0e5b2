"""Make the checkout importable in ``.venv`` and its console scripts runnable, without building or downloading anything.

A ``.pth`` file and one small script per entry of ``[project.scripts]`` do what an editable install would do, but need no
build backend in the lock.
"""

from __future__ import annotations

import sys
import sysconfig
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
SCRIPT = "#!{python}\nimport sys\n\nfrom {module} import {function}\n\nsys.exit({function}())\n"


def main() -> None:
    """Write ``tongban.pth`` and ``.venv/bin/<script>``."""
    paths = sysconfig.get_paths()
    Path(paths["purelib"], "tongban.pth").write_text(f"{ROOT}\n")
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    for name, target in project["scripts"].items():
        module, _, function = target.partition(":")
        script = Path(paths["scripts"], name)
        script.write_text(SCRIPT.format(python=sys.executable, module=module, function=function))
        script.chmod(0o755)


if __name__ == "__main__":
    main()
