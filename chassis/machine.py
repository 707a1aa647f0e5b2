"""What a process needs of its machine and that ends some day: room for data, and a certificate that is still good."""

from __future__ import annotations

import shutil
from pathlib import Path

from cryptography import x509

from chassis.metrics import CERTIFICATE_EXPIRY, DATA_FREE_RATIO
from chassis.settings import Settings


def watch_machine(settings: Settings) -> None:
    """Show both in the metrics. The certificate is the one that this process has loaded: a renewed file is of no use to it."""
    DATA_FREE_RATIO.labels(settings.service).set_function(lambda: free_ratio(settings.data_dir))
    if settings.tls_certificate is not None:
        certificate = x509.load_pem_x509_certificate(settings.tls_certificate.read_bytes())
        CERTIFICATE_EXPIRY.labels(settings.service).set(certificate.not_valid_after_utc.timestamp())


def free_ratio(folder: Path) -> float:
    """Free share of the volume that ``folder`` is on, or will be."""
    while not folder.exists():
        folder = folder.absolute().parent
    usage = shutil.disk_usage(folder)
    return usage.free / usage.total
