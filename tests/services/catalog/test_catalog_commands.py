"""``tongban catalog``: files are judged with their lines, compared, sent to a platform and taken from it."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from chassis.cli import main
from contracts.item import ItemPublished, PackageRetired
from services.catalog.adapters.catalog_files import read_entry
from services.catalog.adapters.package_document import read_package
from services.catalog.models import db
from tests.services.catalog.conftest import CATALOGS, register
from tests.support import Tokens, told

BUS = CATALOGS / "items" / "school-bus-permit.yaml"
AGENCY = CATALOGS / "items" / "study-abroad-agency.yaml"
NO_BASIS = 'basis: ""'
CODE = "11339999YX0000016U4000105016000"


@pytest.fixture
def server(client: FlaskClient, departments: None) -> Iterator[str]:
    """The catalogue's API on a socket."""
    listening = make_server("127.0.0.1", 0, client.application, threaded=True)
    thread = threading.Thread(target=listening.serve_forever, daemon=True)
    thread.start()
    yield f"http://127.0.0.1:{listening.server_port}"
    listening.shutdown()
    thread.join()


@pytest.fixture
def token(tokens: Tokens) -> str:
    return tokens.mint("catalog:publish", sub="a-1", kind="system_admin")


def run(*arguments: object) -> Result:
    return CliRunner().invoke(main, ["catalog", *map(str, arguments)])


def changed(folder: Path, *changes: tuple[str, str]) -> Path:
    text = BUS.read_text("utf-8")
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    file = folder / "bus.yaml"
    file.write_text(text, "utf-8")
    return file


def line_of(file: Path, text: str) -> int:
    return next(n for n, line in enumerate(file.read_text("utf-8").splitlines(), 1) if text in line)


def test_validate_names_file_and_line_of_every_finding_and_exits_1(tmp_path: Path) -> None:
    file = changed(
        tmp_path,
        ("complaint_phone: 0399-5550116", "complaint_phone: 0399-5550105"),
        ("basis: 《校车安全管理条例》第十四条第三项", NO_BASIS),
        ("case_kind:", "colour: 黄\ncase_kind:"),
    )
    done = run("validate", file, "--no-advice")
    assert done.exit_code == 1
    found = [line.split(": ")[0:2] for line in done.output.splitlines()[:-1]]
    assert sorted((place, said.split(" ")[0]) for place, said in found) == sorted(
        [
            (f"{file}:{line_of(file, 'complaint_phone')}", "phones_equal"),
            (f"{file}:{line_of(file, NO_BASIS)}", "material_basis_missing"),
            (f"{file}:{line_of(file, 'colour')}", "element_invalid"),
        ]
    )


def test_validate_points_to_where_a_shared_part_is_used(tmp_path: Path) -> None:
    folder = Path(shutil.copytree(CATALOGS, tmp_path / "catalogs", ignore=shutil.ignore_patterns("directory")))
    shared = folder / "shared" / "agencies.yaml"
    shared.write_text(shared.read_text("utf-8").replace("0390-5550216", "0390-5550205"), "utf-8")
    file = folder / "items" / "university-charter.yaml"
    done = run("validate", file, "--no-advice")
    assert done.exit_code == 1
    assert done.output.startswith(f"{file}:{line_of(file, 'use: province')}: phones_equal")


@pytest.mark.parametrize("text", ["a: [", "use: nothing\n", "- 1\n"], ids=["no YAML", "no such part", "no item"])
def test_validate_says_what_is_no_item_at_all(tmp_path: Path, text: str) -> None:
    file = tmp_path / "x.yaml"
    file.write_text(text, "utf-8")
    done = run("validate", file)
    assert (done.exit_code, done.exception.__class__) == (1, SystemExit)
    assert f"{file}:" in done.output


def test_diff_of_two_files_lists_the_changes_in_both_languages(tmp_path: Path) -> None:
    file = changed(tmp_path, ("committed_limit: { amount: 11,", "committed_limit: { amount: 12,"))
    assert run("diff", BUS, BUS).exit_code == 0
    done = run("diff", BUS, file)
    assert done.exit_code == 1
    assert done.output.startswith("/committed_limit/amount: ")
    assert " / " in done.output.splitlines()[0]


