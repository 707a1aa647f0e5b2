"""Materials before a real clamd: what is malicious is not taken, and nothing is taken that was not looked at."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from localservers.clamd import EICAR, Clamd
from localservers.ports import free_port
from services.documents.adapters.scanner import Scanner, ScannerFailed
from services.documents.service import SERVICE
from tests.factories.licences import published
from tests.services.documents.conftest import Desk
from tests.services.documents.test_materials import PDF, assert_nothing_stored, item_of, rows, rule, upload
from tests.support import Tokens, make_client

LARGE = 2_000_000  # over the scanner's limit


@pytest.fixture(scope="module")
def clamd(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Clamd]:
    with Clamd(tmp_path_factory.mktemp("clamd")) as server:
        yield server


@pytest.fixture
def scanned(tmp_path: Path) -> Callable[[str], Desk]:
    def make(address: str) -> Desk:
        tokens = Tokens("documents")
        desk = Desk(make_client(SERVICE, tmp_path, tokens, scanner=address), tokens, tmp_path)
        desk.hear(published(item_of(1, rule("form", "application/pdf", max_bytes=8_000_000))))
        return desk

    return make


@pytest.mark.parametrize("by", ["address", "socket"])
def test_a_clean_file_is_taken_and_an_infected_one_is_not(scanned: Any, clamd: Clamd, by: str) -> None:
    desk = scanned(getattr(clamd, by))
    refused = upload(desk, PDF + EICAR + PDF)
    assert (refused.status_code, refused.json["code"]) == (422, "material_infected")
    assert_nothing_stored(desk)
    taken = upload(desk)
    assert taken.status_code == 201
    assert len(desk.files()) == len(rows()) == 1
    headers = desk.tokens.headers("materials:read", party="p-1")
    read = desk.client.get(f"/api/v1/materials/{taken.json['material_id']}", headers=headers)
    assert read.data == PDF


def test_what_the_scanner_cannot_judge_is_not_taken(scanned: Any, clamd: Clamd) -> None:
    desk = scanned(clamd.address)
    refused = upload(desk, PDF + bytes(LARGE))
    assert (refused.status_code, refused.json["code"]) == (503, "scanner_unavailable")
    assert "Retry-After" in refused.headers
    assert_nothing_stored(desk)


@pytest.mark.parametrize("away", ["tcp", "socket"])
def test_while_the_scanner_is_away_nothing_is_taken_and_nothing_is_lost(
    scanned: Any, tmp_path: Path, away: str
) -> None:
    desk = scanned(f"127.0.0.1:{free_port()}" if away == "tcp" else str(tmp_path / "nobody"))
    refused = upload(desk)
    assert (refused.status_code, refused.json["code"]) == (503, "scanner_unavailable")
    assert_nothing_stored(desk)


def test_a_file_is_told_by_what_is_in_it_however_it_is_cut(clamd: Clamd) -> None:
    scanner = Scanner(clamd.address)
    infected = PDF + EICAR
    assert scanner.find(iter([])) is None
    for size in (1, 7, len(infected)):
        assert scanner.find(infected[n : n + size] for n in range(0, len(infected), size)) == "Eicar-Part.UNOFFICIAL"
    with pytest.raises(ScannerFailed):
        scanner.find(bytes(100_000) for _ in range(20))
