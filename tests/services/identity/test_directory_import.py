"""The directory file: the demonstration's, imported as often as one likes, and files that are wrong."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml
from flask.testing import FlaskClient
from stdnum.cn import ric, uscc

from contracts.administration import AdministrationActed
from contracts.person import DepartmentRegistered, PartyRegistered
from contracts.rights import scopes_of
from services.identity.adapters.directory_file import DirectoryInvalid
from services.identity.domain.scopes import ACCOUNT_KINDS
from services.identity.models import db
from services.identity.service import SERVICE
from tests.services.identity.conftest import everything as every_row
from tests.services.identity.conftest import hashes_computed
from tests.services.identity.program import come_in, register_program
from tests.support import Tokens, bind, make_app, make_runtime, told

DEMO = Path(__file__).parents[3] / "catalogs" / "directory" / "demo.yaml"
DEPARTMENTS = {
    "education",
    "police",
    "transport",
    "county_government",
    "natural_resources",
    "housing",
    "human_resources",
    "market_regulation",
    "health",
}
OF_EVERY_SORT: dict[str, list[dict[str, Any]]] = {
    "departments": [{"code": "education", "name": "教育局", "name_en": "Education", "uscc": "11339999YX0000016U"}],
    "clients": [{"client_id": "edu-system", "client_secret": "secret-" * 4, "department": "education"}],
    "people": [{"name": "林晓芸", "identity_number": "330000198503160026"}],
    "organisations": [{"name": "第一小学", "uscc": "12339999YX00010199"}],
    "accounts": [
        {
            "username": "agent",
            "password": "very-secret-word",
            "kind": "person",
            "person": "330000198503160026",
            "acts_for": "12339999YX00010199",
        }
    ],
}
SECRETS = ("secret-", "very-secret-word", "330000198503160026", "330000198503160025")


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    bind(SERVICE, tmp_path)
    return tmp_path


def everything() -> dict[str, list[tuple[Any, ...]]]:
    """Every row but the keys that a process makes before it reads the file."""
    return {table: rows for table, rows in every_row().items() if table != "signing_keys"}


def start(folder: Path, file: Path) -> FlaskClient:
    """A process of identity that is told of ``file``."""
    return make_app(
        SERVICE, make_runtime(SERVICE, folder, Tokens(), directory_file=file, staff_second_factor="offered")
    ).test_client()


def written(folder: Path, directory: Any) -> Path:
    file = folder / "directory.yaml"
    file.write_text(yaml.safe_dump(directory, allow_unicode=True), encoding="utf-8")
    return file


def changed(section: str, **fields: Any) -> dict[str, Any]:
    """A good directory with the first entry of one section changed; a field given as None is left out."""
    entry = {name: value for name, value in (OF_EVERY_SORT[section][0] | fields).items() if value is not None}
    return OF_EVERY_SORT | {section: [entry]}


def test_everyone_in_the_demonstration_can_sign_in(folder: Path) -> None:
    client = start(folder, DEMO)
    directory = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    for account in directory["accounts"]:
        came = come_in(client.application, account["username"], account["password"])
        assert came.status_code == 200, account["username"]
    for system in directory["clients"]:
        assert client.post("/oauth2/token", data={"grant_type": "client_credentials"} | system).status_code == 200


def test_the_demonstration_has_every_part_that_its_items_need() -> None:
    directory = yaml.safe_load(DEMO.read_text(encoding="utf-8"))
    officers = {a["department"] for a in directory["accounts"] if a["kind"] == "officer"}
    assert {d["code"] for d in directory["departments"]} > DEPARTMENTS  # others take part in items that are not played
    assert {c["department"] for c in directory["clients"]} == officers == DEPARTMENTS
    assert {a["kind"] for a in directory["accounts"]} == set(ACCOUNT_KINDS)
    assert all(ric.is_valid(p["identity_number"]) for p in directory["people"])
    assert all(uscc.is_valid(o["uscc"]) for o in directory["departments"] + directory["organisations"])


def test_the_import_tells_of_every_department_and_party(folder: Path) -> None:
    start(folder, DEMO)
    assert {event.code for event in told(db, DepartmentRegistered)} > DEPARTMENTS
    assert {event.name for event in told(db, PartyRegistered)} == {"周敏", "林晓芸", "云溪县第一小学"}


def test_a_second_import_changes_nothing_and_computes_nothing(folder: Path) -> None:
    start(folder, DEMO)
    before, computed = everything(), hashes_computed()
    start(folder, DEMO)
    assert everything() == before
    assert hashes_computed() == computed


ACTS = ["client.registered", "account.opened", "directory.imported"]


def test_processes_that_start_together_register_everything_once(folder: Path) -> None:
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: start(folder, written(folder, OF_EVERY_SORT)), range(3)))
    assert [event.act for event in told(db, AdministrationActed)] == ACTS
    assert {table: len(rows) for table, rows in everything().items() if rows} == {
        "departments": 1,
        "clients": 1,
        "parties": 2,
        "party_keys": 2,
        "accounts": 1,
        "outbox": 3 + len(ACTS),
    }
    assert told(db, AdministrationActed)[-1].after == "accounts 1, clients 1, departments 1, organisations 1, people 1"
    assert {event.by for event in told(db, AdministrationActed)} == {"directory"}


def test_what_is_added_to_the_file_is_added_to_the_directory(folder: Path) -> None:
    start(folder, written(folder, OF_EVERY_SORT))
    before = everything()
    second = {"username": "parent", "password": "another-secret", "kind": "person", "person": "330000198503160026"}
    start(folder, written(folder, OF_EVERY_SORT | {"accounts": [*OF_EVERY_SORT["accounts"], second]}))
    after = everything()
    assert len(after.pop("accounts")) == len(before.pop("accounts")) + 1
    assert after.pop("outbox")[: len(before["outbox"])] == before.pop("outbox")
    assert after == before
    *_, opened, imported = told(db, AdministrationActed)
    assert (opened.act, opened.after, imported.act, imported.after) == (
        "account.opened",
        "person",
        "directory.imported",
        "accounts 1",
    )


def test_a_password_in_the_file_does_not_replace_one_in_force(folder: Path) -> None:
    start(folder, written(folder, OF_EVERY_SORT))
    before = everything()
    start(folder, written(folder, changed("accounts", password="another-secret")))
    assert everything() == before


@pytest.mark.parametrize("empty", ["{}", "departments: []\n"])
def test_an_empty_directory_is_a_directory(folder: Path, empty: str) -> None:
    file = folder / "directory.yaml"
    file.write_text(empty)
    before = everything()
    start(folder, file)
    assert everything() == before


WRONG: dict[str, tuple[Any, str]] = {
    "identity number": (changed("people", identity_number="330000198503160025"), "people[0]: 公民身份号码有误"),
    "number without quotes": (changed("people", identity_number=330000198503160026), "$.people[0].identity_number"),
    "credit code": (changed("organisations", uscc="12339999YX0001019A"), "organisations[0]: 统一社会信用代码有误"),
    "department's code": (changed("departments", code="Education"), "$.departments[0].code"),
    "department's credit code": (changed("departments", uscc="11339999YX0000016V"), "departments[0]"),
    "client of no department": (changed("clients", department="health"), "clients[0]: 没有这个部门"),
    "short secret": (changed("clients", client_secret="secret-"), "$.clients[0].client_secret"),
    "short password": (changed("accounts", password="secret-"), "$.accounts[0].password"),
    "kind": (changed("accounts", kind="king"), "$.accounts[0].kind"),
    "party not in the file": (changed("accounts", acts_for="11339999YX0000016U"), "accounts[0]: 文件中没有"),
    "account of nobody": (changed("accounts", person=None), "accounts[0]: 个人账号须指明本人"),
    "missing field": (changed("departments", name=None), "`name`"),
    "surplus field": (changed("departments", nmae="教育局"), "`nmae`"),
    "surplus section": (OF_EVERY_SORT | {"persons": []}, "`persons`"),
    "no mapping": ([1, 2], "`object`"),
    "nothing": (None, "`object`"),
}


@pytest.mark.parametrize(("directory", "said"), WRONG.values(), ids=WRONG.keys())
def test_a_wrong_file_is_refused_with_the_place_and_registers_nothing(folder: Path, directory: Any, said: str) -> None:
    before = everything()
    file = written(folder, directory)
    with pytest.raises(DirectoryInvalid) as refused:
        start(folder, file)
    assert str(refused.value).startswith(f"{file}: ")
    assert said in str(refused.value)
    assert not any(secret in str(refused.value) for secret in SECRETS)
    assert everything() == before


BROKEN = (
    b"people:\n  - {name: x, identity_number: '330000198503160026'\nother: ]",
    b"\xff\xfe\x00",
    b"a: *secret-",
    b"!!python/object:os.system {}",
)


@pytest.mark.parametrize("content", BROKEN)
def test_what_is_no_yaml_is_refused_without_quoting_it(folder: Path, content: bytes) -> None:
    file = folder / "directory.yaml"
    file.write_bytes(content)
    with pytest.raises(DirectoryInvalid) as refused:
        start(folder, file)
    assert "YAML" in str(refused.value)
    assert not any(secret in str(refused.value) for secret in SECRETS)


def test_a_missing_file_is_named(folder: Path) -> None:
    with pytest.raises(DirectoryInvalid, match=r"nowhere\.yaml"):
        start(folder, folder / "nowhere.yaml")


def test_a_database_without_tables_is_said_to_be_the_reason(tmp_path: Path) -> None:
    db.bind(f"sqlite:///{tmp_path}/identity.sqlite")
    with pytest.raises(DirectoryInvalid, match="--role migrate"):
        start(tmp_path, DEMO)


def test_the_file_vouches_for_people_and_gives_staff_their_posts(folder: Path) -> None:
    start(folder, DEMO)
    rows = everything()
    assert sorted(row[9] for row in rows["verifications"] if row[3] == "directory") == ["directory", "directory"]
    assert [(row[1], row[4]) for row in rows["posts"]] == [("window", "education")]
    with db.read() as connection:
        levels = dict(connection.execute(sa.text("SELECT username, level FROM accounts")).tuples().all())
    assert (levels["school-agent"], levels["parent"], levels["officer-police"]) == (5, 4, 2)


@pytest.mark.parametrize(
    ("fields", "where"),
    [
        ({"level": 6}, "accounts[0]"),
        (
            {"posts": [{"code": "window", "name": "窗口", "department": "education", "from_on": "2024-01-01"}]},
            "accounts[0]",
        ),
    ],
)
def test_a_level_or_a_post_that_fits_nobody_stops_the_start(folder: Path, fields: dict[str, Any], where: str) -> None:
    before = everything()
    with pytest.raises(DirectoryInvalid) as invalid:
        start(folder, written(folder, changed("accounts", **fields)))
    assert where in str(invalid.value)
    assert everything() == before


@pytest.mark.parametrize(
    ("field", "scope"),
    [
        ({"password_set_on": date(2026, 1, 1)}, "account:self"),
        ({"password_temporary": True}, "account:self"),
        ({}, scopes_of("person")),
    ],
    ids=["old", "for once", "new"],
)
def test_an_imported_password_may_be_old_or_for_once(folder: Path, field: dict[str, Any], scope: str) -> None:
    client = start(folder, written(folder, changed("accounts", **field)))
    [account] = OF_EVERY_SORT["accounts"]
    register_program()
    came = come_in(client.application, account["username"], account["password"])
    assert came.json["scope"] == f"openid {scope}"
