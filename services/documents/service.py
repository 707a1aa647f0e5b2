"""Documents (材料与证照): stores materials, issues electronic licences, and lets anyone check one."""

from __future__ import annotations

from pathlib import Path

from chassis.migrate import behind
from chassis.service import Runtime, Service
from contracts.licence import LicenceIssued, MaterialStored
from services.documents.adapters.gauges import show_gauges
from services.documents.adapters.tools import set_up, tools
from services.documents.api.keys import KEYS
from services.documents.api.licences import LICENCES
from services.documents.api.materials import MATERIALS
from services.documents.api.sandbox import SANDBOX
from services.documents.jobs import JOBS
from services.documents.models import db
from services.documents.subscriptions import SUBSCRIPTIONS
from services.documents.use_cases.after_restore import after_restore
from services.documents.use_cases.seal_holders import seal_holders

MIGRATIONS = Path(__file__).with_name("migrations")

REFUSALS = {
    "length_required": 411,
    "item_unknown": 404,
    "item_not_delegated": 403,
    "material_not_own": 403,
    "material_not_in_guide": 422,
    "media_type_not_allowed": 415,
    "material_content_mismatch": 422,
    "material_empty": 422,
    "material_too_large": 413,
    "material_infected": 422,
    "scanner_unavailable": 503,
    "material_unknown": 404,
    "licence_number_invalid": 422,
    "licence_unknown": 404,
    "file_too_large": 413,
}


def setup(runtime: Runtime) -> None:
    """Make ready what this process needs, then seal what an older release has left open. Raises DataKeyWrong."""
    set_up(runtime)
    if behind(db, MIGRATIONS) is None:
        seal_holders(tools().holder_keys)


SERVICE = Service(
    name="documents",
    title="材料与证照服务 / Documents",
    database=db,
    migrations=MIGRATIONS,
    blueprints=(MATERIALS, LICENCES, KEYS, SANDBOX),
    subscriptions=SUBSCRIPTIONS,
    jobs=JOBS,
    gauges=show_gauges,
    tells=(MaterialStored, LicenceIssued),
    refusals=REFUSALS,
    setup=setup,
    blobs="documents/blobs",
    restored=after_restore,
)
