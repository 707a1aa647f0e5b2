"""The clock in."""

from __future__ import annotations

from chassis.service import Job
from services.documents.adapters.tools import tools


def _sweep_drafts() -> None:
    tools().blobs.sweep()


JOBS = (Job("documents.sweep_drafts", 3600.0, _sweep_drafts),)
