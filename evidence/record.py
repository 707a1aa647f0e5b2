"""What a run showed, as one JSON file: ``build/evidence/<target>.json``."""

from __future__ import annotations

import json
import os
import platform
import subprocess
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path

FOLDER = Path("build/evidence")


def write_evidence(target: str, figures: Mapping[str, float], goals: Mapping[str, tuple[str, bool]]) -> bool:
    """Write figures and goals (name -> (goal in words, met)); returns True if every goal is met."""
    passed = all(met for _, met in goals.values())
    content = {
        "target": target,
        "commit": _commit(),
        "date": datetime.now(UTC).isoformat(timespec="seconds"),
        "machine": {"cores": os.cpu_count(), "system": platform.platform(), "python": platform.python_version()},
        "figures": dict(figures),
        "goals": {name: {"goal": goal, "met": met} for name, (goal, met) in goals.items()},
        "pass": passed,
    }
    FOLDER.mkdir(parents=True, exist_ok=True)
    text = json.dumps(content, ensure_ascii=False, indent=2) + "\n"
    (FOLDER / f"{target}.json").write_text(text, encoding="utf-8")
    return passed


def _commit() -> str:
    """The commit that ran, with ``+`` when the tree differs from it; ``unknown`` outside a checkout."""
    try:
        head = subprocess.run(["git", "rev-parse", "HEAD"], capture_output=True, text=True, check=True).stdout.strip()
        changed = subprocess.run(["git", "status", "--porcelain"], capture_output=True, text=True, check=True).stdout
    except (OSError, subprocess.CalledProcessError):
        return "unknown"
    return head + ("+" if changed.strip() else "")
