"""The broker over TLS: who it says it is has to be true, and everything works as without."""

from __future__ import annotations

import datetime as dt
import ipaddress
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from kombu.exceptions import OperationalError

from chassis.rabbit_bus import RabbitBus
from tests.chassis.rig import Consumer, Rig, eventually

pytestmark = pytest.mark.servers


def certificate(folder: Path, *names: x509.GeneralName) -> Path:
    """A PEM file with a key and a certificate that vouches for itself."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "broker")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(hours=1))
        .not_valid_after(now + dt.timedelta(hours=1))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    secret = key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    file = folder / "broker.pem"
    file.write_bytes(secret + made.public_bytes(serialization.Encoding.PEM))
    return file


class TlsDoor:
    """Takes TLS in front of a port of this machine."""

    def __init__(self, pem: Path, port: int) -> None:
        self._context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self._context.load_cert_chain(pem)
        self._behind = port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port = self._listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def close(self) -> None:
        self._listener.close()

    def _accept(self) -> None:
        with suppress(OSError):
            while True:
                plain, _ = self._listener.accept()
                threading.Thread(target=self._serve, args=(plain,), daemon=True).start()

    def _serve(self, plain: socket.socket) -> None:
        with suppress(OSError), self._context.wrap_socket(plain, server_side=True) as front:
            back = socket.create_connection(("127.0.0.1", self._behind))
            threading.Thread(target=_pass_on, args=(back, front), daemon=True).start()
            _pass_on(front, back)


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):
        while piece := source.recv(65_536):
            target.sendall(piece)
        target.shutdown(socket.SHUT_RDWR)


class TlsVhost:
    """A virtual host as it is reached through the door."""

    def __init__(self, vhost: Any, port: int) -> None:
        self._vhost, self._port = vhost, port

    def url(self, service: str) -> str:
        plain: str = self._vhost.url(service)
        return plain.replace("amqp://", "amqps://").replace(f":{self._vhost.broker.port}/", f":{self._port}/")


@pytest.fixture
def door(vhost: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., TlsVhost]]:
    """Opens a door with a certificate for the names given, from an authority that is trusted."""
    doors = []

    def open_door(*names: x509.GeneralName) -> TlsVhost:
        pem = certificate(tmp_path, *names)
        monkeypatch.setenv("SSL_CERT_FILE", str(pem))
        doors.append(TlsDoor(pem, vhost.broker.port))
        return TlsVhost(vhost, doors[-1].port)

    yield open_door
    for one in doors:
        one.close()


def test_events_go_to_and_fro_over_tls(door: Callable[..., TlsVhost], tmp_path: Path) -> None:
    rig = Rig(tmp_path, door(x509.IPAddress(ipaddress.ip_address("127.0.0.1"))))
    consumer = Consumer("audit", tmp_path)
    rig.join(consumer)
    for number in range(100):
        rig.tell(f"{number:03}")
    rig.relay.step()
    eventually(lambda: len(consumer.effects) == 100)
    rig.close()


def test_a_broker_under_another_name_is_not_spoken_to(door: Callable[..., TlsVhost], tmp_path: Path) -> None:
    consumer = Consumer("audit", tmp_path)
    with pytest.raises(OperationalError, match=r"certificate is not valid for .127\.0\.0\.1"):
        RabbitBus(door(x509.DNSName("another.example.org")).url("audit")).declare([consumer.inbox.subscription])
