"""Clients that hold room by being slow: which connection is ended by the rules, and a real server under attack."""

from __future__ import annotations

import re
import socket
import sqlite3
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import ExitStack, closing, suppress
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from gateway.rules import Rules
from gateway.slow_clients import SlowClients
from gateway.sockets import Connection, Sockets
from tests.gateway.real_door import HEADERS, Door, open_door

FAR = "203.0.113.7"


@dataclass
class Wire:
    """A scripted kernel with a clock: connections are told when something came or went."""

    now: float = 1000.0
    open: dict[int, dict[str, float]] = field(default_factory=dict)
    ended: list[tuple[str, int]] = field(default_factory=list)

    def accept(self, number: int, address: str = FAR) -> None:
        self.open[number] = {"sent": self.now - 9, "received": self.now - 9, "bytes": 0, "taken": 0, "waiting": 0}
        self.open[number]["address"] = address  # type: ignore[assignment]

    def came(self, *numbers: int) -> None:
        for number in numbers:
            self.open[number]["received"] = self.now
            self.open[number]["bytes"] += 5000

    def went(self, number: int) -> None:
        self.open[number]["sent"] = self.now

    def connections(self) -> list[Connection]:
        return [
            Connection(
                n, str(one["address"]), 1000 + n, self.now - one["sent"], self.now - one["received"],
                int(one["bytes"]), int(one["taken"]), bool(one["waiting"]),
            )
            for n, one in self.open.items()
        ]  # fmt: skip

    def stop_reading(self, connection: Connection) -> bool:
        self.ended.append(("stop_reading", connection.descriptor))
        return True

    def cut(self, connection: Connection) -> bool:
        self.ended.append(("cut", connection.descriptor))
        return True


def watched(wire: Wire, exempt: str = "", **rules: float) -> SlowClients:
    return SlowClients(wire, lambda: Rules(**rules), lambda address: address == exempt, lambda: wire.now)  # type: ignore[arg-type]


def run(wire: Wire, slow: SlowClients, seconds: int) -> None:
    for _ in range(seconds):
        wire.now += 1
        slow.tick()


def test_the_stalled_body_is_ended_and_no_other_request_of_its_address() -> None:
    wire = Wire()
    slow = watched(wire, body_start_s=10)
    for number in (1, 2, 3):
        wire.accept(number)
    wire.came(1)
    wire.went(1)  # answered, and idle since
    run(wire, slow, 3)
    wire.came(2)  # the head of the stalled one
    with slow.reading(FAR) as reading:
        run(wire, slow, 3)
        wire.came(1, 3)  # later requests that the service takes its time for
        run(wire, slow, 7)
        assert wire.ended == []
        run(wire, slow, 1)
        assert wire.ended == [("stop_reading", 2)]
        assert reading.ended_at == wire.now
    run(wire, slow, 50)
    assert wire.ended == [("stop_reading", 2)]


def test_when_the_wrong_one_was_ended_the_body_is_still_waited_for_and_the_next_one_is() -> None:
    wire = Wire()
    slow = watched(wire, body_start_s=10)
    wire.accept(1)
    wire.accept(2)
    wire.came(1, 2)  # both began with this very packet
    with slow.reading(FAR):
        run(wire, slow, 11)
        assert len(wire.ended) == 1
        run(wire, slow, 2)
        assert len(wire.ended) == 1, "its thread may not have had its turn yet"
        run(wire, slow, 2)
    run(wire, slow, 50)
    assert sorted(wire.ended) == [("stop_reading", 1), ("stop_reading", 2)]


def test_one_that_drips_is_told_from_one_that_is_being_answered() -> None:
    wire = Wire()
    slow = watched(wire, body_start_s=10, body_bytes_per_s=4096)
    wire.accept(1)
    wire.accept(2)
    wire.came(1)
    with slow.reading(FAR) as reading:
        run(wire, slow, 4)
        wire.came(2)
        for _ in range(7):
            wire.came(1)
            reading.got(1)
            run(wire, slow, 1)
    assert wire.ended == [("stop_reading", 1)]


