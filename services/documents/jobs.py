"""The clock in."""

from __future__ import annotations

from chassis.service import Job
from services.documents.adapters.tools import tools
from services.documents.use_cases.seal_holders import seal_holders


def _sweep_drafts() -> None:
    tools().blobs.sweep()


def _seal_holders() -> None:
    seal_holders(tools().holder_keys)


JOBS = (
    Job("documents.sweep_drafts", 3600.0, _sweep_drafts),
    Job("documents.seal_holders", 3600.0, _seal_holders),
)
