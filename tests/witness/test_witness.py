"""The witness: what it cosigns, what it refuses, and that it never forgets."""

from __future__ import annotations

import base64
import subprocess
import sys
import threading
from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path

import pytest
import urllib3
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from flask.testing import FlaskClient

from localservers.ports import free_port
from localservers.processes import READY_PATH, Processes, Program
from services.audit.domain.merkle import Edge, consistency_spans, fold, leaf_hash
from verify.checkpoint import cosigned_at
from verify.ledger import Unproven
from witness.app import create_app

ORIGIN = "log.example/ledger"


class Log:
    """A log of our own, grown leaf by leaf; ``word`` makes its entries others than those of another log."""

    def __init__(self, word: str = "", *, key: Ed25519PrivateKey | None = None) -> None:
        self.key = key or Ed25519PrivateKey.generate()
        self._word = word

    @property
    def vkey(self) -> str:
        return f"{ORIGIN}+{self._key_hash().hex()}+{base64.b64encode(self._public()).decode()}"

    def note(self, size: int, origin: str = ORIGIN) -> str:
        root = base64.b64encode(self._edge(0, size).root()).decode()
        text = f"{origin}\n{size}\n{root}\n"
        signature = base64.b64encode(self._key_hash() + self.key.sign(text.encode())).decode()
        return f"{text}\n— {ORIGIN} {signature}\n"

    def request(self, old: int, new: int) -> bytes:
        spans = consistency_spans(old, new) if old else []
        proof = [base64.b64encode(self._edge(*span).root()).decode() for span in spans]
        return "\n".join([f"old {old}", *proof, "", self.note(new)]).encode()

    def _edge(self, start: int, end: int) -> Edge:
        edge = Edge(0, [])
        for n in range(start, end):
            edge.append(leaf_hash(f"{self._word}{n}".encode()))
        return edge

    def _public(self) -> bytes:
        return b"\x01" + self.key.public_key().public_bytes_raw()

    def _key_hash(self) -> bytes:
        return sha256(ORIGIN.encode() + b"\n" + self._public()).digest()[:4]


@pytest.fixture
def log() -> Log:
    return Log()


@pytest.fixture
def witness(tmp_path: Path, log: Log) -> FlaskClient:
    return create_app("witness.example/w1", tmp_path, {ORIGIN: log.vkey}).test_client()


def ask(witness: FlaskClient, body: bytes) -> tuple[int, str]:
    answer = witness.post("/add-checkpoint", data=body)
    return answer.status_code, answer.text


def test_the_log_of_these_tests_is_built_as_the_standard_has_it() -> None:
    assert fold([]) == sha256(b"").digest()
    assert base64.b64decode(Log().note(1).split("\n")[2]) == sha256(b"\x00" + b"0").digest()


def test_a_log_that_grows_is_cosigned_and_the_cosignature_verifies(witness: FlaskClient, log: Log) -> None:
    for old, new in ((0, 1), (1, 5), (5, 5), (5, 8), (8, 13)):
        status, line = ask(witness, log.request(old, new))
        assert status == 200
        cosigned_at(log.note(new) + line, witness.get("/key").text)
        with pytest.raises(Unproven):
            cosigned_at(log.note(new + 1) + line, witness.get("/key").text)


@pytest.mark.parametrize("forget", [0, 7])
def test_a_rewritten_log_is_refused_though_its_key_signed(witness: FlaskClient, log: Log, forget: int) -> None:
    ask(witness, log.request(0, 8))
    forged = Log("other", key=log.key)
    assert ask(witness, forged.request(8, 13))[0] == 422
    assert ask(witness, forged.request(8, 8)) == (409, "8\n")
    assert ask(witness, log.request(forget, 13)) == (409, "8\n")
    assert ask(witness, log.request(8, 13))[0] == 200


def test_what_is_shorter_than_what_was_cosigned_is_refused(witness: FlaskClient, log: Log) -> None:
    ask(witness, log.request(0, 8))
    assert ask(witness, log.request(3, 5)) == (409, "8\n")
    assert ask(witness, log.request(8, 9))[0] == 200


def test_strangers_are_refused(witness: FlaskClient, log: Log) -> None:
    assert ask(witness, Log().request(0, 3))[0] == 403
    assert ask(witness, log.note(3, "other.example").join(["old 0\n\n", ""]).encode())[0] == 404
    assert ask(witness, log.request(0, 3).replace(b"\n3\n", b"\n4\n"))[0] == 403
    assert ask(witness, log.request(0, 3))[0] == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda body: b"",
        lambda body: b"\xff" + body,
        lambda body: body.replace(b"old 2", b"old 02"),
        lambda body: body.replace(b"old 2", b"old -2"),
        lambda body: body.replace(b"old 2", b"new 2"),
        lambda body: body.replace(b"old 2", b"old 9"),
        lambda body: body.replace(b"old 2\n", b"old 2\n" + b"AAAA\n" * 64),
        lambda body: body.replace(b"old 2\n", b"old 2\n\xe2\x80\x94\n"),
        lambda body: body.replace(b"\n8\n", b"\n\n"),
    ],
)
def test_what_is_not_as_the_protocol_has_it_is_refused_and_nothing_changes(
    witness: FlaskClient, log: Log, change: object
) -> None:
    ask(witness, log.request(0, 2))
    assert callable(change)
    assert ask(witness, change(log.request(2, 8)))[0] == 400
    assert ask(witness, log.request(2, 8))[0] == 200


def test_many_at_once_never_roll_it_back(witness: FlaskClient, log: Log) -> None:
    ask(witness, log.request(0, 4))
    found: list[int] = []
    askers = [
        threading.Thread(target=lambda n=n: found.append(ask(witness, log.request(4, n))[0])) for n in range(5, 13)
    ]
    for asker in askers:
        asker.start()
    for asker in askers:
        asker.join()
    assert sorted(found) == [200, *[409] * 7]


@pytest.fixture
def processes(tmp_path: Path) -> Iterator[Processes]:
    started = Processes(tmp_path / "logs")
    yield started
    started.stop()


def test_as_a_process_it_remembers_over_a_kill(tmp_path: Path, log: Log, processes: Processes) -> None:
    address = f"127.0.0.1:{free_port()}"
    options = ("--address", address, "--folder", str(tmp_path / "witness"), "--log", log.vkey)
    processes.start(Program("witness", "witness", options, {}, f"http://{address}{READY_PATH}"))
    processes.wait_ready("witness")
    url = f"http://{address}/add-checkpoint"
    assert urllib3.request("POST", url, body=log.request(0, 8)).status == 200
    processes.kill("witness")
    processes.restart("witness")
    processes.wait_ready("witness")
    answer = urllib3.request("POST", url, body=log.request(0, 5))
    assert (answer.status, answer.data, answer.headers["Content-Type"]) == (409, b"8\n", "text/x.tlog.size")
    shown = subprocess.run(
        [sys.executable, "-m", "witness", "--folder", str(tmp_path / "witness"), "--show-key"],
        capture_output=True, text=True, check=True,
    )  # fmt: skip
    assert shown.stdout.strip() == urllib3.request("GET", f"http://{address}/key").data.decode()
    assert (tmp_path / "witness/key.pem").stat().st_mode & 0o077 == 0
