"""What the tests about people share: accounts of persons, their tokens, and the registers' file."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy as sa
import yaml

from chassis.auth import TokenVerifier
from services.identity.domain.directory import Account
from services.identity.models import accounts, db
from services.identity.use_cases.open_account import add_account
from tests.services.identity.conftest import ADULT, CHILD, SCHOOL, Counter

OTHER = "330000198807230046"
SELF = "data:self delegations:write"
REGISTERS = {
    "people": [
        {
            "name": "林晓芸",
            "identity_number": ADULT,
            "mobile": "13800001234",
            "card_valid_until": "2035-01-31",
        },
        {"name": "周敏", "identity_number": OTHER},
        {"name": "林小宝", "identity_number": CHILD, "guardians": [ADULT]},
    ],
    "organisations": [{"name": "第一小学", "uscc": SCHOOL, "legal_representative": "林晓芸"}],
}


def registers_file(folder: Path, **more: Any) -> Path:
    file = folder / "registers.yaml"
    file.write_text(yaml.safe_dump(REGISTERS | more, allow_unicode=True), encoding="utf-8")
    return file


@dataclass
class Person:
    """Somebody with an account, as the API meets them."""

    counter: Counter
    party_id: str
    account_id: str
    acts_for: str = field(default="")

    def headers(self, scope: str = SELF, **claims: Any) -> dict[str, str]:
        held = {"sub": self.account_id, "party": self.acts_for or self.party_id, "name": "本人"} | claims
        return self.counter.tokens.headers(scope, **held) | {"Idempotency-Key": f"k-{next(self.counter.keys)}"}

    def get(self, address: str) -> Any:
        return self.counter.client.get(f"/api/v1/{address}", headers=self.headers())

    def post(self, address: str, body: Any = None, **claims: Any) -> Any:
        return self.counter.client.post(f"/api/v1/{address}", json=body, headers=self.headers(**claims))

    def put(self, address: str, body: Any) -> Any:
        return self.counter.client.put(f"/api/v1/{address}", json=body, headers=self.headers())

    def level(self) -> int:
        with db.read() as connection:
            mine = sa.select(accounts.c.level).where(accounts.c.account_id == self.account_id)
            return int(connection.execute(mine).scalar_one())


def somebody(counter: Counter, number: str = ADULT, name: str = "林晓芸", *, acts_for: str | None = None) -> Person:
    """Registered, with an account whose password is not temporary."""
    party_id = counter.person(number, name)
    account = Account(username=f"user-{number[-6:].lower()}", kind="person", person_id=party_id, party_id=acts_for)
    with db.transaction() as tx:
        account_id = add_account(tx, account, "no hash", password_set_at=datetime.now(UTC), temporary=False, by="a-1")
    assert account_id is not None
    return Person(counter, party_id, account_id, acts_for or "")


def claims_of(counter: Counter, token: str) -> Any:
    """The principal that services see in a token that identity issued."""
    from chassis.public_keys import PublicKeys
    from tests.support import ISSUER

    return TokenVerifier(PublicKeys(lambda: counter.client.get("/api/v1/jwks").json), ISSUER).principal(token)
