"""The proxy: what passes, what a client meets when the network is taken away, and that a dead server is passed over."""

from __future__ import annotations

import contextlib
import select
import socket
import threading
from collections.abc import Iterator

import pytest

from localservers.ports import free_port
from localservers.proxy import TcpProxy

TIMEOUT_S = 20.0


class Echo:
    """A server that says its name, then sends back whatever it gets, until it gets ``bye``."""

    def __init__(self, name: bytes) -> None:
        self._name = name
        self._listener = socket.create_server(("127.0.0.1", free_port()))
        self.port: int = self._listener.getsockname()[1]
        threading.Thread(target=self._serve, daemon=True).start()

    def close(self) -> None:
        self._listener.shutdown(socket.SHUT_RDWR)
        self._listener.close()

    def _serve(self) -> None:
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._answer, args=(client,), daemon=True).start()

    def _answer(self, client: socket.socket) -> None:
        with client, contextlib.suppress(OSError):
            client.sendall(self._name)
            while (data := client.recv(65536)) and data != b"bye":
                client.sendall(data)


@pytest.fixture
def echo() -> Iterator[Echo]:
    server = Echo(b"a")
    yield server
    server.close()


def dial(proxy: TcpProxy) -> socket.socket:
    return socket.create_connection(("127.0.0.1", proxy.port), timeout=TIMEOUT_S)


def read(client: socket.socket, size: int) -> bytes:
    data = b""
    while len(data) < size and (more := client.recv(65536)):
        data += more
    return data


def test_everything_passes_in_order_on_every_connection_and_an_end_is_passed_on(echo: Echo) -> None:
    with TcpProxy(echo.port) as proxy:
        clients = [dial(proxy) for _ in range(50)]
        big = bytes(range(256)) * 20_000  # not read until the others are served
        writer = threading.Thread(target=clients[0].sendall, args=(big,))
        writer.start()
        for number, client in enumerate(clients[1:]):
            client.sendall(b"%03d" % number)
            assert read(client, 4) == b"a%03d" % number
        assert read(clients[0], 1 + len(big)) == b"a" + big
        writer.join()
        for client in clients:
            client.sendall(b"bye")
            assert client.recv(1) == b""
        for client in clients:
            client.close()


def test_a_client_is_reset_while_no_server_runs() -> None:
    with TcpProxy(free_port()) as proxy, pytest.raises(ConnectionResetError), dial(proxy) as client:
        client.recv(1)


def test_refused_means_cut_and_refused_until_restored(echo: Echo) -> None:
    with TcpProxy(echo.port) as proxy:
        client = dial(proxy)
        assert read(client, 1) == b"a"
        proxy.refuse()
        with pytest.raises(ConnectionResetError):
            client.recv(1)
        with pytest.raises(ConnectionRefusedError):
            dial(proxy)
        with pytest.raises(OSError, match="in use"), socket.socket() as other:
            other.bind(("127.0.0.1", proxy.port))
        proxy.restore()
        with dial(proxy) as again:
            assert read(again, 1) == b"a"


def test_frozen_holds_every_byte_and_every_newcomer_until_restored(echo: Echo) -> None:
    with TcpProxy(echo.port) as proxy, dial(proxy) as old:
        assert read(old, 1) == b"a"
        proxy.freeze()
        old.sendall(b"held")
        with dial(proxy) as new:  # the kernel's handshake; nobody answers
            assert select.select([old, new], [], [], 0.2)[0] == []
            proxy.restore()
            assert read(old, 4) == b"held"
            assert read(new, 1) == b"a"


def test_cut_resets_what_is_open_and_serves_what_comes(echo: Echo) -> None:
    with TcpProxy(echo.port) as proxy:
        clients = [dial(proxy) for _ in range(5)]
        assert [read(client, 1) for client in clients] == [b"a"] * 5
        assert proxy.cut() == 5
        for client in clients:
            with pytest.raises(ConnectionResetError):
                client.recv(1)
        with dial(proxy) as new:
            assert read(new, 1) == b"a"
        assert proxy.cut() <= 1


def test_several_servers_share_the_connections_and_a_dead_one_is_passed_over(echo: Echo) -> None:
    other, dead = Echo(b"b"), free_port()
    with TcpProxy(echo.port, dead, other.port) as proxy:
        names = []
        for _ in range(6):
            with dial(proxy) as client:
                names.append(read(client, 1))
        assert set(names) == {b"a", b"b"}
        other.close()
        for _ in range(3):
            with dial(proxy) as client:
                assert read(client, 1) == b"a"
