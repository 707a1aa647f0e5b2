"""管理行为留痕: what administrators do is told in the transaction that does it, and stands in the ledger ever after."""

from __future__ import annotations

from chassis.db import Tx
from contracts.administration import ActReason, AdministrationActed, AdministrativeAct

DIRECTORY, SYSTEM = "directory", "system"
"""Who acts when it is no account: the directory's file, the clock."""


def tell_act(
    tx: Tx,
    act: AdministrativeAct,
    *,
    by: str,
    on: str,
    before: str | None = None,
    after: str | None = None,
    reason: ActReason | None = None,
) -> None:
    """Codes and ids only, never a name: the ledger cannot forget."""
    tx.tell(AdministrationActed(act=act, by=by, on=on, before=before, after=after, reason=reason))
