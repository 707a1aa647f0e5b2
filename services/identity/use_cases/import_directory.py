"""名录导入: registers everything of a directory file that is not registered yet. What exists stays as it is."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, time

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity import queries
from services.identity.adapters.directory_file import (
    AccountEntry,
    Directory,
    DirectoryInvalid,
    RelyingPartyEntry,
)
from services.identity.adapters.machine_clock import machine_now
from services.identity.adapters.numbers import LAW_ZONE, credit_code, identity_number
from services.identity.adapters.passwords import Passwords
from services.identity.adapters.vault import Vault
from services.identity.domain.assurance import SELF_DECLARED
from services.identity.domain.directory import Account, Department, Party
from services.identity.domain.sensitive import Sensitive
from services.identity.use_cases.assign_post import assign_post
from services.identity.use_cases.oauth_clients import secret_hash
from services.identity.use_cases.open_account import add_account
from services.identity.use_cases.register_client import add_client
from services.identity.use_cases.register_department import add_department
from services.identity.use_cases.register_party import find_or_add_party
from services.identity.use_cases.register_relying_party import RelyingParty, add_relying_party
from services.identity.use_cases.tell_act import DIRECTORY, tell_act
from services.identity.use_cases.verify_account import vouch_at_import


@dataclass(frozen=True)
class NewHashes:
    """Argon2id hashes by username and by client id, of those that are not registered yet."""

    accounts: Mapping[str, str]
    clients: Mapping[str, str]


def hash_new(directory: Directory, passwords: Passwords) -> NewHashes:
    """Hash what will be needed, ahead of the transaction. Nothing is left to hash the second time."""
    usernames, client_ids = queries.usernames(), queries.client_ids()
    accounts = [entry for entry in directory.accounts if entry.username not in usernames]
    clients = [entry for entry in directory.clients if entry.client_id not in client_ids]
    return NewHashes(
        {entry.username: passwords.hash(Sensitive(entry.password)) for entry in accounts},
        {entry.client_id: passwords.hash(Sensitive(entry.client_secret)) for entry in clients},
    )


def import_directory(tx: Tx, vault: Vault, directory: Directory, hashes: NewHashes) -> None:
    """Register and tell what is new. Raises DirectoryInvalid naming the entry; then nothing is registered."""
    new: Counter[str] = Counter()
    for index, department in enumerate(directory.departments):
        with _entry("departments", index):
            uscc = credit_code(department.uscc)
            new["departments"] += add_department(
                tx, Department(code=department.code, name=department.name, name_en=department.name_en, uscc=uscc)
            )
    for index, client in enumerate(directory.clients):
        with _entry("clients", index):
            if hashed := hashes.clients.get(client.client_id):
                new["clients"] += add_client(tx, client.client_id, client.department, hashed, by=DIRECTORY)
    for index, relying_party in enumerate(directory.relying_parties):
        with _entry("relying_parties", index):
            new["relying_parties"] += _add_relying_party(tx, vault, relying_party)
    parties = _parties(tx, vault, directory, new)
    for index, account in enumerate(directory.accounts):
        with _entry("accounts", index):
            if hashed := hashes.accounts.get(account.username):
                new["accounts"] += _open(tx, account, hashed, parties)
    if new.total():
        counted = ", ".join(f"{what} {count}" for what, count in sorted(new.items()) if count)
        tell_act(tx, "directory.imported", by=DIRECTORY, on=DIRECTORY, after=counted)


def _open(tx: Tx, entry: AccountEntry, hashed: str, parties: Mapping[str, str]) -> bool:
    """Open the account, with its standing, if the username is free."""
    account_id = add_account(
        tx,
        _account(entry, parties),
        hashed,
        password_set_at=_password_set_at(entry),
        temporary=entry.password_temporary,
        by=DIRECTORY,
    )
    if account_id is not None:
        _add_standing(tx, account_id, entry, _party(entry.person, parties))
    return account_id is not None


def _add_relying_party(tx: Tx, vault: Vault, entry: RelyingPartyEntry) -> bool:
    keys = entry.jwks is not None or entry.keys_of is not None
    secret = entry.client_secret
    party = RelyingParty(
        client_id=entry.client_id,
        name=entry.name,
        name_en=entry.name_en,
        first_party=entry.first_party,
        authentication="private_key_jwt" if keys else "none" if secret is None else "client_secret",
        jwks=entry.jwks,
        keys_of=entry.keys_of,
        redirect_uris=entry.redirect_uris,
        post_logout_redirect_uris=entry.post_logout_redirect_uris,
        backchannel_logout_uri=entry.backchannel_logout_uri,
        scope=entry.scope,
    )
    hashed = None if secret is None else secret_hash(vault, entry.client_id, Sensitive(secret))
    return add_relying_party(tx, party, hashed, by=DIRECTORY)


def _parties(tx: Tx, vault: Vault, directory: Directory, new: Counter[str]) -> dict[str, str]:
    """Party ids by the number that stands in the file; those registered just now are counted."""
    ids = {}
    for index, person in enumerate(directory.people):
        with _entry("people", index):
            number = identity_number(Sensitive(person.identity_number), tx.now)
            party = Party(kind="person", name=person.name, number=number)
            ids[person.identity_number], added = find_or_add_party(tx, vault, party)
            new["people"] += added
    for index, organisation in enumerate(directory.organisations):
        with _entry("organisations", index):
            party = Party(kind="organisation", name=organisation.name, number=Sensitive(credit_code(organisation.uscc)))
            ids[organisation.uscc], added = find_or_add_party(tx, vault, party)
            new["organisations"] += added
    return ids


def _account(entry: AccountEntry, parties: Mapping[str, str]) -> Account:
    return Account(
        username=entry.username,
        kind=entry.kind,
        name=entry.name,
        person_id=_party(entry.person, parties),
        party_id=_party(entry.acts_for, parties),
        department=entry.department,
    )


def _add_standing(tx: Tx, account_id: str, entry: AccountEntry, person_id: str | None) -> None:
    """The assurance that the file vouches for, and the posts of staff."""
    if entry.level > SELF_DECLARED:
        if person_id is None:
            raise Refusal("account_invalid", "工作人员账号没有实名等级 / staff accounts have no assurance level")
        vouch_at_import(tx, account_id, person_id, entry.level)
    for post in entry.posts:
        assign_post(
            tx,
            account_id,
            by=DIRECTORY,
            code=post.code,
            name=post.name,
            department=post.department,
            from_on=post.from_on,
            until_on=post.until_on,
        )


def _password_set_at(entry: AccountEntry) -> datetime:
    """Midnight in China of the day in the file, or now. By the machine's clock, as everything about passwords."""
    day = entry.password_set_on
    return machine_now() if day is None else datetime.combine(day, time(), LAW_ZONE)


def _party(number: str | None, parties: Mapping[str, str]) -> str | None:
    if number is not None and number not in parties:
        raise Refusal("party_unknown", "文件中没有这个号码的当事人 / no party of this file has this number")
    return None if number is None else parties[number]


@contextmanager
def _entry(section: str, index: int) -> Iterator[None]:
    """Say which entry of the file was refused."""
    try:
        yield
    except Refusal as refusal:
        raise DirectoryInvalid(f"{section}[{index}]: {refusal.detail}") from None
