"""Checks an electronic licence without trusting, calling or sharing code with the platform that issued it.

``python -m verify.licence FILE.pdf --ca ca.pem [--number N]`` prints what was found as JSON; exit status 0 if everything
holds, else 1. Sources: ISO 32000-1 §12.8 (ByteRange), RFC 5652 (CMS), ETSI EN 319 142 (PAdES), RFC 5035
(signing-certificate-v2), GB/T 36904-2018 (identifier, ISO 7064 MOD 37,36).

What it does not tell: whether the licence has been revoked since. Ask the issuer's public page for that.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import re
import sys
import zlib
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime, timedelta, timezone
from pathlib import Path
from typing import Any

from asn1crypto import cms, tsp
from cryptography import x509
from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec

assert tsp  # importing it teaches asn1crypto the attribute signing-certificate-v2
OID_ROOT = "1.2.156.3005.2."
ALPHABET = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"
LARGEST_ATTACHMENT = 4 << 20
UNREADABLE = (
    ValueError, TypeError, LookupError, ArithmeticError, AttributeError, RecursionError, zlib.error, UnsupportedAlgorithm,
    x509.InvalidVersion, x509.ExtensionNotFound, x509.DuplicateExtension, x509.UnsupportedGeneralNameType,
)  # fmt: skip


class Broken(Exception):
    """One check does not hold; the message says which part and why."""


@dataclass
class Result:
    """``checks`` holds what was checked and held, in order; ``reason`` is the first that did not, or None."""

    ok: bool = False
    reason: str | None = None
    checks: list[str] = field(default_factory=list)
    sha256: str = ""
    licence_no: str | None = None
    name: str | None = None
    holder: str | None = None
    issuer: str | None = None
    signed_by: str | None = None
    signed_at: str | None = None


def verify_licence(pdf: bytes, ca_pem: bytes, number: str | None = None) -> Result:
    """Check ``pdf`` against the authority in ``ca_pem``; ``number`` is the licence number it must carry, if known."""
    result = Result(sha256=hashlib.sha256(pdf).hexdigest())
    try:
        _check(pdf, x509.load_pem_x509_certificate(ca_pem), number, result)
        result.ok = True
    except Broken as broken:
        result.reason = str(broken)
    except UNREADABLE as error:
        result.reason = f"the file cannot be read: {type(error).__name__}"
    return result


def _check(pdf: bytes, ca: x509.Certificate, number: str | None, result: Result) -> None:
    signed, container, signing_time = _signature_of(pdf)
    result.checks.append("the signature's ByteRange covers the whole file")
    result.signed_at = signing_time.isoformat()
    info, leaf = _signer_of(container, ca)
    result.signed_by = leaf.subject.rfc4514_string()
    attributes = {a["type"].native: a["values"] for a in info["signed_attrs"]}
    _check_attributes(attributes, hashlib.sha256(signed).digest(), leaf)
    result.checks += ["messageDigest is the SHA-256 of the file", "signing-certificate-v2 names the signer"]
    _check_signature(info, leaf)
    if cms.ContentInfo.load(container).dump(force=True) != container:
        raise Broken("the container is not in its canonical encoding")
    result.checks.append("the ECDSA P-256 signature over the signed attributes verifies")
    _check_chain(leaf, ca, signing_time)
    result.checks.append("the certificate leads to the authority and was valid when the file was signed")
    metadata = _metadata_of(pdf)
    result.licence_no = metadata["identifier"]
    result.name, result.holder = metadata["name"], metadata["holder_name"]
    result.issuer = metadata["issuing_authority_name"]
    _check_number(metadata["identifier"], number)
    result.checks.append("the GB/T 36904 check character is right")


def _signature_of(pdf: bytes) -> tuple[bytes, bytes, datetime]:
    """Signed bytes, CMS container and signing time. Nothing may lie outside the range but the container itself."""
    for found in re.finditer(rb"/ByteRange\s*\[\s*(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s+(\d{1,12})\s*\]", pdf):
        start, first, second, last = map(int, found.groups())
        if (start, second + last) != (0, len(pdf)) or not 0 < first < second < len(pdf):
            continue
        gap = pdf[first:second]
        if not re.fullmatch(rb"<(?:(?:[0-9A-F]{2})+|(?:[0-9a-f]{2})+)>", gap):
            raise Broken("the gap of the ByteRange is not one hexadecimal string")
        padded = bytes.fromhex(gap[1:-1].decode())
        container = padded[: _der_length(padded)]
        if padded[len(container) :].strip(b"\0"):
            raise Broken("something is hidden behind the signature")
        return pdf[:first] + pdf[second:], container, _signing_time(pdf[second:])
    raise Broken("no signature covers the whole file")


def _der_length(data: bytes) -> int:
    if data[1] < 0x80:
        return 2 + data[1]
    octets = data[1] & 0x7F
    return 2 + octets + int.from_bytes(data[2 : 2 + octets], "big")


def _signing_time(tail: bytes) -> datetime:
    """``/M`` of the signature dictionary, which stands behind its ``/Contents``."""
    found = re.search(rb"/M\s*\(D(?::|\\072)(\d{14})(?:Z|([+-])(\d\d)'(\d\d)'?)?", tail)
    if not found:
        raise Broken("the signature has no time")
    moment = datetime.strptime(found[1].decode(), "%Y%m%d%H%M%S").replace(tzinfo=UTC)
    if found[2]:
        offset = timedelta(hours=int(found[3]), minutes=int(found[4]))
        moment = moment.replace(tzinfo=timezone(offset if found[2] == b"+" else -offset))
    return moment.astimezone(UTC)


def _signer_of(container: bytes, ca: x509.Certificate) -> tuple[Any, x509.Certificate]:
    """The one signer's info and certificate. The container may hold nothing that is not accounted for."""
    content = cms.ContentInfo.load(container, strict=True)
    if content["content_type"].native != "signed_data":
        raise Broken("the container is not CMS SignedData")
    info = _only_signer(content["content"])
    certificates = [x509.load_der_x509_certificate(c.chosen.dump()) for c in content["content"]["certificates"]]
    others = [c for c in certificates if c != ca]
    if len(others) != 1 or len(certificates) > 2:
        raise Broken("exactly the signer's certificate and the authority's are expected")
    [leaf] = others
    sid = info["sid"].chosen
    if sid["issuer"].dump() != leaf.issuer.public_bytes() or sid["serial_number"].native != leaf.serial_number:
        raise Broken("the signer's info names another certificate")
    return info, leaf


