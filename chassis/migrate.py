"""Schema migrations: one Alembic history per service, beside its models."""

from __future__ import annotations

from pathlib import Path

import sqlalchemy as sa
from alembic import command, context
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory

from chassis.db import Database


def config_for(migrations: Path) -> Config:
    """Alembic configuration of the history in ``migrations``."""
    config = Config()
    config.set_main_option("script_location", str(migrations))
    config.set_main_option("path_separator", "os")
    config.set_main_option("file_template", "%%(rev)s_%%(slug)s")
    return config


def upgrade(database: Database, migrations: Path) -> None:
    """Bring the bound database to the newest revision. One that is newer already is left alone."""
    current = revision_of(database)
    if current is not None and current not in known_revisions(migrations):
        return
    config = config_for(migrations)
    config.attributes["database"] = database
    command.upgrade(config, "head")


def make_migration(database: Database, migrations: Path, message: str) -> None:
    """Write a new revision from the difference between the models and the bound database."""
    config = config_for(migrations)
    config.attributes["database"] = database
    number = len(list((migrations / "versions").glob("*.py"))) + 1
    command.revision(config, message, autogenerate=True, rev_id=f"{number:04d}")


def run_env() -> None:
    """Body of every service's ``migrations/env.py``."""
    database: Database = context.config.attributes["database"]
    with database.engine.connect() as connection:
        context.configure(
            connection=connection,
            target_metadata=database.metadata,
            render_as_batch=not database.is_postgresql,
            user_module_prefix="chassis.db.",
            compare_type=True,
        )
        with connection.begin(), context.begin_transaction():
            context.run_migrations()


def behind(database: Database, migrations: Path) -> str | None:
    """A sentence when the database is older than this program, else None.

    One that is newer will do: a release only adds to the schema of the one before, which goes on while the new one comes in.
    """
    head = ScriptDirectory.from_config(config_for(migrations)).get_current_head()
    try:
        current = revision_of(database)
    except sa.exc.SQLAlchemyError as error:
        return f"no answer: {type(error).__name__}"
    if current == head or (current is not None and current not in known_revisions(migrations)):
        return None
    return f"revision {current}, expected {head}: run --role migrate"


def revision_of(database: Database) -> str | None:
    """The revision that the bound database is at; None for one without our tables."""
    with database.read() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def known_revisions(migrations: Path) -> set[str]:
    """Every revision of the history in ``migrations``."""
    return {script.revision for script in ScriptDirectory.from_config(config_for(migrations)).walk_revisions()}
