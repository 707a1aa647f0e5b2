"""PAdES signatures on licences (ECDSA P-256, SHA-256), made with a cached signer; and their check."""

from __future__ import annotations

import io
import threading

from asn1crypto import keys as asn1_keys
from asn1crypto import x509 as asn1_x509
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from pyhanko.pdf_utils.incremental_writer import IncrementalPdfFileWriter
from pyhanko.pdf_utils.reader import PdfFileReader
from pyhanko.sign import fields, signers
from pyhanko.sign.validation import validate_pdf_signature
from pyhanko_certvalidator import ValidationContext
from pyhanko_certvalidator.registry import SimpleCertificateStore

from services.documents.adapters.pki import KeyPair

FIELD = "Licence"
RESERVED_HEX_DIGITS = 8192  # twice what two P-256 certificates and one signature take


class LicenceSigner:
    """Signs PDFs for the platform. One at a time: pyHanko's objects are not made for threads."""

    def __init__(self, authority: KeyPair, signer: KeyPair) -> None:
        self._root = asn1_x509.Certificate.load(authority.certificate.public_bytes(Encoding.DER))
        chain = SimpleCertificateStore()  # type: ignore[no-untyped-call]
        chain.register(self._root)
        secret = signer.key.private_bytes(Encoding.DER, PrivateFormat.PKCS8, NoEncryption())
        self._signer = signers.PdfSigner(
            signers.PdfSignatureMetadata(
                field_name=FIELD,
                md_algorithm="sha256",
                subfilter=fields.SigSeedSubFilter.PADES,
                certify=True,
                docmdp_permissions=fields.MDPPerm.NO_CHANGES,
            ),
            signers.SimpleSigner(
                signing_cert=asn1_x509.Certificate.load(signer.certificate.public_bytes(Encoding.DER)),
                signing_key=asn1_keys.PrivateKeyInfo.load(secret),
                cert_registry=chain,
            ),
        )
        self._lock = threading.Lock()

    def sign(self, pdf: bytes) -> bytes:
        """``pdf`` with a certifying signature over the whole file. The signing time is the machine's."""
        with self._lock:
            writer = IncrementalPdfFileWriter(io.BytesIO(pdf))
            signed = self._signer.sign_pdf(writer, bytes_reserved=RESERVED_HEX_DIGITS)
            content: bytes = signed.getvalue()
            return content

    def verifies(self, pdf: bytes) -> bool:
        """True when the one signature covers the whole file and its certificate was ours when it was made.

        Only for bytes that this service has issued: pyHanko is not asked to read strangers' files.
        """
        signatures = PdfFileReader(io.BytesIO(pdf)).embedded_signatures
        if len(signatures) != 1:
            return False
        [signature] = signatures
        context = ValidationContext(
            trust_roots=[self._root], allow_fetching=False, moment=signature.self_reported_timestamp
        )
        return bool(validate_pdf_signature(signature, signer_validation_context=context).bottom_line)
