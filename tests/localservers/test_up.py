"""``make up`` before it starts anything: what it takes, and what it refuses to touch."""

from __future__ import annotations

import fcntl
import socket
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from localservers.up import LOCK, main


def run(*arguments: str) -> Result:
    return CliRunner().invoke(main, arguments)


def test_a_folder_that_is_not_its_own_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "letters").write_text("mine")
    result = run("--folder", str(tmp_path))
    assert (result.exit_code, (tmp_path / "letters").read_text()) == (1, "mine")
    assert "left alone" in result.output
    assert [entry.name for entry in tmp_path.iterdir()] == ["letters"]


def test_a_folder_in_use_by_another_run_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / "data").mkdir()
    with (tmp_path / LOCK).open("w") as held:
        fcntl.flock(held, fcntl.LOCK_EX)
        result = run("--folder", str(tmp_path))
    assert result.exit_code == 1
    assert "in use by another run" in result.output
    assert (tmp_path / "data").exists()


def test_a_port_that_is_taken_is_named(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        result = run("--folder", str(tmp_path / "up"), "--port", str(port))
    assert result.exit_code == 1
    assert f"{port} (--port)" in result.output


@pytest.mark.parametrize("wrong", ["many", "workflow=", "workflow=two", "wrkflow=2"])
def test_instances_that_make_no_sense_are_refused(tmp_path: Path, wrong: str) -> None:
    result = run("--folder", str(tmp_path / "up"), "--instances", wrong)
    assert result.exit_code == 2
    assert "--instances" in result.output
    assert not (tmp_path / "up").exists()
