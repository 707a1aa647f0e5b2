"""``python -m bench``: every measurement, one after the other; ``python -m bench <part>``: one of them."""

from __future__ import annotations

import subprocess
import sys

import click

from bench import case, gateway, growth, ledger, licence, lists, parallel, search, w4

PARTS = (w4.main, case.main, licence.main, ledger.main, gateway.main, parallel.main, search.main, growth.main)


@click.group(invoke_without_command=True)
@click.pass_context
def main(context: click.Context) -> None:
    """性能测量，每一部分各为一个进程 / measure, each part in a process of its own."""
    if context.invoked_subcommand is not None:
        return
    missed = []
    for part in PARTS:
        print(f"\n== {part.name} ==", flush=True)
        if subprocess.run([sys.executable, "-m", "bench", str(part.name)], check=False).returncode:
            missed.append(str(part.name))
    if missed:
        print(f"\n有未达到的目标或失败的部分 / missed or failed: {', '.join(missed)}")
    sys.exit(1 if missed else 0)


for _part in (*PARTS, lists.main):  # a million cases take minutes to make: only when asked for
    main.add_command(_part)

if __name__ == "__main__":
    main()
