"""A set-up documents service on its own database, with a published item and a registered holder."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient

from contracts.envelope import Event
from contracts.licence import LicenceIssued
from services.documents.models import db, licences
from services.documents.service import SERVICE
from tests.factories.licences import approved, published, registered
from tests.support import Tokens, deliver, envelope_bytes, make_client, told

SOURCES = {"item": "catalog", "party": "identity", "task": "workflow", "case": "workflow"}


@dataclass
class Desk:
    """The service as its neighbours see it."""

    client: FlaskClient
    tokens: Tokens
    folder: Path

    def hear(self, *events: Event) -> None:
        for event in events:
            family = event.TYPE.split(".")[0]
            queue = "documents.licences" if family == "case" else "documents.copies"
            deliver(SERVICE, queue, envelope_bytes(event, source=SOURCES[family]))

    def issue(self, **fields: Any) -> LicenceIssued:
        """Approve a case and return what was told of its licence."""
        self.hear(approved(**fields))
        issued: LicenceIssued = told(db, LicenceIssued)[-1]
        return issued

    def pdf(self, issued: LicenceIssued) -> bytes:
        headers = self.tokens.headers("licences:read", party=issued.holder_id)
        answer = self.client.get(f"/api/v1/licences/{issued.licence_no}/pdf", headers=headers)
        assert answer.status_code == 200
        return answer.get_data()

    def ca(self) -> bytes:
        return self.client.get("/api/v1/licence-ca").get_data()

    def licence_rows(self) -> list[Any]:
        with db.read() as connection:
            return list(connection.execute(sa.select(licences).order_by(licences.c.licence_no)))

    def files(self) -> list[Path]:
        """Every blob and draft on disk."""
        return [path for path in (self.folder / "documents" / "blobs").rglob("*") if path.is_file()]


@pytest.fixture
def empty_desk(tmp_path: Path) -> Desk:
    tokens = Tokens("documents")
    return Desk(make_client(SERVICE, tmp_path, tokens), tokens, tmp_path)


@pytest.fixture
def desk(empty_desk: Desk) -> Desk:
    empty_desk.hear(published(), registered())
    return empty_desk


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database on each kind of server."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/documents.sqlite"
    url: str = request.getfixturevalue("postgresql_url")
    return url
