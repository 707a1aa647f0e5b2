"""The ledger before its witness: what grows is cosigned; who rewrites it, even with the log's own key, is found out."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from werkzeug.serving import BaseWSGIServer, make_server

from chassis import clock
from services.audit import jobs
from services.audit.adapters.ledger_key import KEY
from services.audit.adapters.metrics import WITNESS_AGE, WITNESS_REFUSALS
from services.audit.adapters.witness import WITNESSES, WitnessKeyInvalid
from services.audit.models import cosignatures, db
from services.audit.service import SERVICE
from tests.support import Tokens, bind, deliver, envelope_bytes, make_app, make_runtime
from verify.checkpoint import cosigned_at, open_checkpoint
from witness.app import create_app
from witness.signer import Signer


class Witnessed:
    """A ledger and its witness, which serves over HTTP."""

    def __init__(self, folder: Path, tokens: Tokens) -> None:
        self.folder, self._tokens = folder, tokens
        self.vkey = Signer("witness.example", folder / "witness/key.pem").vkey
        self.server: BaseWSGIServer = make_server("127.0.0.1", 0, lambda *_: [], threaded=True)
        self.client = self.open(folder)
        self.server.app = create_app("witness.example", folder / "witness", {KEY.origin: KEY.vkey})
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def open(self, folder: Path, **settings: Any) -> FlaskClient:
        """The ledger in ``folder`` under the one key."""
        folder.mkdir(exist_ok=True)
        bind(SERVICE, folder)
        given = {"witness_url": f"http://127.0.0.1:{self.server.port}", "witness_key": self.vkey} | settings
        return make_app(SERVICE, make_runtime(SERVICE, self.folder, self._tokens, **given)).test_client()

    def grow(self, say: Any, numbers: range) -> None:
        for number in numbers:
            case = say.whole_case(f"{say.CASE[:-2]}{number:02}")
            deliver(SERVICE, "audit.ledger", *(envelope_bytes(e, source=s, caseseq=n) for e, s, n in case))
        jobs.sign()

    def cosigned(self) -> str:
        jobs.cosign()
        return self.client.get("/api/v1/ledger/cosigned-checkpoint").text

    def size(self) -> int:
        return open_checkpoint(self.cosigned(), KEY.vkey)[0]


@pytest.fixture
def witnessed(tmp_path: Path, tokens: Tokens) -> Iterator[Witnessed]:
    made = Witnessed(tmp_path, tokens)
    yield made
    made.server.shutdown()
    made.server.server_close()
    WITNESSES.clear()


def away(_: Any, start_response: Any) -> list[bytes]:
    start_response("503 Away", [])
    return []


def refusals(reason: str) -> float:
    return float(WITNESS_REFUSALS.labels(reason)._value.get())


def cosigned_size() -> int:
    with db.read() as connection:
        return int(connection.execute(sa.select(cosignatures.c.size)).scalar_one())


def test_what_grows_is_cosigned_and_anyone_can_check_it(witnessed: Witnessed, say: Any, tmp_path: Path) -> None:
    jobs.cosign()
    assert witnessed.client.get("/api/v1/ledger/cosigned-checkpoint").status_code == 404  # nothing is signed yet
    witnessed.grow(say, range(1))
    first = witnessed.cosigned()
    witnessed.grow(say, range(1, 4))
    assert witnessed.size() == 36
    assert cosigned_at(witnessed.cosigned(), witnessed.vkey) <= datetime.now(UTC)

    newer = witnessed.client.get("/api/v1/ledger/cosigned-checkpoint").text
    proof = witnessed.client.get("/api/v1/ledger/consistency?from=9&to=36").get_json()
    for name, content in (("older.txt", first), ("newer.txt", newer), ("proof.json", json.dumps(proof))):
        (tmp_path / name).write_text(content)
    command = [
        sys.executable, "-m", "verify.checkpoint", str(tmp_path / "newer.txt"), "--key", KEY.vkey,
        "--witness", witnessed.vkey, "--kept", str(tmp_path / "older.txt"), "--proof", str(tmp_path / "proof.json"),
    ]  # fmt: skip
    checked = subprocess.run(command, capture_output=True, text=True, check=True)
    assert json.loads(checked.stdout) | {"cosigned_at": ""} == {
        "ok": True, "tree_size": 36, "cosigned_at": "", "grown_from": 9,
    }  # fmt: skip
    (tmp_path / "proof.json").write_text(json.dumps({"proof": proof["proof"][::-1]}))
    assert subprocess.run(command, capture_output=True, check=False).returncode == 1


def test_a_ledger_rewritten_with_its_own_key_is_refused(witnessed: Witnessed, say: Any, tmp_path: Path) -> None:
    witnessed.grow(say, range(2))
    assert witnessed.size() == 18
    before = refusals("inconsistent")
    witnessed.open(tmp_path / "rewritten")
    witnessed.grow(say, range(5, 9))
    jobs.cosign()
    assert refusals("inconsistent") == before + 1
    with db.read() as connection:
        assert connection.execute(sa.select(cosignatures)).fetchall() == []


def test_an_older_ledger_brought_back_is_refused(witnessed: Witnessed, say: Any, tmp_path: Path) -> None:
    witnessed.grow(say, range(1))
    witnessed.cosigned()
    db.engine.dispose()
    (tmp_path / "restored").mkdir()
    shutil.copy(tmp_path / "audit.sqlite", tmp_path / "restored")
    witnessed.open(tmp_path)
    witnessed.grow(say, range(1, 3))
    assert witnessed.size() == 27

    before = refusals("behind")
    witnessed.open(tmp_path / "restored")
    witnessed.grow(say, range(7, 8))
    jobs.cosign()
    assert refusals("behind") == before + 1
    assert cosigned_size() == 9


def test_an_answer_that_was_lost_is_asked_for_again(witnessed: Witnessed, say: Any) -> None:
    witnessed.grow(say, range(1))
    witnessed.cosigned()
    with db.transaction() as tx:
        tx.execute(sa.delete(cosignatures))
    witnessed.grow(say, range(1, 2))
    assert witnessed.size() == 18


def test_a_ledger_that_stands_still_is_cosigned_anew_each_minute(
    witnessed: Witnessed, say: Any, set_clock: Callable[[datetime], None]
) -> None:
    set_clock(datetime.now(UTC))
    witnessed.grow(say, range(1))
    first = witnessed.cosigned()
    assert witnessed.cosigned() == first
    asked = []
    app = witnessed.server.app
    witnessed.server.app = lambda *request: asked.append(1) or app(*request)  # type: ignore[func-returns-value]
    set_clock(clock.now() + timedelta(seconds=61))
    witnessed.cosigned()
    assert asked == [1]


def test_while_the_witness_is_away_the_ledger_goes_on_and_the_age_says_so(
    witnessed: Witnessed, say: Any, set_clock: Callable[[datetime], None]
) -> None:
    set_clock(datetime.now(UTC))
    app = witnessed.server.app
    witnessed.server.app = away
    witnessed.grow(say, range(1))
    set_clock(clock.now() + timedelta(hours=1))
    jobs.cosign()
    assert WITNESS_AGE.labels("witness.example")._value.get() >= 3600
    assert witnessed.client.get("/api/v1/ledger/checkpoint").status_code == 200
    witnessed.server.app = app
    assert witnessed.size() == 9


def test_a_stranger_that_answers_in_the_witnesss_place_is_not_believed(
    witnessed: Witnessed, say: Any, tmp_path: Path
) -> None:
    witnessed.server.app = create_app("witness.example", tmp_path / "stranger", {KEY.origin: KEY.vkey})
    witnessed.grow(say, range(1))
    jobs.cosign()
    assert witnessed.client.get("/api/v1/ledger/cosigned-checkpoint").status_code == 404


@pytest.mark.parametrize("spoil", [lambda _: "", lambda key: key[:-4] + "AAA=", lambda _: KEY.vkey])
def test_what_is_no_key_of_a_witness_is_said_at_the_start(
    witnessed: Witnessed, tmp_path: Path, spoil: Callable[[str], str]
) -> None:
    with pytest.raises(WitnessKeyInvalid):
        witnessed.open(tmp_path / "other", witness_key=spoil(witnessed.vkey))
