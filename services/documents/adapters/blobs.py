"""The store of bytes, addressed by their SHA-256. A blob is in place, whole and synced, before any row names it."""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

from services.documents.adapters.folders import make_folder, sync_folder

STALE_S = 24 * 3600.0
CHUNK_BYTES = 256 * 1024


class Draft:
    """Bytes on their way in."""

    def __init__(self, file: BinaryIO) -> None:
        self.file = file
        self.size_bytes = 0
        self._hash = hashlib.sha256()

    def write(self, chunk: bytes) -> None:
        """Append. Raises OSError when the disk is full."""
        self.file.write(chunk)
        self._hash.update(chunk)
        self.size_bytes += len(chunk)

    def chunks(self) -> Iterator[bytes]:
        """What was written so far, in pieces."""
        self.file.seek(0)
        while chunk := self.file.read(CHUNK_BYTES):
            yield chunk

    @property
    def sha256(self) -> str:
        """Lower-case hex of what was written so far."""
        return self._hash.hexdigest()


class BlobStore:
    """Folder of blobs: ``ab/abcdef…``; drafts lie apart on the same file system."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._drafts = folder, folder / "drafts"
        self._drafts.mkdir(parents=True, exist_ok=True)

    def path(self, sha256: str) -> Path:
        """Where the blob is, if it is."""
        return self._folder / sha256[:2] / sha256

    @contextmanager
    def draft(self) -> Iterator[Draft]:
        """Kept under its hash when the block ends well; gone without a trace when it raises."""
        aside = self._drafts / uuid.uuid4().hex
        try:
            with aside.open("x+b") as file:
                draft = Draft(file)
                yield draft
                file.flush()
                os.fsync(file.fileno())
            final = self.path(draft.sha256)
            make_folder(final.parent)
            aside.replace(final)
            sync_folder(final.parent)
        finally:
            aside.unlink(missing_ok=True)

    def put(self, content: bytes) -> str:
        """Keep ``content``; returns its SHA-256."""
        with self.draft() as draft:
            draft.write(content)
        return draft.sha256

    def sweep(self) -> int:
        """Delete drafts that a killed process left behind; returns how many."""
        swept = 0
        for draft in self._drafts.iterdir():
            if time.time() - draft.stat().st_mtime > STALE_S:
                draft.unlink(missing_ok=True)
                swept += 1
        return swept
