"""``python -m faults trial``: one small fault on a platform of its own, and what the judge says, as JSON.

Exit status 0: everything held; 1: something did not; 3: the failpoint was never reached, so nothing was proven.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
from contextlib import ExitStack
from dataclasses import asdict
from pathlib import Path

import click

from chassis import log
from faults.failpoints import Row, kill_at, servers
from faults.rig import BadStart, embedded_rig

PATIENCE_S = 25.0
NOT_REACHED = 3


@click.command("trial")
@click.argument("mode", type=click.Choice(["embedded", "servers"]))
@click.option("--kill", metavar="PROGRAM=FAILPOINT:NTH", help="kill -9 this process there / 在该处终止该进程")
@click.option("--poison", is_flag=True, help="plant events that must be parked / 植入须滞留的事件")
def main(mode: str, kill: str | None, poison: bool) -> None:
    """一次小型故障试验 / one small fault."""
    log.configure("faults", "ERROR")
    os.environ["TONGBAN_RETRY_LIMIT"] = "4"  # parked after a second instead of minutes
    reached, found = True, []
    with ExitStack() as cleanup:
        folder = Path(cleanup.enter_context(tempfile.TemporaryDirectory(prefix=f"tongban-trial-{mode}-")))
        folder.chmod(0o755)
        try:
            rig = cleanup.enter_context(embedded_rig(folder) if mode == "embedded" else servers(folder))
            rig.patience_s = PATIENCE_S
            if poison:
                rig.plant_poison()
            if kill:
                row = _armed(kill)
                kill_at(rig, row, int(kill.rpartition(":")[2]))
                reached, found = row.runs > 0, row.violations
            else:
                rig.play()
                found = rig.verdict()
        except BadStart as start:
            found = start.violations
    print(
        json.dumps({"reached": reached, "violations": [asdict(violation) for violation in found]}, ensure_ascii=False)
    )
    sys.exit(1 if found else 0 if reached else NOT_REACHED)


def _armed(kill: str) -> Row:
    program, _, spec = kill.partition("=")
    return Row(program, spec.rpartition(":")[0])
