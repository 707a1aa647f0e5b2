from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from alembic import command
from flask.testing import FlaskClient

from chassis.migrate import config_for
from contracts.item import ItemPublished, ItemRetired
from services.catalog import jobs
from services.catalog.adapters.catalog_files import SHIPPED, CatalogFileError, read_entry
from services.catalog.domain.codes import parse_item_code
from services.catalog.domain.definition import departments_of
from services.catalog.jobs import JOBS, catalog_import
from services.catalog.models import db
from services.catalog.service import SERVICE
from tests.services.catalog.conftest import CATALOGS, DEPARTMENTS, Publisher, register
from tests.support import Tokens, make_client, make_runtime, told

SHIPPED_FILES = sorted((CATALOGS / "items").glob("*.yaml"))
CANCELLED = "11339999YX0000016U4000105035000"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A catalogue of one's own, to be changed."""
    return Path(shutil.copytree(CATALOGS, tmp_path / "catalogs"))


@pytest.fixture
def client(tmp_path: Path, tokens: Tokens, folder: Path) -> Iterator[FlaskClient]:
    yield make_client(SERVICE, tmp_path, tokens, catalog_dir=folder)
    SERVICE.database.engine.dispose()


def run_import() -> None:
    catalog_import.start_over()
    catalog_import()


def published() -> list[tuple[str, int]]:
    return sorted((event.item.name, event.item.version) for event in told(db, ItemPublished))


def change(file: Path, old: str, new: str) -> None:
    text = file.read_text("utf-8")
    assert old in text
    file.write_text(text.replace(old, new), "utf-8")


def test_the_import_waits_for_the_departments_and_takes_in_what_it_can(client: FlaskClient) -> None:
    catalog_import()
    assert told(db) == []
    register("education", "police", "transport", "county_government")
    catalog_import()
    assert published() == [("校车使用许可", 1), ("自费出国留学中介服务机构资格认定", 1)]
    register(*DEPARTMENTS)
    catalog_import()
    assert len(published()) == 3


def test_importing_again_changes_nothing(client: FlaskClient) -> None:
    register(*DEPARTMENTS)
    run_import()
    before = len(told(db))
    run_import()
    run_import()
    assert len(told(db)) == before


def test_it_rests_only_when_nothing_waits_any_more(client: FlaskClient, folder: Path) -> None:
    assert JOBS[0].every_s == 2.0
    catalog_import()
    register(*DEPARTMENTS)
    catalog_import()
    assert len(published()) == 3
    change(folder / "items" / "school-bus-permit.yaml", "School bus permit (new)", "New permit")
    catalog_import()
    assert len(published()) == 3
    run_import()
    assert len(published()) == 4


def test_a_changed_file_is_the_next_version(client: FlaskClient, folder: Path) -> None:
    register(*DEPARTMENTS)
    run_import()
    change(folder / "items" / "school-bus-permit.yaml", "School bus permit (new)", "New permit")
    run_import()
    assert ("校车使用许可", 2) in published()


def test_a_file_that_only_looks_different_is_the_same_version(client: FlaskClient, folder: Path) -> None:
    register(*DEPARTMENTS)
    run_import()
    file = folder / "items" / "school-bus-permit.yaml"
    file.write_text("# 备注\n" + file.read_text("utf-8") + "\n", "utf-8")
    change(file, 'item_type: "01"', "item_type: '01'")
    run_import()
    assert len(published()) == 3


def test_the_files_do_not_undo_what_was_published_since(
    client: FlaskClient, publisher: Publisher, school_bus: dict[str, object]
) -> None:
    register(*DEPARTMENTS)
    run_import()
    assert publisher.publish(school_bus | {"name_en": "School bus licence"}).json["version"] == 2
    run_import()
    assert len(published()) == 4
    assert client.get(f"/api/v1/items/{school_bus['item_code']}").json["version"] == 2