def test_who_sends_at_the_least_rate_has_as_long_as_it_takes_up_to_the_longest() -> None:
    wire = Wire()
    slow = watched(wire, body_start_s=10, body_bytes_per_s=4096, body_s=100)
    wire.accept(1)
    wire.came(1)
    with slow.reading(FAR) as reading:
        for _ in range(100):
            wire.came(1)
            reading.got(4096)
            run(wire, slow, 1)
        assert wire.ended == []
        run(wire, slow, 1)
    assert wire.ended == [("stop_reading", 1)]


def test_a_body_that_is_there_is_watched_no_more() -> None:
    wire = Wire()
    slow = watched(wire, body_start_s=10)
    wire.accept(1)
    wire.came(1)
    with slow.reading(FAR):
        run(wire, slow, 5)
    run(wire, slow, 50)
    assert wire.ended == []


def test_a_client_that_takes_nothing_is_cut_and_one_that_takes_slowly_but_surely_is_not() -> None:
    wire = Wire()
    slow = watched(wire, reader_s=20, reader_bytes_per_s=1024)
    wire.accept(1)
    wire.accept(2)
    wire.accept(3)
    for _ in range(60):
        wire.open[1]["waiting"] = wire.open[2]["waiting"] = 1
        wire.open[2]["taken"] += 2000
        wire.open[1]["taken"] += 100
        run(wire, slow, 1)
        if ("cut", 1) in wire.ended:
            break
    assert wire.ended == [("cut", 1)]


def test_an_address_has_so_many_connections_and_those_idle_for_longest_go() -> None:
    wire = Wire()
    slow = watched(wire, exempt="198.51.100.1", connections_per_address=2)
    for number in range(4):
        wire.accept(number)
        wire.accept(10 + number, "198.51.100.1")
        wire.accept(20 + number, f"192.0.2.{number}")
        wire.now += 1
    wire.came(0)
    slow.tick()
    assert wire.ended == [("cut", 1), ("cut", 2)]


def test_a_network_of_many_addresses_is_one_client() -> None:
    wire = Wire()
    slow = watched(wire, connections_per_address=2)
    for number in range(4):
        wire.accept(number, f"2001:db8:0:1::{number}")
        wire.accept(10 + number, f"2001:db8:0:{2 + number}::1")
        wire.now += 1
    slow.tick()
    assert wire.ended == [("cut", 0), ("cut", 1)]


def test_the_kernel_tells_of_connections_and_ends_the_one_that_is_meant() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener, ExitStack() as stack:
        sockets = Sockets(listener.getsockname()[1])
        clients = [stack.enter_context(socket.create_connection(listener.getsockname())) for _ in range(3)]
        served = [stack.enter_context(listener.accept()[0]) for _ in clients]
        clients[1].sendall(b"x" * 100)
        assert served[1].recv(100) == b"x" * 100
        found = {one.port: one for one in sockets.connections()}
        ports = [client.getsockname()[1] for client in clients]
        assert sorted(found) == sorted(ports)
        assert sockets.stop_reading(found[ports[1]])
        assert served[1].recv(1) == b"", "its end is seen at once"
        served[1].sendall(b"408")
        assert clients[1].recv(3) == b"408", "and an answer still goes out"
        assert sockets.cut(found[ports[2]])
        assert clients[2].recv(1) == b""
        served[0].setblocking(False)
        with pytest.raises(BlockingIOError):
            served[0].recv(1)
        served[2].close()
        assert not sockets.cut(found[ports[2]])


def test_looking_at_connections_drops_no_lock_of_a_database_in_the_same_process(tmp_path: Path) -> None:
    """Closing a copy of any descriptor of a file drops the process's locks on it: embedded, SQLite lives beside the gateway."""
    path = tmp_path / "one.sqlite"
    other = f"import sqlite3; sqlite3.connect({str(path)!r}, timeout=0).execute('BEGIN IMMEDIATE')"
    with socket.create_server(("127.0.0.1", 0)) as listener, closing(sqlite3.connect(path)) as database:
        database.execute("BEGIN IMMEDIATE")
        Sockets(listener.getsockname()[1]).connections()
        tried = subprocess.run([sys.executable, "-c", other], capture_output=True, text=True, check=False)
    assert "database is locked" in tried.stderr