def test_import_publishes_once_and_retires_what_the_file_says(server: str, token: str) -> None:
    for said in ("已发布", "未变"):
        done = run("import", BUS, AGENCY, "--server", server, "--token", token)
        assert done.exit_code == 0, done.output
        assert done.output.count(said) == 2
    assert [event.item_code for event in told(db, ItemPublished)].count(CODE) == 1
    shown = run("export", "--format", "json", "--server", server)
    assert {one["name"]: one["state"] for one in json.loads(shown.output)} == {
        "校车使用许可": "in_force",
        "自费出国留学中介服务机构资格认定": "retired",
    }


def test_import_tries_every_file_and_says_what_the_platform_refused(server: str, token: str, tmp_path: Path) -> None:
    bad = changed(tmp_path, ("complaint_phone: 0399-5550116", "complaint_phone: 0399-5550105"))
    done = run("import", bad, AGENCY, "--server", server, "--token", token)
    assert done.exit_code == 1
    assert "phones_equal office.complaint_phone" in done.output
    assert [event.item.name for event in told(db, ItemPublished)] == ["自费出国留学中介服务机构资格认定"]
    assert run("import", BUS, "--server", server).exit_code == 1  # without a token
    assert len(told(db, ItemPublished)) == 1


def test_diff_with_the_platform_needs_one_file(server: str, token: str, tmp_path: Path) -> None:
    assert run("import", BUS, "--server", server, "--token", token).exit_code == 0
    assert run("diff", BUS, "--server", server).exit_code == 0
    file = changed(tmp_path, ("name_en: School bus permit\n", "name_en: Permit of school buses\n"))
    done = run("diff", CODE, file, "--server", server)
    assert (done.exit_code, done.output.splitlines()[0].split(":")[0]) == (1, "/name_en")


def test_what_is_exported_as_yaml_says_the_same_when_it_is_read(server: str, token: str, tmp_path: Path) -> None:
    assert run("import", BUS, AGENCY, "--server", server, "--token", token).exit_code == 0
    done = run("export", "--to", tmp_path / "out", "--server", server)
    assert done.exit_code == 0, done.output
    files = sorted((tmp_path / "out").iterdir())
    assert [read_entry(file).definition for file in files] == [read_entry(file).definition for file in (AGENCY, BUS)]
    [retired] = [yaml.safe_load(file.read_text("utf-8"))["retirement"] for file in files if "recognition" in file.name]
    assert retired["retired_on"] == "2017-01-12"


def test_a_package_is_published_after_its_items_compared_exported_and_retired(
    server: str, token: str, tmp_path: Path
) -> None:
    package = CATALOGS / "packages" / "private-school-opening.yaml"
    codes = [part.item_code for part in read_package(package).definition.parts]
    items = [file for file in sorted((CATALOGS / "items").glob("*.yaml")) if _code_of(file) in codes]
    register("civil_affairs", "fire_rescue")
    for said in ("已发布", "未变"):
        done = run("import", package, *items, "--server", server, "--token", token)
        assert (done.exit_code, done.output.count(said)) == (0, len(items) + 1), done.output
    assert run("diff", package, "--server", server).exit_code == 0
    written = yaml.safe_load(package.read_text("utf-8")) | {"name_en": "Opening a school"}
    file = tmp_path / "package.yaml"
    file.write_text(yaml.safe_dump(written, allow_unicode=True), "utf-8")
    differs = run("diff", "private_school_opening", file, "--server", server)
    assert (differs.exit_code, differs.output.split(":")[0]) == (1, "/name_en")
    assert run("export", "--to", tmp_path / "out", "--server", server).exit_code == 0
    exported = read_package(tmp_path / "out" / "package-private_school_opening.yaml")
    assert exported.definition == read_package(package).definition
    assert run("import", file, "--draft", "--server", server, "--token", token).exit_code == 1
    written["retirement"] = {"retired_on": "2026-12-31", "reason": "由新版取代"}
    file.write_text(yaml.safe_dump(written, allow_unicode=True), "utf-8")
    assert run("validate", file).output.count("element_invalid") == 0
    for said in ("已发布", "已取消"):
        done = run("import", file, "--server", server, "--token", token)
        assert (done.exit_code, said in done.output) == (0, True), done.output
    assert [event.reason for event in told(db, PackageRetired)] == ["由新版取代"]


def _code_of(file: Path) -> str:
    return read_entry(file).definition.item_code


def test_a_platform_that_is_not_there_ends_with_a_sentence() -> None:
    done = run("diff", BUS, "--server", "http://127.0.0.1:9")
    assert done.exit_code == 2
    assert "平台无法连接" in done.output