def test_a_cancelled_item_comes_in_published_and_retired_at_once(client: FlaskClient) -> None:
    register(*DEPARTMENTS)
    run_import()
    [retired] = told(db, ItemRetired)
    assert retired.item_code == CANCELLED
    assert retired.retired_on.isoformat() == "2017-01-12"
    assert client.get(f"/api/v1/items/{CANCELLED}").json["state"] == "retired"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{ amount: 11, unit: working_day }", "{ amount: 99, unit: working_day }"),
        ("name: 校车使用许可\n", "name: [\n"),
        ("name: 校车使用许可\n", "colour: 黄\n"),
    ],
)
def test_a_faulty_file_does_not_hold_up_the_others(client: FlaskClient, folder: Path, old: str, new: str) -> None:
    register(*DEPARTMENTS)
    change(folder / "items" / "school-bus-permit.yaml", old, new)
    run_import()
    assert [name for name, _ in published()] == ["教育入学一件事", "自费出国留学中介服务机构资格认定"]


def test_an_unreadable_file_is_named_with_everything_that_is_wrong(folder: Path) -> None:
    file = folder / "items" / "school-bus-permit.yaml"
    change(file, "name: 校车使用许可\n", "colour: 黄\n")
    change(file, 'case_kind: "2"', "case_kind: 2")
    with pytest.raises(CatalogFileError, match=r"(?s)school-bus-permit.yaml.*colour.*case_kind|case_kind.*colour"):
        read_entry(file)


def test_a_file_is_read_again_only_when_it_or_a_shared_part_has_changed(
    client: FlaskClient, folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    register(*DEPARTMENTS)
    run_import()
    read: list[str] = []
    monkeypatch.setattr(jobs, "read_entry", lambda file: read.append(file.stem) or read_entry(file))
    monkeypatch.setattr(jobs, "REST_S", 0.0)
    catalog_import._rest_until = 0.0
    catalog_import()
    assert read == []
    touch(folder / "items" / "school-enrolment.yaml")
    catalog_import()
    assert read == ["school-enrolment"]
    touch(folder / "shared" / "forms.yaml")
    catalog_import()
    assert sorted(read) == ["school-bus-permit", "school-enrolment", "school-enrolment", "study-abroad-agency"]


def touch(file: Path) -> None:
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1_000_000_000))


def test_only_the_files_that_are_named_are_imported(tmp_path: Path, tokens: Tokens) -> None:
    for names, found in ((["school-enrolment"], {"school-enrolment"}), ([], {f.stem for f in SHIPPED_FILES})):
        SERVICE.setup(make_runtime(SERVICE, tmp_path, tokens, catalog_dir=CATALOGS, catalog_items=names))
        assert {file.stem for file in SHIPPED.files()} == found
        assert bool(SHIPPED.packages()) == (not names)


def test_an_empty_folder_is_an_empty_catalogue(client: FlaskClient, tmp_path: Path) -> None:
    SHIPPED.path = tmp_path / "nowhere"
    run_import()
    assert told(db) == []


@pytest.mark.parametrize("file", sorted((CATALOGS / "items").glob("*.yaml")), ids=lambda file: file.stem)
def test_shipped_items_belong_to_departments_of_the_shipped_directory(file: Path) -> None:
    directory = yaml.safe_load((CATALOGS / "directory" / "demo.yaml").read_text("utf-8"))
    credit_codes = {department["code"]: department["uscc"] for department in directory["departments"]}
    definition = read_entry(file).definition
    assert departments_of(definition) <= set(credit_codes)
    assert parse_item_code(definition.item_code).uscc == credit_codes[definition.lead_department]
    assert definition.result.licence.issuer_uscc in credit_codes.values()


def test_topics_of_versions_from_before_they_were_columns_are_found(client: FlaskClient) -> None:
    register(*DEPARTMENTS)
    run_import()
    config = config_for(SERVICE.migrations)
    config.attributes["database"] = db
    command.downgrade(config, "0002")
    command.upgrade(config, "head")
    [found] = client.get("/api/v1/items?person_topic=020").json["items"]
    assert (found["name"], found["person_topics"], found["organisation_topics"]) == ("教育入学一件事", ["020"], [])