def _only_signer(data: Any) -> Any:
    """The one signer's info of SignedData that holds a detached signature and nothing else."""
    if data["version"].native != "v1" or [a["algorithm"].native for a in data["digest_algorithms"]] != ["sha256"]:
        raise Broken("the container is not of the expected version and digest")
    if data["encap_content_info"]["content_type"].native != "data" or data["encap_content_info"]["content"].native:
        raise Broken("the container carries content of its own")
    if data["crls"] or len(data["signer_infos"]) != 1:
        raise Broken("the container must have exactly one signer and nothing else")
    [info] = data["signer_infos"]
    if info["unsigned_attrs"] or info["version"].native != "v1" or info["sid"].name != "issuer_and_serial_number":
        raise Broken("the signer's info is not of the expected form")
    return info


def _check_attributes(attributes: dict[str, Any], digest: bytes, leaf: x509.Certificate) -> None:
    if attributes["content_type"].native != ["data"] or attributes["message_digest"].native != [digest]:
        raise Broken("the file was changed after it was signed")
    [named] = attributes["signing_certificate_v2"]
    first = named["certs"][0]
    if first["hash_algorithm"]["algorithm"].native != "sha256":
        raise Broken("signing-certificate-v2 uses another digest")
    if first["cert_hash"].native != leaf.fingerprint(hashes.SHA256()):
        raise Broken("signing-certificate-v2 names another certificate")


