"""The platform's own certificate authority and its signing certificates, made once and kept in the data folder."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat, load_pem_private_key
from cryptography.x509.oid import NameOID

from chassis.keys import read_or_create

AUTHORITY_LIFE = timedelta(days=30 * 365)
SIGNER_LIFE = timedelta(days=3 * 365)
CLOCK_SKEW = timedelta(hours=1)
DOCUMENT_SIGNING = x509.ObjectIdentifier("1.3.6.1.5.5.7.3.36")  # RFC 9336


@dataclass(frozen=True)
class KeyPair:
    """A P-256 key with its certificate."""

    key: ec.EllipticCurvePrivateKey
    certificate: x509.Certificate

    @property
    def certificate_pem(self) -> bytes:
        """What may be published."""
        return self.certificate.public_bytes(Encoding.PEM)


def load_authority(folder: Path) -> KeyPair:
    """The root; made on first use."""
    return _pair(read_or_create(folder / "authority.pem", _make_authority))


def load_signer(folder: Path, authority: KeyPair) -> KeyPair:
    """The year's signing certificate; made when the year's first process starts. Each lives three years."""
    file = folder / f"signer-{datetime.now(UTC).year}.pem"
    return _pair(read_or_create(file, lambda: _make_signer(authority)))


def _make_authority() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name("通办电子证照根 Tongban Licence Root CA")
    builder = (
        _builder(name, name, key.public_key(), AUTHORITY_LIFE)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .add_extension(_usage(sign_certificates=True), critical=True)
    )
    return _pem(key, builder.sign(key, hashes.SHA256()))


def _make_signer(authority: KeyPair) -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = _name(f"通办电子证照签章 Tongban Licence Signing {datetime.now(UTC).year}")
    issuer_key_id = x509.AuthorityKeyIdentifier.from_issuer_public_key(authority.key.public_key())
    builder = (
        _builder(name, authority.certificate.subject, key.public_key(), SIGNER_LIFE)
        .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
        .add_extension(_usage(sign_certificates=False), critical=True)
        .add_extension(x509.ExtendedKeyUsage([DOCUMENT_SIGNING]), critical=False)
        .add_extension(issuer_key_id, critical=False)
    )
    return _pem(key, builder.sign(authority.key, hashes.SHA256()))


def _builder(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, life: timedelta
) -> x509.CertificateBuilder:
    now = datetime.now(UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - CLOCK_SKEW)
        .not_valid_after(now + life)
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _name(common_name: str) -> x509.Name:
    pairs = (
        (NameOID.COUNTRY_NAME, "CN"),
        (NameOID.ORGANIZATION_NAME, "通办 Tongban"),
        (NameOID.COMMON_NAME, common_name),
    )
    return x509.Name([x509.NameAttribute(oid, value) for oid, value in pairs])


def _usage(*, sign_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not sign_certificates,
        content_commitment=not sign_certificates,
        key_cert_sign=sign_certificates,
        crl_sign=sign_certificates,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey, certificate: x509.Certificate) -> bytes:
    secret = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return secret + certificate.public_bytes(Encoding.PEM)


def _pair(content: bytes) -> KeyPair:
    key = load_pem_private_key(content, password=None)
    assert isinstance(key, ec.EllipticCurvePrivateKey), "a P-256 key is expected"
    return KeyPair(key, x509.load_pem_x509_certificate(content))
