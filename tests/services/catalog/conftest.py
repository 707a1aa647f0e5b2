from __future__ import annotations

import copy
import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask.testing import FlaskClient

from contracts.person import DepartmentRegistered
from services.catalog.adapters.catalog_files import read_entry
from services.catalog.adapters.definition_document import document_of
from services.catalog.service import SERVICE
from tests.support import Tokens, bind, deliver, envelope_bytes, make_app, make_runtime

CATALOGS = Path(__file__).parents[3] / "catalogs"
DEPARTMENTS = (
    "education", "police", "transport", "county_government", "natural_resources",
    "housing", "human_resources", "market_regulation", "health",
)  # fmt: skip
_SCHOOL_BUS = document_of(read_entry(CATALOGS / "items" / "school-bus-permit.yaml").definition)


@pytest.fixture
def school_bus() -> dict[str, Any]:
    """The product's school bus item as a document, free to be changed."""
    return copy.deepcopy(_SCHOOL_BUS)


@pytest.fixture
def tokens() -> Tokens:
    return Tokens("catalog")


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An SQLite file at the newest revision: copying it is much faster than migrating again."""
    folder = tmp_path_factory.mktemp("catalog")
    bind(SERVICE, folder).engine.dispose()
    return folder / "catalog.sqlite"


@pytest.fixture
def client(tmp_path: Path, tokens: Tokens, empty_database: Path) -> Iterator[FlaskClient]:
    shutil.copy(empty_database, tmp_path)
    SERVICE.database.bind(f"sqlite:///{tmp_path}/catalog.sqlite")
    yield make_app(SERVICE, make_runtime(SERVICE, tmp_path, tokens, catalog_dir=CATALOGS)).test_client()
    SERVICE.database.engine.dispose()


@pytest.fixture
def departments(client: FlaskClient) -> None:
    """Every department is registered."""
    register(*DEPARTMENTS)


def register(*codes: str) -> None:
    bodies = [
        envelope_bytes(
            DepartmentRegistered(code=code, name=f"{code}局", name_en=code, uscc="11339999YX0000016U"),
            source="identity",
        )
        for code in codes
    ]
    deliver(SERVICE, "catalog.departments", *bodies)


class Publisher:
    """An administrator at work on the API."""

    def __init__(self, client: FlaskClient, tokens: Tokens) -> None:
        self._client, self._tokens = client, tokens
        self._count = 0

    def publish(self, document: Any, *, key: str | None = None) -> Any:
        return self._post("/api/v1/items", document, key)

    def retire(self, item_code: str, body: Any, *, key: str | None = None) -> Any:
        return self._post(f"/api/v1/items/{item_code}/retirement", body, key)

    def _post(self, path: str, body: Any, key: str | None) -> Any:
        data = json.dumps(body)  # ASCII only, so that lone surrogates get through
        return self._client.post(path, data=data, content_type="application/json", headers=self._headers(key))

    def _headers(self, key: str | None) -> dict[str, str]:
        self._count += 1
        headers = self._tokens.headers("catalog:publish", sub="a-1", kind="system_admin")
        return headers | {"Idempotency-Key": key or f"k-{self._count}"}


@pytest.fixture
def publisher(client: FlaskClient, tokens: Tokens) -> Publisher:
    return Publisher(client, tokens)
