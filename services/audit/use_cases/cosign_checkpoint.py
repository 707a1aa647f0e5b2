"""Have the newest checkpoint cosigned: whoever rewrites the ledger, or brings an older one back, is refused."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import structlog
from sqlalchemy.dialects import postgresql, sqlite

from chassis import clock
from services.audit import queries
from services.audit.adapters.metrics import WITNESS_AGE, WITNESS_REFUSALS
from services.audit.adapters.witness import Witness, WitnessAway, WitnessRefuses
from services.audit.models import cosignatures, db

log = structlog.get_logger()

REFRESHED = timedelta(minutes=1)
"""A ledger that stands still is cosigned again, so that the age says whether the witness still watches."""


def cosign_checkpoint(witness: Witness) -> None:
    """Ask for what is new. A refusal or silence is told to the operator and tried again; nothing else depends on it."""
    with db.read() as connection:
        checkpoint = queries.latest_checkpoint(connection)
        last = queries.latest_cosignature(connection, witness.name)
    if checkpoint is None:
        return
    if last is None or last.size < checkpoint.size or clock.now() - last.cosigned_at >= REFRESHED:
        _ask(witness, checkpoint, last.size if last is not None else 0)
    _show_age(witness)


def _ask(witness: Witness, checkpoint: Any, old_size: int) -> None:
    try:
        _cosigned(witness, checkpoint, old_size)
    except WitnessRefuses as refusal:
        if refusal.size is None or refusal.size == old_size:
            _refused("inconsistent", checkpoint, refusal)
        elif refusal.size > checkpoint.size:
            _refused("behind", checkpoint, refusal)
        else:  # it cosigned something whose answer never came, or another database of ours asked before
            _ask_once_more(witness, checkpoint, refusal.size)
    except WitnessAway as error:
        log.warning("witness_away", witness=witness.name, error=str(error))


def _ask_once_more(witness: Witness, checkpoint: Any, old_size: int) -> None:
    try:
        _cosigned(witness, checkpoint, old_size)
    except WitnessRefuses as refusal:
        _refused("inconsistent", checkpoint, refusal)


def _cosigned(witness: Witness, checkpoint: Any, old_size: int) -> None:
    with db.read() as connection:
        proof = queries.consistency_proof(connection, old_size, checkpoint.size) if old_size else []
    line, at = witness.cosign(checkpoint.note, old_size, proof)
    insert = (postgresql.insert if db.is_postgresql else sqlite.insert)(cosignatures)
    newer = insert.on_conflict_do_update(
        index_elements=[cosignatures.c.witness],
        set_={name: insert.excluded[name] for name in ("size", "line", "cosigned_at")},
        where=insert.excluded.size >= cosignatures.c.size,
    )
    with db.transaction() as tx:
        tx.execute(newer, {"witness": witness.name, "size": checkpoint.size, "line": line, "cosigned_at": at})


def _refused(reason: str, checkpoint: Any, refusal: WitnessRefuses) -> None:
    """``behind``: the witness has seen more of this ledger than it now holds. ``inconsistent``: it has seen another one."""
    WITNESS_REFUSALS.labels(reason).inc()
    log.error("witness_refuses", reason=reason, size=checkpoint.size, said=str(refusal))


def _show_age(witness: Witness) -> None:
    with db.read() as connection:
        last = queries.latest_cosignature(connection, witness.name)
        since = last.cosigned_at if last is not None else queries.first_checkpoint(connection).signed_at
    WITNESS_AGE.labels(witness.name).set((clock.now() - since).total_seconds())