def _check_signature(info: Any, leaf: x509.Certificate) -> None:
    key = leaf.public_key()
    if not isinstance(key, ec.EllipticCurvePublicKey) or not isinstance(key.curve, ec.SECP256R1):
        raise Broken("the signer's key is not P-256")
    if info["signature_algorithm"]["algorithm"].native != "sha256_ecdsa":
        raise Broken("the signature is not ECDSA with SHA-256")
    if info["digest_algorithm"]["algorithm"].native != "sha256":
        raise Broken("the digest is not SHA-256")
    try:
        key.verify(info["signature"].native, info["signed_attrs"].untag().dump(), ec.ECDSA(hashes.SHA256()))
    except InvalidSignature:
        raise Broken("the signature does not verify") from None


def _check_chain(leaf: x509.Certificate, ca: x509.Certificate, moment: datetime) -> None:
    try:
        leaf.verify_directly_issued_by(ca)
    except InvalidSignature:
        raise Broken("the certificate was not issued by the authority") from None
    if not ca.extensions.get_extension_for_class(x509.BasicConstraints).value.ca:
        raise Broken("the authority's certificate may not issue others")
    if not leaf.extensions.get_extension_for_class(x509.KeyUsage).value.digital_signature:
        raise Broken("the certificate may not sign")
    for certificate in (leaf, ca):
        if not certificate.not_valid_before_utc <= moment <= certificate.not_valid_after_utc:
            raise Broken("a certificate was not valid when the file was signed")


def _metadata_of(pdf: bytes) -> dict[str, Any]:
    """The attached JSON: the one embedded file of the PDF."""
    files = list(re.finditer(rb"\d+ 0 obj\s*<<((?:(?!endobj).)*?/EmbeddedFile\b.*?)>>\s*stream\r?\n", pdf, re.DOTALL))
    if len(files) != 1:
        raise Broken("exactly one attachment is expected")
    [found] = files
    length = re.search(rb"/Length\s+(\d{1,9})\b(?!\s+\d+\s+R)", found[1])
    if not length:
        raise Broken("the attachment has no length")
    stream = pdf[found.end() : found.end() + int(length[1])]
    text = zlib.decompressobj().decompress(stream, LARGEST_ATTACHMENT) if b"/FlateDecode" in found[1] else stream
    metadata: dict[str, Any] = json.loads(text)
    return metadata


def _check_number(identifier: str, expected: str | None) -> None:
    if expected is not None and identifier != expected:
        raise Broken(f"the licence carries another number: {identifier}")
    parts = identifier.removeprefix(OID_ROOT).split(".")
    if not identifier.startswith(OID_ROOT) or len(parts) != 5:
        raise Broken("the licence number is not of the form of GB/T 36904")
    product = 36
    for character in "".join(parts[:4]):
        product = (product + ALPHABET.index(character)) % 36 or 36
        product = product * 2 % 37
    if ALPHABET[(37 - product) % 36] != parts[4]:
        raise Broken("the check character of the licence number is wrong")


def main(arguments: list[str] | None = None) -> int:
    """Command line."""
    parser = argparse.ArgumentParser(prog="python -m verify.licence", description="验证电子证照 / verify a licence")
    parser.add_argument("file", type=Path)
    parser.add_argument("--ca", type=Path, required=True, help="根证书 / the authority's certificate, PEM")
    parser.add_argument("--number", help="应有的证照标识 / the number the licence must carry")
    given = parser.parse_args(arguments)
    result = verify_licence(given.file.read_bytes(), given.ca.read_bytes(), given.number)
    print(json.dumps(asdict(result), ensure_ascii=False, indent=2))
    return 0 if result.ok else 1


if __name__ == "__main__":
    sys.exit(main())
