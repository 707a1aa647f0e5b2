"""What a process says of its machine, and of its own readiness."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from prometheus_client import REGISTRY

from chassis.health import Health
from chassis.machine import free_ratio, watch_machine
from chassis.settings import load_settings


def test_free_room_is_that_of_the_volume_that_the_folder_will_be_on(tmp_path: Path) -> None:
    ratio = free_ratio(tmp_path / "not" / "there" / "yet")
    assert 0.0 <= ratio <= 1.0
    assert ratio == pytest.approx(free_ratio(tmp_path), abs=0.05)


def test_end_of_the_certificate_in_use_is_shown(tmp_path: Path) -> None:
    ends = datetime(2031, 2, 3, tzinfo=UTC)
    pem = tmp_path / "certificate.pem"
    pem.write_bytes(certificate(ends))
    settings = replace(load_settings("machine-test"), data_dir=tmp_path, tls_certificate=pem)
    watch_machine(settings)
    pem.unlink()  # the process has loaded it; a file that is changed later says nothing
    shown = REGISTRY.get_sample_value("tongban_certificate_expiry_timestamp_seconds", {"service": "machine-test"})
    assert shown == ends.timestamp()
    assert REGISTRY.get_sample_value("tongban_data_free_ratio", {"service": "machine-test"}) is not None


def test_readiness_is_shown_as_it_was_told_last() -> None:
    trouble: list[str] = []
    health = Health()
    health.add("machine-test.part", lambda: trouble[0] if trouble else None)
    assert health.report()[0]
    assert ready() == 1.0
    trouble.append("no answer")
    assert ready() == 1.0
    assert not health.report()[0]
    assert ready() == 0.0
    health.remove("machine-test.part")
    assert ready() is None


def ready() -> float | None:
    return REGISTRY.get_sample_value("tongban_ready", {"part": "machine-test.part"})


def certificate(ends: datetime) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key()).serial_number(1)
    signed = made.not_valid_before(ends - timedelta(days=90)).not_valid_after(ends).sign(key, hashes.SHA256())
    return signed.public_bytes(serialization.Encoding.PEM)
