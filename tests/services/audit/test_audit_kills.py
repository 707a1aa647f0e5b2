"""kill -9 in the middle of appending, signing and judging: nothing lost, nothing doubled."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from contracts.supervision import CardRaised
from services.audit import jobs, models
from services.audit.adapters.ledger_key import KEY
from services.audit.service import SERVICE
from tests.support import deliver, envelope_bytes, told
from verify.ledger import open_note

PROGRAM = """
import sys
from pathlib import Path
from services.audit import jobs
from services.audit.service import SERVICE
from services.audit.adapters.ledger_key import KEY
from tests.support import deliver
folder, action = Path(sys.argv[1]), sys.argv[2]
SERVICE.database.bind(f"sqlite:///{folder}/audit.sqlite")
KEY.load(folder / "audit" / "ledger-key.pem", "tongban/ledger")
if action == "append":
    deliver(SERVICE, "audit.ledger", *(folder / "bodies").read_bytes().splitlines())
else:
    getattr(jobs, action)()
"""


def die(folder: Path, action: str, failpoint: str) -> None:
    """Do ``action`` in a process of its own that dies at ``failpoint``."""
    dead = subprocess.run(
        [sys.executable, "-c", PROGRAM, str(folder), action],
        env=os.environ | {"TONGBAN_FAILPOINT": f"{failpoint}:1:kill"},
        cwd=Path(__file__).parents[3],
        check=False,
        capture_output=True,
    )
    assert dead.returncode == -signal.SIGKILL, dead.stderr.decode()


def seqs() -> list[int]:
    with models.db.read() as connection:
        return list(connection.execute(sa.select(models.entries.c.seq).order_by(models.entries.c.seq)).scalars())


@pytest.mark.parametrize(
    ("failpoint", "kept"),
    [("ledger.append", 0), ("transaction.after_domain_write", 0), ("transaction.after_commit", 9)],
)
def test_a_batch_is_appended_whole_or_not_at_all(
    failpoint: str, kept: int, client: Any, tmp_path: Path, say: Any
) -> None:
    bodies = [envelope_bytes(event, source=source, caseseq=n) for event, source, n in say.whole_case()]
    (tmp_path / "bodies").write_bytes(b"\n".join(bodies))
    die(tmp_path, "append", failpoint)
    assert seqs() == list(range(kept))
    deliver(SERVICE, "audit.ledger", *bodies)  # the bus delivers again what was not acknowledged
    assert seqs() == list(range(9))
    jobs.sign()


@pytest.mark.parametrize("failpoint", ["ledger.sign", "transaction.after_commit"])
def test_a_checkpoint_is_signed_once_it_is_committed(failpoint: str, client: Any, tmp_path: Path, say: Any) -> None:
    deliver(SERVICE, "audit.ledger", *[envelope_bytes(e, source=s, caseseq=n) for e, s, n in say.whole_case()])
    die(tmp_path, "sign", failpoint)
    jobs.sign()
    note = client.get("/api/v1/ledger/checkpoint").text
    assert open_note(note, KEY.vkey)[:2] == ["tongban/ledger", "9"]


@pytest.mark.parametrize(
    "failpoint", ["job.after_claim", "transaction.after_outbox_insert", "transaction.after_commit"]
)
def test_a_card_is_raised_once_across_a_kill(
    failpoint: str, client: Any, database: Any, tmp_path: Path, say: Any
) -> None:
    task = f"{say.CASE}-police-1"
    deliver(SERVICE, "audit.supervision", envelope_bytes(say.assigned(task, date(2020, 1, 8)), source="workflow"))
    die(tmp_path, "judge", failpoint)
    jobs.judge()
    jobs.judge()
    assert [(card.level, card.task_id) for card in told(database, CardRaised)] == [("yellow", task), ("red", task)]
