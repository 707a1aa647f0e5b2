"""``python -m faults failpoints|chaos|rolling|mutants|clocks``: the campaigns."""

from __future__ import annotations

import click

from faults import chaos, clocks, failpoints, mutants, rolling, trial


@click.group()
def main() -> None:
    """故障演练 / fault campaigns."""


for part in (failpoints.main, chaos.main, rolling.main, mutants.main, trial.main, clocks.main):
    main.add_command(part)

if __name__ == "__main__":
    main()