def test_what_a_client_does_not_take_is_seen() -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        sockets = Sockets(listener.getsockname()[1])
        with socket.create_connection(listener.getsockname()) as client, listener.accept()[0] as served:
            served.setblocking(False)
            with suppress(BlockingIOError):
                while True:
                    served.send(b"x" * 65536)
            [full] = sockets.connections()
            assert full.waiting
            taken = client.recv(1 << 20)
            while not sockets.connections()[0].taken_bytes > full.taken_bytes:
                taken += client.recv(1 << 20)


@pytest.fixture(scope="module")
def door(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Door]:
    """One with little patience."""
    rules = (
        "body_start_s=1,body_bytes_per_s=16384,reader_s=1,reader_bytes_per_s=1000000,bodies=200,in_flight=250,streams=4"
    )
    with open_door(Path(tmp_path_factory.mktemp("slow")), TONGBAN_GATEWAY=rules) as opened:
        yield opened


def post(length: int) -> bytes:
    return (
        f"POST /api/v1/cases HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n"
        f"Authorization: {HEADERS['Authorization']}\r\n\r\n"
    ).encode()


def to_its_end(connection: socket.socket) -> bytes:
    """Everything until the other side closes. Raises TimeoutError when it does not."""
    got = b""
    with suppress(ConnectionResetError):
        while data := connection.recv(65536):
            got += data
    return got


def test_slow_and_idle_clients_are_ended_and_honest_ones_are_served_meanwhile(door: Door) -> None:
    with ExitStack() as attack:

        def connections(count: int, first: bytes) -> list[socket.socket]:
            opened = [
                attack.enter_context(socket.create_connection(("127.0.0.1", door.port), timeout=30))
                for _ in range(count)
            ]
            for one in opened:
                one.sendall(first)
            return opened

        connections(150, b"")
        connections(150, b"POST /api/v1/cases HTTP/1.1\r\nHost:")
        stalled = connections(100, post(1000) + b"abc")
        dripping = connections(20, post(100_000))
        stop = threading.Event()

        def drip() -> None:
            while not stop.wait(0.1):
                for one in dripping:
                    with suppress(OSError):
                        one.send(b"x")

        dripper = threading.Thread(target=drip)
        dripper.start()
        attack.callback(stop.set)
        steady = connections(1, post(90_000))[0]
        for number in range(9):  # slower than what is in one piece, and at more than the least rate
            steady.sendall(b"y" * 10_000)
            assert door.told("GET", "/api/v1/cases")["REQUEST_METHOD"] == "GET"
            assert door.told("POST", "/api/v1/cases", b"z" * number * 1000)["body_bytes"] == number * 1000
        assert steady.recv(12) == b"HTTP/1.1 200"
        answers = [to_its_end(one) for one in stalled]
        # Of two stalled bodies one may be ended for the other: then it reads that it broke off.
        told = [answer for answer in answers if b'"body_too_slow"' in answer and answer.startswith(b"HTTP/1.1 408")]
        assert len(told) >= 0.9 * len(stalled)
        assert {answer[:12] for answer in answers} <= {b"HTTP/1.1 408", b"HTTP/1.1 400"}
        assert {to_its_end(one)[:12] for one in dripping} <= {b"HTTP/1.1 408", b"HTTP/1.1 400", b""}
    dripper.join(10)
    _, _, metrics = door.ask("GET", "/metrics")
    ended = re.search(rb'tongban_gateway_slow_clients_total{why="body"} (\d+)', metrics)
    assert ended
    assert int(ended[1]) >= 120


def test_clients_that_do_not_read_let_go_of_their_threads(door: Door) -> None:
    with ExitStack() as attack:
        for _ in range(4):  # as many as may have a stream open
            one = attack.enter_context(socket.create_connection(("127.0.0.1", door.port), timeout=30))
            request = (
                f"GET /api/v1/materials/big HTTP/1.1\r\nHost: h\r\nAuthorization: {HEADERS['Authorization']}\r\n\r\n"
            )
            one.sendall(request.encode())
            assert one.recv(1) == b"H"
        tries = 0
        while (answer := door.ask("GET", "/api/v1/materials/big"))[0] == 503:
            tries += 1
            assert door.told("GET", "/api/v1/cases")["REQUEST_METHOD"] == "GET"
            time.sleep(0.1)  # or the account would reach its limit first
        assert tries > 0, "the room for streams was full"
        assert len(answer[2]) == 320 * 65536
