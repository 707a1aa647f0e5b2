"""The independent verifier finds every change, wherever it is made, and nothing in a licence as it was issued."""

from __future__ import annotations

import json
import os
import re
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from asn1crypto import cms

from services.documents.adapters.pki import load_authority, load_signer
from services.documents.adapters.signing import LicenceSigner
from services.documents.service import SERVICE
from tests.factories.licences import approved, published, registered
from tests.support import Tokens, deliver, envelope_bytes, make_client
from verify.licence import verify_licence

RANGE = re.compile(rb"/ByteRange \[(\d+) (\d+) (\d+) (\d+)\]")


@pytest.fixture(scope="module")
def issued(tmp_path_factory: pytest.TempPathFactory) -> tuple[bytes, bytes, str]:
    """A licence as documents issues it: PDF, authority, number."""
    tokens = Tokens("documents")
    client = make_client(SERVICE, tmp_path_factory.mktemp("documents"), tokens)
    deliver(SERVICE, "documents.copies", envelope_bytes(published(), source="catalog"))
    deliver(SERVICE, "documents.copies", envelope_bytes(registered(), source="identity"))
    deliver(SERVICE, "documents.licences", envelope_bytes(approved(), source="workflow"))
    headers = tokens.headers("licences:read", party="o-1")
    [licence] = client.get("/api/v1/licences", headers=headers).json["licences"]
    pdf = client.get(f"/api/v1/licences/{licence['licence_no']}/pdf", headers=headers).get_data()
    return pdf, client.get("/api/v1/licence-ca").get_data(), licence["licence_no"]


def container_of(pdf: bytes) -> tuple[int, int]:
    """Where the hexadecimal digits of the CMS container begin and end, padding left out."""
    found = RANGE.search(pdf)
    assert found
    first, second = int(found[2]) + 1, int(found[3]) - 1
    length = 4 + int.from_bytes(bytes.fromhex(pdf[first : first + 8].decode())[2:4], "big")
    assert first + 2 * length < second
    return first, first + 2 * length


def with_container(pdf: bytes, container: bytes) -> bytes:
    """``pdf`` with another container in the place of its own."""
    first, _ = container_of(pdf)
    found = RANGE.search(pdf)
    assert found
    room = int(found[3]) - 1 - first
    return pdf[:first] + container.hex().upper().encode().ljust(room, b"0") + pdf[first + room :]


def signed_data(pdf: bytes) -> cms.ContentInfo:
    first, last = container_of(pdf)
    return cms.ContentInfo.load(bytes.fromhex(pdf[first:last].decode()))


def with_number(unsigned: bytes, number: str) -> bytes:
    """``unsigned`` with another number in its attachment, which is packed again into the same room."""
    found = re.search(rb"<</Length (\d+)[^\n]*/Type/EmbeddedFile[^\n]*\nstream\n", unsigned)
    assert found
    assert b"/FlateDecode" in found[0]
    start, length = found.end(), int(found[1])
    metadata = json.loads(zlib.decompress(unsigned[start : start + length]))
    del metadata["file_url"]
    packed = zlib.compress(json.dumps(metadata | {"identifier": number}).encode(), 9)
    assert len(packed) <= length
    return unsigned[:start] + packed.ljust(length, b"\0") + unsigned[start + length :]


def test_an_issued_licence_verifies(issued: tuple[bytes, bytes, str]) -> None:
    pdf, ca, number = issued
    result = verify_licence(pdf, ca, number)
    assert (result.ok, result.reason, result.licence_no, result.holder) == (True, None, number, "云溪县实验小学")
    assert len(result.checks) == 6


def test_a_flipped_bit_anywhere_outside_the_container_is_found(issued: tuple[bytes, bytes, str]) -> None:
    pdf, ca, _ = issued
    found = RANGE.search(pdf)
    assert found
    places = [*range(0, len(pdf), 101), *range(int(found[2]) - 30, int(found[2]) + 2), *range(int(found[3]), len(pdf))]
    for place in places:
        if not int(found[2]) < place < int(found[3]) - 1:
            changed = pdf[:place] + bytes([pdf[place] ^ 1]) + pdf[place + 1 :]
            assert not verify_licence(changed, ca).ok, place


def test_a_flipped_bit_in_any_byte_of_the_container_is_found(issued: tuple[bytes, bytes, str]) -> None:
    pdf, ca, _ = issued
    container = signed_data(pdf).dump()
    for place in range(len(container)):
        changed = bytearray(container)
        changed[place] ^= 1 << (place % 8)
        assert not verify_licence(with_container(pdf, bytes(changed)), ca).ok, place


def test_the_other_spelling_of_a_hexadecimal_digit_is_found(issued: tuple[bytes, bytes, str]) -> None:
    pdf, ca, _ = issued
    first, last = container_of(pdf)
    place = next(n for n in range(first, last) if pdf[n : n + 1].isalpha())
    assert not verify_licence(pdf[:place] + pdf[place : place + 1].swapcase() + pdf[place + 1 :], ca).ok


