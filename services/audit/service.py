"""Table of contents of audit (电子监察与存证): the ledger of every event, supervision of departments' clocks, ratings and
figures.
"""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa

from chassis.service import Runtime, Service
from contracts.supervision import CardRaised, CardRevoked, RatingGiven
from services.audit import queries
from services.audit.adapters.gauges import show_gauges
from services.audit.adapters.ledger_key import KEY
from services.audit.adapters.open_data import RULES
from services.audit.adapters.reporting import REPORTING
from services.audit.adapters.witness import WITNESSES, Witness
from services.audit.api.board import board_api
from services.audit.api.cards import cards_api
from services.audit.api.exchange import exchange_api
from services.audit.api.figures import figures_api
from services.audit.api.journal import journal_api
from services.audit.api.ledger import ledger_api
from services.audit.api.open_data import open_data_api, sandbox_data_api
from services.audit.api.ratings import ratings_api
from services.audit.api.trails import trails_api
from services.audit.jobs import JOBS
from services.audit.models import db
from services.audit.subscriptions import FIGURES, LEDGER, SUPERVISION

REFUSALS = {
    "tree_size_unknown": 404,
    "ledger_tampered": 503,
    "case_not_ended": 409,
    "already_rated": 409,
    "connector_unknown": 404,
    "month_unknown": 404,
}


def setup(runtime: Runtime) -> None:
    """Load the log's key (verifiers pin its name) and the connectors and the witness. Raises ConnectorsInvalid,
    WitnessKeyInvalid.
    """
    KEY.load(runtime.settings.data_dir / "audit" / "ledger-key.pem", f"{runtime.settings.ledger_name}/ledger")
    REPORTING.load(runtime.settings.connectors_file)
    RULES.k = runtime.settings.open_data_k
    if runtime.settings.witness_url is not None:
        WITNESSES[:] = [Witness(runtime.settings.witness_url, runtime.settings.witness_key or "")]


def newest_checkpoint(connection: sa.Connection) -> str | None:
    """The signed note, which whoever restores this database can be held to."""
    checkpoint = queries.latest_checkpoint(connection)
    return None if checkpoint is None else str(checkpoint.note)


SERVICE = Service(
    name="audit",
    title="电子监察与存证 / Supervision and ledger",
    database=db,
    migrations=Path(__file__).parent / "migrations",
    blueprints=(
        trails_api,
        ledger_api,
        cards_api,
        ratings_api,
        figures_api,
        board_api,
        exchange_api,
        journal_api,
        open_data_api,
        sandbox_data_api,
    ),
    subscriptions=(LEDGER, SUPERVISION, FIGURES),
    jobs=JOBS,
    gauges=show_gauges,
    tells=(CardRaised, CardRevoked, RatingGiven),
    refusals=REFUSALS,
    setup=setup,
    statement=newest_checkpoint,
)
