"""``make mutants``: planted bugs, each of which a small fault must bring to light. A campaign that cannot fail proves nothing.

Each bug is planted in a copy of the project under ``build/mutants``, and the trial named with it is run there; the same
trials are run on the project as it is, where nothing may be found.
"""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

import click

from evidence.record import write_evidence
from faults.planted import MUTANTS, Mutant, Trial

FOLDER = Path("build/mutants")
NOT_COPIED = shutil.ignore_patterns(".git", ".venv", "build", "dist", "__pycache__", ".*_cache", ".hypothesis")
TRIAL_TIMEOUT_S = 300.0


def plant(mutant: Mutant) -> Path:
    """A copy of the project with the bug in it. Raises ValueError when a text is not there exactly once."""
    folder = FOLDER / "tree"
    shutil.rmtree(folder, ignore_errors=True)
    shutil.copytree(".", folder, ignore=NOT_COPIED)
    for name, old, new in mutant.edits:
        text = (folder / name).read_text(encoding="utf-8")
        if text.count(old) != 1:
            raise ValueError(f"{mutant.name}: {name} has this {text.count(old)} times: {old!r}")
        (folder / name).write_text(text.replace(old, new), encoding="utf-8")
    return folder


def attempt(trial: Trial, folder: Path, log: Path) -> tuple[int, Counter[str]]:
    """Exit status of a trial run in ``folder``, and what it found: violations by invariant and kind."""
    command = [sys.executable, "-m", "faults", "trial", *trial]
    with log.open("w") as errors:
        done = subprocess.run(
            command, cwd=folder, stdout=subprocess.PIPE, stderr=errors, text=True, timeout=TRIAL_TIMEOUT_S, check=False
        )
    try:
        said = json.loads(done.stdout.splitlines()[-1])
    except (IndexError, json.JSONDecodeError):
        return done.returncode or 1, Counter({f"no verdict, see {log}": 1})
    return done.returncode, Counter(f"{found['invariant']} {found['kind']}" for found in said["violations"])


@click.command("mutants")
@click.option("--only", default="", help="names that contain this / 仅含此文字者")
def main(only: str) -> None:
    """植入缺陷，演练须发现 / planted bugs that the campaigns must find."""
    FOLDER.mkdir(parents=True, exist_ok=True)
    begun, chosen = time.monotonic(), [mutant for mutant in MUTANTS if only in mutant.name]
    missed, false_alarms = [], []
    for trial in dict.fromkeys(mutant.trial for mutant in chosen):
        status, found = attempt(trial, Path(), FOLDER / "control.log")
        print(f"{'通过 / clean' if status == 0 else '误报 / ALARM':<14}{' '.join(trial)}  {_told(found)}", flush=True)
        if status != 0:
            false_alarms.append(" ".join(trial))
    print()
    for number, mutant in enumerate(chosen):
        status, found = attempt(mutant.trial, plant(mutant), FOLDER / f"mutant-{number}.log")
        caught = status == 1 and any(name[0] == "I" for name in found)
        print(f"{'发现 / caught' if caught else '漏过 / MISSED':<14}{mutant.name}  {_told(found)}", flush=True)
        if not caught:
            missed.append(mutant.name)
    shutil.rmtree(FOLDER / "tree", ignore_errors=True)
    figures = {
        "mutants": float(len(chosen)),
        "caught": float(len(chosen) - len(missed)),
        "false_alarms": float(len(false_alarms)),
        "seconds": round(time.monotonic() - begun, 0),
    }
    goals = {
        "at_least_ten": (">= 10", len(chosen) >= 10),
        "every_bug_is_caught": ("every planted bug is caught by an invariant", not missed),
        "no_false_alarm": ("the project as it is passes the same trials", not false_alarms),
    }
    sys.exit(0 if write_evidence("mutants", figures, goals) else 1)


def _told(found: Counter[str]) -> str:
    return ", ".join(f"{name} ×{n}" for name, n in sorted(found.items()))