def test_data_hidden_in_the_padding_is_found(issued: tuple[bytes, bytes, str]) -> None:
    pdf, ca, _ = issued
    container = signed_data(pdf).dump()
    assert verify_licence(with_container(pdf, container), ca).ok
    result = verify_licence(with_container(pdf, container + b"\0\0hidden"), ca)
    assert result.reason == "something is hidden behind the signature"


def test_an_incremental_update_after_the_signature_is_found(issued: tuple[bytes, bytes, str]) -> None:
    pdf, ca, _ = issued
    update = b"\n9 0 obj\n<</Type/Catalog>>\nendobj\ntrailer\n<</Root 9 0 R>>\nstartxref\n1\n%%EOF\n"
    assert verify_licence(pdf + update, ca).reason == "no signature covers the whole file"
    widened = RANGE.sub(lambda m: b"/ByteRange [0 %s %s %d]" % (m[2], m[3], len(pdf + update) - int(m[3])), pdf)
    assert not verify_licence(widened + update, ca).ok


def test_a_signature_over_less_than_the_file_is_found(issued: tuple[bytes, bytes, str]) -> None:
    pdf, ca, _ = issued
    assert verify_licence(pdf[: len(pdf) - 1], ca).reason == "no signature covers the whole file"
    assert verify_licence(pdf[1:], ca).reason == "no signature covers the whole file"


def test_added_certificates_and_unsigned_attributes_are_found(issued: tuple[bytes, bytes, str]) -> None:
    pdf, ca, _ = issued
    doubled = signed_data(pdf)
    certificates = doubled["content"]["certificates"]
    certificates.append(certificates[0].copy())
    assert not verify_licence(with_container(pdf, doubled.dump(force=True)), ca).ok
    decorated = signed_data(pdf)
    decorated["content"]["signer_infos"][0]["unsigned_attrs"] = [{"type": "1.2.3.4", "values": []}]
    assert not verify_licence(with_container(pdf, decorated.dump(force=True)), ca).ok


def test_a_licence_signed_by_another_authority_of_the_same_name_is_found(
    issued: tuple[bytes, bytes, str], tmp_path: Path
) -> None:
    pdf, ca, _ = issued
    forger = load_authority(tmp_path)
    unsigned = pdf[: pdf.index(b"%%EOF") + 6]
    forged = LicenceSigner(forger, load_signer(tmp_path, forger)).sign(unsigned)
    assert verify_licence(forged, forger.certificate_pem).ok
    assert not verify_licence(forged, ca).ok


def test_a_licence_with_another_number_or_a_wrong_check_character_is_found(
    issued: tuple[bytes, bytes, str], tmp_path: Path
) -> None:
    pdf, ca, number = issued
    wrong = number[:-1] + ("0" if number[-1] != "0" else "1")
    assert verify_licence(pdf, ca, wrong).reason == f"the licence carries another number: {number}"
    unsigned = pdf[: pdf.index(b"%%EOF") + 6]
    authority = load_authority(tmp_path)
    signed = LicenceSigner(authority, load_signer(tmp_path, authority)).sign(with_number(unsigned, wrong))
    assert (
        verify_licence(signed, authority.certificate_pem).reason == "the check character of the licence number is wrong"
    )


@pytest.mark.parametrize("content", [b"", b"%PDF-1.7", os.urandom(1000), b"/ByteRange [0 5 9 1]<<<>>>x"])
def test_what_is_no_licence_is_refused_calmly(issued: tuple[bytes, bytes, str], content: bytes) -> None:
    assert not verify_licence(content, issued[1]).ok


def test_the_command_says_so_in_json_and_in_its_exit_status(issued: tuple[bytes, bytes, str], tmp_path: Path) -> None:
    pdf, ca, number = issued
    (tmp_path / "ca.pem").write_bytes(ca)

    def command(content: bytes) -> tuple[int, Any]:
        file = tmp_path / "licence.pdf"
        file.write_bytes(content)
        line = [sys.executable, "-m", "verify.licence", str(file), "--ca", str(tmp_path / "ca.pem"), "--number", number]
        done = subprocess.run(line, check=False, capture_output=True, text=True)
        return done.returncode, json.loads(done.stdout)

    status, result = command(pdf)
    assert (status, result["reason"], result["licence_no"]) == (0, None, number)
    status, result = command(pdf + b" ")
    assert (status, result["ok"]) == (1, False)


def test_the_verifier_shares_no_code_with_the_platform() -> None:
    code = "import sys, verify.licence; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.split()
    ours = {name.split(".")[0] for name in loaded} & {"contracts", "chassis", "services", "gateway", "pyhanko", "flask"}
    assert ours == set()
