"""A running identity service on a fresh database, and what its callers do."""

from __future__ import annotations

import itertools
import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from flask.testing import FlaskClient
from prometheus_client import REGISTRY

from chassis.auth import TokenVerifier
from chassis.public_keys import PublicKeys
from chassis.service import Runtime
from services.identity.api.desk import DESK, Desk
from services.identity.models import accounts, db
from services.identity.service import SERVICE
from tests.services.identity.program import Came, come_in, register_program
from tests.support import ISSUER, Tokens, bind, make_app, make_runtime

ADULT = "330000198503160026"
CHILD = "33000020190101001X"
SCHOOL = "12339999YX00010199"
EDUCATION = {"code": "education", "name": "教育局", "name_en": "Education", "uscc": "11339999YX0000016U"}
PASSWORD = "correct horse battery"
SECRET = "a-secret-of-a-department-system"


@dataclass
class Counter:
    """The identity service as its callers meet it."""

    client: FlaskClient
    tokens: Tokens
    runtime: Runtime
    folder: Path
    keys: Iterator[int] = field(default_factory=itertools.count)

    @property
    def desk(self) -> Desk:
        made: Desk = self.runtime.parts[DESK]
        return made

    def register(self, what: str, body: Any, *, key: str | None = None, scope: str = "identity:admin") -> Any:
        headers = self.administrator(what, body, scope) | {"Idempotency-Key": key or f"k-{next(self.keys)}"}
        return self.client.post(f"/api/v1/{what}", json=body, headers=headers)

    def administrator(self, what: str, body: Any, scope: str = "identity:admin") -> dict[str, str]:
        """Headers of the administrator whose right it is to register this."""
        if what.endswith("/posts"):
            return self.tokens.headers("posts:give", kind="security_admin")
        if what != "accounts":
            return self.tokens.headers(scope, kind="system_admin")
        scope = "accounts:open" if scope == "identity:admin" else scope
        return self.tokens.headers(scope, kind="system_admin" if body["kind"] == "person" else "security_admin")

    def person(self, number: str = ADULT, name: str = "林晓芸") -> str:
        answer = self.register("parties", {"kind": "person", "name": name, "identity_number": number})
        assert answer.status_code == 201, answer.json
        return str(answer.json["party_id"])

    def organisation(self) -> str:
        answer = self.register("parties", {"kind": "organisation", "name": "第一小学", "uscc": SCHOOL})
        assert answer.status_code == 201, answer.json
        return str(answer.json["party_id"])

    def department(self) -> None:
        assert self.register("departments", EDUCATION).status_code == 201

    def account(self, username: str = "parent", **fields: Any) -> str:
        body = {"username": username, "password": PASSWORD} | (fields or {"kind": "supervisor", "name": "郑监督"})
        answer = self.register("accounts", body)
        assert answer.status_code == 201, answer.json
        with db.transaction() as tx:  # its owner has chosen the password
            tx.execute(sa.update(accounts).where(accounts.c.username == username).values(password_temporary=False))
        return str(answer.json["account_id"])

    def sign_in(self, username: str = "parent", password: str = PASSWORD, **headers: str) -> Came:
        return come_in(self.client.application, username, password, headers)

    def verifier(self) -> TokenVerifier:
        return TokenVerifier(PublicKeys(lambda: self.client.get("/api/v1/jwks").json), ISSUER)


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Every row of every table."""
    with db.read() as connection:
        return {
            table.name: [tuple(row) for row in connection.execute(sa.select(table).order_by(*table.primary_key))]
            for table in db.metadata.sorted_tables
        }


def hashes_computed() -> float:
    """Argon2id computations of this process, as /metrics shows them."""
    return REGISTRY.get_sample_value("tongban_identity_password_hashes_total") or 0.0


@pytest.fixture(scope="session")
def empty_database(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Migrated once for all tests, which each begin with a copy."""
    folder = tmp_path_factory.mktemp("empty")
    bind(SERVICE, folder).engine.dispose()
    return folder / "identity.sqlite"


@pytest.fixture
def counter(tmp_path: Path, empty_database: Path) -> Counter:
    tokens = Tokens("identity")
    copy = shutil.copy(empty_database, tmp_path / "identity.sqlite")
    SERVICE.database.bind(f"sqlite:///{copy}")
    register_program()
    runtime = make_runtime(SERVICE, tmp_path, tokens, staff_second_factor="offered")
    return Counter(make_app(SERVICE, runtime).test_client(), tokens, runtime, tmp_path)


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.servers)])
def database_url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    """A fresh database on each kind of server."""
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/identity.sqlite"
    url: str = request.getfixturevalue("postgresql_url")
    return url
