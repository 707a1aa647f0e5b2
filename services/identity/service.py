"""Table of contents of identity (身份): who is who, who may act for whom, and the tokens that say so."""

from __future__ import annotations

from pathlib import Path

from chassis.keys import load_or_create_key
from chassis.migrate import behind
from chassis.service import Runtime, Service
from chassis.settings import Settings
from contracts.administration import AdministrationActed
from contracts.person import DepartmentRegistered, PartyChanged, PartyRegistered
from services.identity import queries
from services.identity.adapters.directory_file import DirectoryInvalid, read_directory
from services.identity.adapters.forms import Forms
from services.identity.adapters.gauges import show_gauges
from services.identity.adapters.key_ring import VAULT, KeyRing
from services.identity.adapters.logout_sender import LOGOUT_SENDER, LogoutSender
from services.identity.adapters.machine_clock import machine_now
from services.identity.adapters.outside_file import read_outside_providers
from services.identity.adapters.outside_web import OutsideWeb
from services.identity.adapters.party_keys import number_of
from services.identity.adapters.passwords import Passwords
from services.identity.adapters.post_office import POST_OFFICE
from services.identity.adapters.registers import registers_of
from services.identity.adapters.tokens import TokenIssuer
from services.identity.adapters.vault import Vault, load_or_create_vault
from services.identity.api.accounts import ACCOUNTS
from services.identity.api.assurance import ASSURANCE
from services.identity.api.authorization import AUTHORIZATION
from services.identity.api.counter import COUNTER
from services.identity.api.delegations import DELEGATIONS
from services.identity.api.desk import DESK, Desk, DoorRules
from services.identity.api.developer_keys import SERVED_KEYS
from services.identity.api.developer_reviews import REVIEWS
from services.identity.api.developers import DEVELOPERS
from services.identity.api.factors import FACTORS
from services.identity.api.messages import MESSAGES
from services.identity.api.notices import NOTICES
from services.identity.api.oauth2 import OAUTH2
from services.identity.api.origins import ORIGINS
from services.identity.api.outside import OUTSIDE_SIGN_IN
from services.identity.api.outside_desk import OUTSIDE, make_providers
from services.identity.api.passkey_sign_in import PASSKEY_SIGN_IN
from services.identity.api.passwords import PASSWORDS
from services.identity.api.people_desk import REGISTERS
from services.identity.api.personal_data import PERSONAL_DATA
from services.identity.api.provider_desk import PROVIDER, Provider
from services.identity.api.registrations import REGISTRATIONS
from services.identity.api.relying_parties import RELYING_PARTIES
from services.identity.api.representation import REPRESENTATION
from services.identity.api.resets import RESETS
from services.identity.api.sessions import SESSIONS
from services.identity.api.sign_out import SIGN_OUT
from services.identity.api.tokens import TOKENS
from services.identity.jobs import JOBS
from services.identity.models import db
from services.identity.subscriptions import SUBSCRIPTIONS
from services.identity.use_cases.after_restore import after_restore
from services.identity.use_cases.import_directory import hash_new, import_directory
from services.identity.use_cases.keep_signing_keys import add_signing_key, keep_signing_keys
from services.identity.use_cases.seal_parties import seal_parties
from services.identity.use_cases.tell_act import SYSTEM

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
    "party_not_matched": 404,
    "department_unknown": 404,
    "party_exists": 409,
    "department_exists": 409,
    "account_exists": 409,
    "client_exists": 409,
    "account_unknown": 404,
    "account_suspended": 403,
    "account_ended": 409,
    "password_wrong": 403,
    "password_unfit": 422,
    "conflict": 409,
    "code_wrong": 403,
    "totp_not_begun": 409,
    "totp_unknown": 404,
    "factor_missing": 409,
    "factor_needed": 409,
    "passkeys_unavailable": 409,
    "passkey_invalid": 403,
    "passkey_exists": 409,
    "passkey_unknown": 404,
    "too_many_passkeys": 409,
    "session_unknown": 404,
    "session_ended": 401,
    "outside_identity_unknown": 404,
    "outside_identity_taken": 409,
    "outside_not_for_staff": 403,
    "only_way_in": 409,
    "message_unknown": 404,
    "message_choice_invalid": 422,
    "statutory_notice_required": 422,
    "client_invalid": 422,
    "client_unknown": 404,
    "consent_unknown": 404,
    "key_unknown": 404,
    "form_expired": 400,
    "party_erased": 410,
    "register_no_match": 422,
    "register_unavailable": 503,
    "too_many_verifications": 429,
    "post_required": 403,
    "post_invalid": 422,
    "delegation_invalid": 422,
    "delegation_unknown": 404,
    "delegation_ended": 403,
    "guardian_by_law": 409,
    "minor_alone": 403,
    "not_while_representing": 403,
    "reveal_without_case": 403,
    "contact_invalid": 422,
    "contact_code_wrong": 422,
    "code_too_soon": 429,
    "request_open": 409,
    "request_unknown": 404,
    "request_decided": 409,
    "correction_missing": 422,
    "case_running": 409,
    "app_invalid": 422,
    "app_unknown": 404,
    "app_state": 409,
    "too_many_apps": 409,
    "too_many_keys": 409,
    "too_many_accounts": 409,
    "key_ended": 409,
}


