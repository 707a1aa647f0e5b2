"""What one process of documents works with, set up once: blobs, keys, the press and the signer."""

from __future__ import annotations

from dataclasses import dataclass

from chassis.service import Runtime
from services.documents.adapters.blobs import BlobStore
from services.documents.adapters.holder_keys import HolderKeys
from services.documents.adapters.pki import load_authority, load_signer
from services.documents.adapters.press import LicencePress
from services.documents.adapters.receipts import ReceiptSigner
from services.documents.adapters.scanner import Scanner
from services.documents.adapters.signing import LicenceSigner


@dataclass(frozen=True)
class Tools:
    """``authority_pem`` is public. ``public_url`` has no slash at its end."""

    blobs: BlobStore
    receipts: ReceiptSigner
    press: LicencePress
    scanner: Scanner | None
    signer: LicenceSigner
    holder_keys: HolderKeys
    authority_pem: bytes
    public_url: str


_ready: list[Tools] = []


def set_up(runtime: Runtime) -> None:
    """Make ready what this process needs; keys are made on the platform's first start."""
    folder = runtime.settings.data_dir / "documents"
    authority = load_authority(folder / "pki")
    made = Tools(
        blobs=BlobStore(folder / "blobs"),
        receipts=ReceiptSigner(folder / "receipt-key.pem"),
        press=LicencePress(),
        scanner=Scanner(runtime.settings.scanner) if runtime.settings.scanner else None,
        signer=LicenceSigner(authority, load_signer(folder / "pki", authority)),
        holder_keys=HolderKeys(folder),
        authority_pem=authority.certificate_pem,
        public_url=runtime.settings.public_url.rstrip("/"),
    )
    _ready[:] = [made]


def tools() -> Tools:
    """What ``set_up`` made."""
    return _ready[0]
