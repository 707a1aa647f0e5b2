"""Catalog (事项目录): publishes versioned items and tells everyone. THE TABLE OF CONTENTS."""

from __future__ import annotations

from pathlib import Path

from chassis.bus import Subscription
from chassis.service import Runtime, Service
from contracts.item import ItemPublished, ItemRetired
from contracts.person import DepartmentRegistered
from services.catalog.adapters.catalog_files import SHIPPED
from services.catalog.api.items import blp
from services.catalog.api.vocabulary import vocabulary_api
from services.catalog.jobs import JOBS, catalog_import
from services.catalog.models import db
from services.catalog.use_cases.copy_departments import copy_departments


def setup(runtime: Runtime) -> None:
    """Know where the shipped catalogue is."""
    SHIPPED.path = runtime.settings.catalog_dir / "items"
    catalog_import.start_over()


SERVICE = Service(
    name="catalog",
    title="通办·事项目录 / Tongban catalog",
    database=db,
    migrations=Path(__file__).parent / "migrations",
    blueprints=[blp, vocabulary_api],
    subscriptions=[Subscription("catalog.departments", {DepartmentRegistered: copy_departments})],
    jobs=JOBS,
    tells=[ItemPublished, ItemRetired],
    refusals={
        "item_invalid": 422,
        "department_unknown": 422,
        "retirement_before_effect": 422,
        "basic_code_conflict": 409,
        "effective_before_previous": 409,
        "item_retired": 409,
        "version_conflict": 409,
        "item_not_found": 404,
        "item_not_yet_in_force": 404,
        "version_not_found": 404,
    },
    setup=setup,
)