def data_key_file(settings: Settings) -> Path:
    """Where the data key is; the master keys are in the folder ``masters`` beside it."""
    return settings.data_dir / "identity" / "data.key"


def setup(runtime: Runtime) -> None:
    """Load the keys, then import the directory file if one is set.

    Raises DataKeyWrong, DirectoryInvalid, OutsideFileInvalid or RegistersInvalid, which say what is wrong: the process does
    not start.
    """
    vault = load_or_create_vault(data_key_file(runtime.settings))
    passwords = Passwords()
    issuer = TokenIssuer(KeyRing(vault, queries.signing_key_rows), runtime.settings.issuer)
    runtime.parts[DESK] = Desk(vault, passwords, issuer, DoorRules.of(runtime.settings))
    runtime.parts[PROVIDER] = Provider.of(runtime, Forms(vault))
    _open_to_the_outside(runtime, issuer)
    VAULT.hold(vault)
    runtime.parts[REGISTERS] = registers_of(runtime.settings.registers_file)
    POST_OFFICE.open(runtime.settings)
    old_schema = behind(db, MIGRATIONS)
    if old_schema is None:
        seal_parties(vault)
        _require_data_key(vault)
        _prepare_signing(vault, data_key_file(runtime.settings).with_name("signing.pem"))
    if (file := runtime.settings.directory_file) is not None:
        if old_schema is not None:
            raise DirectoryInvalid(f"{file}: 数据库尚未就绪 / the database is not ready for it: {old_schema}")
        _import(file, vault, passwords)


def _open_to_the_outside(runtime: Runtime, issuer: TokenIssuer) -> None:
    settings = runtime.settings
    web = OutsideWeb(settings.private_hosts)
    configured = read_outside_providers(settings.outside_providers_file)
    runtime.parts[OUTSIDE] = make_providers(configured, settings.public_url, web)
    LOGOUT_SENDER.hold(LogoutSender(issuer, web, settings.public_url.rstrip("/")))


def _require_data_key(vault: Vault) -> None:
    """Under a wrong key nothing would be found any more, and every party could be registered a second time."""
    if party_id := queries.a_sealed_party():
        with db.read() as connection:
            number_of(connection, vault, party_id)


def _prepare_signing(vault: Vault, first: Path) -> None:
    """The first key is the file's, which processes that start together share; the others are made by the clock."""
    key = None if queries.signing_key_rows() else load_or_create_key(first)
    with db.transaction() as tx:
        if key is not None:
            now = machine_now()
            add_signing_key(tx, vault, key, signs_from=now, now=now, by=SYSTEM)
        # The time once more: another process may have added the key while this one waited, and it signs already.
        keep_signing_keys(tx, vault, machine_now())


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
    blueprints=(
        TOKENS,
        OAUTH2,
        AUTHORIZATION,
        PASSKEY_SIGN_IN,
        OUTSIDE_SIGN_IN,
        SIGN_OUT,
        RELYING_PARTIES,
        ORIGINS,
        REGISTRATIONS,
        ACCOUNTS,
        FACTORS,
        PASSWORDS,
        RESETS,
        SESSIONS,
        MESSAGES,
        NOTICES,
        ASSURANCE,
        DELEGATIONS,
        REPRESENTATION,
        COUNTER,
        PERSONAL_DATA,
        DEVELOPERS,
        REVIEWS,
        SERVED_KEYS,
    ),
    subscriptions=SUBSCRIPTIONS,
    jobs=JOBS,
    gauges=show_gauges,
    tells=(PartyRegistered, PartyChanged, DepartmentRegistered, AdministrationActed),
    refusals=REFUSALS,
    setup=setup,
    restored=after_restore,
)
