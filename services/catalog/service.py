"""Catalog (事项目录): publishes versioned items and tells everyone. THE TABLE OF CONTENTS."""

from __future__ import annotations

from pathlib import Path

from chassis.bus import Subscription
from chassis.service import Runtime, Service
from contracts.item import ItemPublished, ItemResumed, ItemRetired, ItemSuspended, PackagePublished, PackageRetired
from contracts.person import DepartmentRegistered
from contracts.sharing import (
    ResourcePublished,
    ResourceWithdrawn,
    SharedDataUsed,
    SharingEnded,
    SharingGranted,
    SharingOverdue,
    SharingRefused,
    SharingRequested,
)
from services.catalog.adapters.catalog_files import SHIPPED
from services.catalog.adapters.gauges import show_gauges
from services.catalog.api.drafts import drafts_api
from services.catalog.api.items import blp
from services.catalog.api.open_data import open_data_api
from services.catalog.api.packages import packages_api
from services.catalog.api.search import search_api
from services.catalog.api.sharing import sharing_api
from services.catalog.api.versions import versions_api
from services.catalog.api.vocabulary import vocabulary_api
from services.catalog.jobs import JOBS, catalog_import, search_index
from services.catalog.models import db
from services.catalog.use_cases.copy_departments import copy_departments


def setup(runtime: Runtime) -> None:
    """Know where the shipped catalogue is."""
    SHIPPED.path = runtime.settings.catalog_dir / "items"
    SHIPPED.wanted = frozenset(runtime.settings.catalog_items)
    catalog_import.start_over()
    search_index.start_over()


SERVICE = Service(
    name="catalog",
    title="通办·事项目录 / Tongban catalog",
    database=db,
    migrations=Path(__file__).parent / "migrations",
    blueprints=[blp, versions_api, drafts_api, packages_api, search_api, open_data_api, sharing_api, vocabulary_api],
    subscriptions=[Subscription("catalog.departments", {DepartmentRegistered: copy_departments})],
    jobs=JOBS,
    gauges=show_gauges,
    tells=[
        ItemPublished,
        ItemSuspended,
        ItemResumed,
        ItemRetired,
        PackagePublished,
        PackageRetired,
        ResourcePublished,
        ResourceWithdrawn,
        SharingRequested,
        SharingGranted,
        SharingRefused,
        SharingEnded,
        SharingOverdue,
        SharedDataUsed,
    ],
    refusals={
        "item_invalid": 422,
        "department_unknown": 422,
        "retirement_before_effect": 422,
        "basic_code_conflict": 409,
        "effective_before_previous": 409,
        "item_retired": 409,
        "version_conflict": 409,
        "former_code_conflict": 409,
        "item_suspended": 409,
        "item_not_suspended": 409,
        "package_invalid": 422,
        "package_not_found": 404,
        "package_retired": 409,
        "draft_unidentified": 422,
        "draft_not_own": 403,
        "review_of_own_draft": 403,
        "draft_not_found": 404,
        "draft_state": 409,
        "draft_changed": 409,
        "draft_item_fixed": 409,
        "effective_date_past": 409,
        "former_code_unknown": 404,
        "item_not_found": 404,
        "item_not_yet_in_force": 404,
        "version_not_found": 404,
        "table_unknown": 404,
        "resource_invalid": 422,
        "fields_unknown": 422,
        "fields_beyond": 422,
        "reason_missing": 422,
        "case_of_other_item": 422,
        "item_not_of_department": 422,
        "resource_of_other": 409,
        "resource_own": 409,
        "resource_withdrawn": 409,
        "resource_not_shared": 409,
        "application_state": 409,
        "grant_not_in_force": 409,
        "resource_not_found": 404,
        "application_not_found": 404,
    },
    setup=setup,
)
