"""Schemas of two releases side by side: the old program goes on while the new one's migrations have run."""

from __future__ import annotations

import ast
from pathlib import Path

import pytest
import sqlalchemy as sa

from chassis.migrate import behind, upgrade
from services.workflow.service import SERVICE
from tests.support import bind

ROOT = Path(__file__).resolve().parents[2]
# The newest revision of each service when rolling upgrades began to be promised; what is newer only adds.
BASELINE = {"identity": 10, "catalog": 5, "workflow": 9, "documents": 4, "audit": 7}
REMOVING = {"drop_table", "drop_column", "rename_table", "drop_constraint"}


def test_a_newer_schema_will_do_and_is_left_alone(tmp_path: Path) -> None:
    database = bind(SERVICE, tmp_path)
    with database.writing() as connection:
        connection.execute(sa.text("ALTER TABLE cases ADD COLUMN of_the_next_release TEXT"))
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    assert behind(database, SERVICE.migrations) is None
    upgrade(database, SERVICE.migrations)
    with database.read() as connection:
        assert connection.execute(sa.text("SELECT version_num FROM alembic_version")).scalar_one() == "9999"


def test_an_older_schema_is_behind(tmp_path: Path) -> None:
    database = bind(SERVICE, tmp_path)
    with database.writing() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '0001'"))
    assert "0001" in str(behind(database, SERVICE.migrations))


@pytest.mark.parametrize("service", sorted(BASELINE))
def test_migrations_only_add(service: str) -> None:
    """A program of the release before must be able to read and write what the migrated database holds."""
    for file in sorted((ROOT / "services" / service / "migrations" / "versions").glob("*.py")):
        if int(file.name.partition("_")[0]) > BASELINE[service]:
            [upgrading] = [
                node
                for node in ast.parse(file.read_text(encoding="utf-8")).body
                if isinstance(node, ast.FunctionDef) and node.name == "upgrade"
            ]
            assert _takes_away(upgrading) == [], file


def _takes_away(upgrading: ast.FunctionDef) -> list[str]:
    """What the release before could not go on with: something gone, renamed, or that it does not know to fill in."""
    found = []
    for call in (node for node in ast.walk(upgrading) if isinstance(node, ast.Call)):
        name = call.func.attr if isinstance(call.func, ast.Attribute) else ""
        given = {keyword.arg: ast.unparse(keyword.value) for keyword in call.keywords}
        if name in REMOVING or "new_column_name" in given or "new_table_name" in given:
            found.append(ast.unparse(call))
        if name == "alter_column" and (given.get("nullable") == "False" or given.get("server_default") == "None"):
            found.append(ast.unparse(call))
        if name == "add_column":
            [column] = [arg for arg in call.args if isinstance(arg, ast.Call)]
            told = {keyword.arg: ast.unparse(keyword.value) for keyword in column.keywords}
            if told.get("nullable") == "False" and "server_default" not in told:
                found.append(ast.unparse(call))
    return found
