"""Say whether a file is a licence of this platform, byte for byte."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from typing import Any

from services.documents import queries
from services.documents.adapters.tools import tools


@dataclass(frozen=True)
class Finding:
    """``reason`` is None exactly when the file is authentic; ``licence`` is then its row."""

    sha256: str
    reason: str | None
    licence: Any | None = None


def verify_licence_file(reader: queries.Reader, content: bytes) -> Finding:
    """Authentic only if these very bytes were issued and their signature verifies.

    Reasons: ``not_a_pdf``, ``not_issued`` (changed, or never ours), ``signature_invalid``. Strangers' bytes are
    compared by hash, never parsed.
    """
    sha256 = hashlib.sha256(content).hexdigest()
    if not content.startswith(b"%PDF-"):
        return Finding(sha256, "not_a_pdf")
    licence = queries.licence_with_bytes(reader, sha256)
    if licence is None:
        return Finding(sha256, "not_issued")
    if not tools().signer.verifies(content):
        return Finding(sha256, "signature_invalid")
    return Finding(sha256, None, licence)
