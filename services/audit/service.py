"""Table of contents of audit (电子监察与存证): the ledger of every event, supervision of departments' clocks, ratings and
figures.
"""

from __future__ import annotations

from pathlib import Path

from chassis.service import Runtime, Service
from contracts.supervision import CardRaised, CardRevoked, RatingGiven
from services.audit.adapters.ledger_key import KEY
from services.audit.api.board import board_api
from services.audit.api.cards import cards_api
from services.audit.api.figures import figures_api
from services.audit.api.ledger import ledger_api
from services.audit.api.ratings import ratings_api
from services.audit.api.trails import trails_api
from services.audit.jobs import JOBS
from services.audit.models import db
from services.audit.subscriptions import FIGURES, LEDGER, SUPERVISION


def setup(runtime: Runtime) -> None:
    """Load the log's key. Its name, which verifiers pin, comes from the issuer."""
    issuer = runtime.settings.issuer.split("://")[-1].strip("/")
    KEY.load(runtime.settings.data_dir / "audit" / "ledger-key.pem", f"{issuer}/ledger")


SERVICE = Service(
    name="audit",
    title="电子监察与存证 / Supervision and ledger",
    database=db,
    migrations=Path(__file__).parent / "migrations",
    blueprints=(trails_api, ledger_api, cards_api, ratings_api, figures_api, board_api),
    subscriptions=(LEDGER, SUPERVISION, FIGURES),
    jobs=JOBS,
    tells=(CardRaised, CardRevoked, RatingGiven),
    refusals={"tree_size_unknown": 404, "ledger_tampered": 503, "case_not_ended": 409, "already_rated": 409},
    setup=setup,
)
