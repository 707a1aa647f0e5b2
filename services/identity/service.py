"""Table of contents of identity (身份): who is who, who may act for whom, and the tokens that say so."""

from __future__ import annotations

from pathlib import Path

from chassis.keys import load_or_create_key
from chassis.migrate import behind
from chassis.service import Runtime, Service
from contracts.person import DepartmentRegistered, PartyRegistered
from services.identity import queries
from services.identity.adapters.directory_file import DirectoryInvalid, read_directory
from services.identity.adapters.passwords import Passwords
from services.identity.adapters.tokens import TokenIssuer
from services.identity.adapters.vault import Vault, load_or_create_vault
from services.identity.api.desk import DESK, Desk
from services.identity.api.registrations import REGISTRATIONS
from services.identity.api.tokens import TOKENS
from services.identity.jobs import JOBS
from services.identity.models import db
from services.identity.use_cases.import_directory import hash_new, import_directory

MIGRATIONS = Path(__file__).with_name("migrations")

REFUSALS = {
    "invalid_request": 400,
    "invalid_grant": 400,
    "unsupported_grant_type": 400,
    "invalid_client": 401,
    "too_many_attempts": 429,
    "busy": 503,
    "identity_number_invalid": 422,
    "uscc_invalid": 422,
    "account_invalid": 422,
    "party_unknown": 404,
    "department_unknown": 404,
    "party_exists": 409,
    "department_exists": 409,
    "account_exists": 409,
    "client_exists": 409,
}


def setup(runtime: Runtime) -> None:
    """Load the keys, then import the directory file if one is set.

    Raises DataKeyWrong or DirectoryInvalid, which say what is wrong: the process does not start.
    """
    folder = runtime.settings.data_dir / "identity"
    vault = load_or_create_vault(folder / "data.key")
    key = load_or_create_key(folder / "signing.pem")
    passwords = Passwords()
    runtime.parts[DESK] = Desk(vault, passwords, TokenIssuer(key, runtime.settings.issuer))
    old_schema = behind(db, MIGRATIONS)
    if old_schema is None:
        _require_data_key(vault)
    if (file := runtime.settings.directory_file) is not None:
        if old_schema is not None:
            raise DirectoryInvalid(f"{file}: 数据库尚未就绪 / the database is not ready for it: {old_schema}")
        _import(file, vault, passwords)


def _require_data_key(vault: Vault) -> None:
    """Under a wrong key nothing would be found any more, and every party could be registered a second time."""
    if sealed := queries.a_sealed_number():
        vault.open(*sealed)


def _import(file: Path, vault: Vault, passwords: Passwords) -> None:
    directory = read_directory(file)
    hashes = hash_new(directory, passwords)
    try:
        with db.transaction() as tx:
            import_directory(tx, vault, directory, hashes)
    except DirectoryInvalid as error:
        raise DirectoryInvalid(f"{file}: {error}") from None


SERVICE = Service(
    name="identity",
    title="身份服务 / Identity",
    database=db,
    migrations=MIGRATIONS,
    blueprints=(TOKENS, REGISTRATIONS),
    jobs=JOBS,
    tells=(PartyRegistered, DepartmentRegistered),
    refusals=REFUSALS,
    setup=setup,
)
