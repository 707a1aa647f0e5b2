"""The embedded platform killed -9 where it hurts most, while cases run: nothing lost, nothing doubled.

`make failpoints` does it at every failpoint.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from faults.databases import SqliteDatabases
from faults.failpoints import Row, kill_at
from faults.rig import Rig, background, embedded_rig
from tests.faults.restoring import (
    copied,
    grown_from,
    move_world,
    newest_checkpoint,
    require_all,
    require_licences,
    surviving,
    tongban,
)

FAILPOINTS = (
    "transaction.after_commit",
    "relay.before_mark",
    "consumer.inside",
    "ledger.append",
)


@pytest.mark.parametrize("failpoint", FAILPOINTS)
def test_platform_killed_at_a_failpoint_loses_and_doubles_nothing(embedded: Rig, failpoint: str) -> None:
    row = Row("embedded", failpoint)
    kill_at(embedded, row, 2)
    assert row.runs == 1, "the failpoint was never reached: the test would prove nothing"
    assert row.violations == []


def test_a_backup_made_under_load_goes_on_elsewhere(embedded: Rig, tmp_path: Path) -> None:
    """Cases are in the middle of examination, others are handed in while the backup is made; the copy finishes them."""
    here, there = embedded.databases, SqliteDatabases(tmp_path / "data")
    folder, keys = tmp_path / "backup", tmp_path / "elsewhere" / "keys.tar"
    source = {"TONGBAN_DATA_DIR": str(embedded.clock_file.parent / "data")}
    target = {"TONGBAN_DATA_DIR": str(tmp_path / "data")}
    with embedded.silence():
        embedded.play()
        before, checkpoint = copied(embedded.promises), newest_checkpoint(here)
        with background(lambda: embedded.play(2)):
            tongban(source, "backup", "--to", folder, "--keys-to", keys)
        waiting = here.read("workflow", "SELECT count(*) FROM tasks WHERE state = 'open'")[0][0]
        assert waiting, "no case is in the middle of examination: the test would prove nothing"
    assert not {path.name for path in folder.rglob("*")} & {"data.key", "ledger-key.pem", "holders.key"}
    assert keys.stat().st_mode & 0o077 == 0
    checked = tongban({}, "verify-backup", "--from", folder, "--keys", keys)
    assert "tongban/ledger" in checked
    tongban(source, "restore", "--from", folder, "--keys", keys, fails="不是空的")
    tongban(target, "restore", "--from", folder, "--keys", keys)
    promises = surviving(there, embedded.promises)
    require_all(before, promises)
    move_world(embedded.clock_file.parent, tmp_path, promises.cases)
    with embedded_rig(tmp_path, promises=promises) as rig:
        assert rig.verdict() == []
        rig.submit(2)
        assert rig.verdict() == []
        assert grown_from(there, *checkpoint)
        assert not grown_from(there, *newest_checkpoint(here)), "what came after the backup is missing, and that shows"
        assert require_licences(there, tmp_path / "data") == len(rig.promises.cases)
