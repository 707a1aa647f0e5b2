"""Signing keys in PEM files that only the owner may read."""

from __future__ import annotations

import os
import secrets
from collections.abc import Callable
from pathlib import Path

from joserfc.jwk import ECKey


def read_or_create(path: Path, create: Callable[[], bytes]) -> bytes:
    """Bytes of ``path``; on first use those of ``create``, in a file of mode 0600.

    Two processes that start together agree: the file is linked into place and the first one wins.
    """
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True)
        draft = path.with_name(f"{path.name}.{secrets.token_hex(8)}")  # containers share process ids
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(create())
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()


def load_or_create_key(path: Path) -> ECKey:
    """The ES256 key in ``path``; created on first use. Its ``kid`` is the RFC 7638 thumbprint."""
    pem = read_or_create(path, lambda: ECKey.generate_key("P-256").as_pem(private=True))
    key = ECKey.import_key(pem, {"alg": "ES256", "use": "sig"})
    key.ensure_kid()
    return key
