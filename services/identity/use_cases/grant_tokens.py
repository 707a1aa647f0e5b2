"""授权: a code for a client, redeemed once for tokens; refresh tokens that are replaced at each use.

A code or a refresh token that comes a second time has been stolen, from the client or by it: what was issued ends. So these
functions commit the end and refuse afterwards.
"""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any

import sqlalchemy as sa
import uuid_utils

from chassis.db import Tx
from chassis.errors import Refusal
from services.identity import queries
from services.identity.adapters.tokens import SignIn, TokenIssuer
from services.identity.adapters.vault import Vault
from services.identity.domain.authorization_request import AuthorizationRequest
from services.identity.domain.directory import Caller
from services.identity.domain.factors import proven_enough
from services.identity.domain.oauth import (
    ABOUT_PEOPLE,
    CODE_LIFE,
    OPENID,
    REPEAT_WITHIN,
    SESSION_LIFE,
    OAuthClient,
    challenge_matches,
    granted_scope,
)
from services.identity.domain.password_rules import PasswordRules
from services.identity.domain.scopes import OWN_ACCOUNT
from services.identity.domain.sensitive import Sensitive
from services.identity.models import db, grants, refresh_tokens
from services.identity.use_cases.end_sessions import end_whole_session
from services.identity.use_cases.sign_in import signed_in_as
from services.identity.use_cases.sign_in_sessions import is_open, note_seen


@dataclass(frozen=True)
class TokenDesk:
    """What issuing takes."""

    vault: Vault
    tokens: TokenIssuer
    rules: PasswordRules
    staff_idle: timedelta
    staff_second_factor: str


def grant_code(
    tx: Tx, vault: Vault, *, asked: AuthorizationRequest, session: Any, scope: Sequence[str], now: datetime
) -> str:
    """A code for the client of ``asked``, good once and for a minute."""
    code = secrets.token_urlsafe(32)
    row = {
        "grant_id": str(uuid_utils.uuid7()),
        "session_id": session.session_id,
        "account_id": session.account_id,
        "client_id": asked.client_id,
        "scope": " ".join(scope),
        "redirect_uri": asked.redirect_uri,
        "nonce": asked.nonce,
        "amr": session.amr,
        "auth_time": session.auth_time,
        "code_challenge": asked.code_challenge,
        "code_hash": vault.keyed_hash("code", Sensitive(code)),
        "granted_at": now,
    }
    tx.insert(grants, [row])
    note_seen(tx, session, now)
    return code


def redeem_code(
    desk: TokenDesk, client: OAuthClient, *, code: str, redirect_uri: str, verifier: str, now: datetime
) -> dict[str, Any]:
    """Token response. Raises Refusal ``invalid_grant``.

    A code that comes again, or with a verifier that is not its own, ends what it was for.
    """
    found = grants.c.code_hash == desk.vault.keyed_hash("code", Sensitive(code))
    token = secrets.token_urlsafe(32)
    with db.transaction() as tx:
        grant = tx.execute(sa.select(grants).where(found).with_for_update()).one_or_none()
        if grant is None or grant.client_id != client.client_id:
            raise _invalid("授权码无效 / the code is not valid")
        problem = _problem_of_code(grant, redirect_uri, verifier, now) or _problem_of_session(desk, grant, now)
        if problem is None:
            tx.execute(sa.update(grants).where(grants.c.grant_id == grant.grant_id).values(redeemed_at=now))
            _add_refresh_token(tx, desk.vault, token, grant.grant_id, now)
        else:
            _end_grant(tx, grant.grant_id, now)
    if problem is not None:
        raise _invalid(problem)
    return _tokens(desk, client, grant, refresh_token=token, now=now)


def refresh(
    desk: TokenDesk, client: OAuthClient, token: str, wanted: Sequence[str] | None, now: datetime
) -> dict[str, Any]:
    """Token response with the next refresh token. Raises Refusal ``invalid_grant``.

    The next token follows from the last one, so that a client that authenticates itself, and has lost the answer, may ask
    once more and gets the same. Anything else that is used again ends the whole session.
    """
    token_hash = _refresh_hash(desk.vault, token)
    following = _following(desk.vault, token)
    with db.transaction() as tx:
        grant, used_at = _locked(tx, token_hash, client)
        if used_at is not None and not _may_repeat(
            tx, desk.vault, client, following=following, used_at=used_at, now=now
        ):
            end_whole_session(tx, grant.session_id, now)
            stolen = True
        else:
            stolen = False
            session = _open_session(desk, grant, now)
            note_seen(tx, session, now)
            if used_at is None:
                mine = refresh_tokens.c.token_hash == token_hash
                tx.execute(sa.update(refresh_tokens).where(mine).values(used_at=now))
                _add_refresh_token(tx, desk.vault, following, grant.grant_id, now)
    if stolen:
        raise _invalid("刷新令牌已被使用，会话已结束 / the refresh token was used before; the session has been ended")
    return _tokens(desk, client, grant, refresh_token=following, now=now, wanted=wanted)


def revoke(desk: TokenDesk, client: OAuthClient, token: str, now: datetime) -> None:
    """End the grant that ``token`` belongs to, if it is this client's; any other text is as good as revoked (RFC 7009 §2.2)."""
    row = queries.grant_of_refresh_token(_refresh_hash(desk.vault, token)) or _grant_of_access_token(desk, token)
    if row is None or row.client_id != client.client_id:
        return
    with db.transaction() as tx:
        _end_grant(tx, row.grant_id, now)


def grant_is_alive(grant_id: str, staff_idle: timedelta, now: datetime) -> bool:
    """Whether the grant of an access token, and the session that it came from, go on."""
    grant = queries.grant_of(grant_id)
    if grant is None or grant.ended_at is not None:
        return False
    session = queries.session_of(grant.session_id)
    return session is not None and is_open(session, staff_idle, now)


def alive_refresh_token(desk: TokenDesk, token: str, now: datetime) -> Any | None:
    """The grant of a refresh token that can be used, or None."""
    row = queries.grant_of_refresh_token(_refresh_hash(desk.vault, token))
    if row is None or row.used_at is not None or not grant_is_alive(row.grant_id, desk.staff_idle, now):
        return None
    return row


def subject_for(vault: Vault, client: OAuthClient, account_id: str) -> str:
    """What the client knows the account as: a third party as nobody else does (OpenID Connect Core §8.1; each client is a
    sector of its own).
    """
    return account_id if client.first_party else vault.keyed_hash(f"pairwise:{client.client_id}", Sensitive(account_id))


def _problem_of_code(grant: Any, redirect_uri: str, verifier: str, now: datetime) -> str | None:
    if grant.redeemed_at is not None or grant.ended_at is not None:
        return "授权码已被使用 / the code was used before"
    if now - grant.granted_at >= CODE_LIFE:
        return "授权码已过期 / the code has expired"
    if redirect_uri != grant.redirect_uri:
        return "redirect_uri 与授权时不符 / redirect_uri is not that of the authorization request"
    if not challenge_matches(grant.code_challenge, verifier):
        return "code_verifier 不符 / code_verifier is not that of the authorization request"
    return None


def _problem_of_session(desk: TokenDesk, grant: Any, now: datetime) -> str | None:
    session = queries.session_of(grant.session_id)
    going_on = session is not None and is_open(session, desk.staff_idle, now)
    return None if going_on else "会话已结束 / the session has ended"


def _locked(tx: Tx, token_hash: str, client: OAuthClient) -> tuple[Any, datetime | None]:
    """The grant of a refresh token, locked, and when the token was used. Raises Refusal ``invalid_grant``."""
    mine = sa.select(refresh_tokens.c.grant_id).where(refresh_tokens.c.token_hash == token_hash)
    grant = tx.execute(sa.select(grants).where(grants.c.grant_id.in_(mine)).with_for_update()).one_or_none()
    if grant is None or grant.client_id != client.client_id or grant.ended_at is not None:
        raise _invalid("刷新令牌无效 / the refresh token is not valid")
    used_at = tx.execute(sa.select(refresh_tokens.c.used_at).where(refresh_tokens.c.token_hash == token_hash))
    return grant, used_at.scalar_one()


def _may_repeat(tx: Tx, vault: Vault, client: OAuthClient, *, following: str, used_at: datetime, now: datetime) -> bool:
    if not client.confidential or now - used_at >= REPEAT_WITHIN:
        return False
    next_one = sa.and_(
        refresh_tokens.c.token_hash == _refresh_hash(vault, following), refresh_tokens.c.used_at.is_(None)
    )
    return tx.execute(sa.select(refresh_tokens.c.token_hash).where(next_one)).one_or_none() is not None


def _open_session(desk: TokenDesk, grant: Any, now: datetime) -> Any:
    if problem := _problem_of_session(desk, grant, now):
        raise _invalid(problem)
    return queries.session_of(grant.session_id)


def _tokens(
    desk: TokenDesk,
    client: OAuthClient,
    grant: Any,
    *,
    refresh_token: str,
    now: datetime,
    wanted: Sequence[str] | None = None,
) -> dict[str, Any]:
    account = queries.account_of(grant.account_id)
    if account is None or account.state != "active":
        raise _invalid("账号已停用或不存在 / the account is suspended or no more")
    caller = _of_session(signed_in_as(account, now, desk.rules), grant, now)
    scope = granted_scope(grant.scope.split(), client, caller.kind)
    if not proven_enough(caller.kind, desk.staff_second_factor, grant.amr):
        caller = replace(caller, scope=OWN_ACCOUNT)  # enough to enrol the second factor with
    if caller.scope is not None:
        scope = tuple(one for one in scope if one in ABOUT_PEOPLE or one in caller.scope.split())
    if wanted is not None:  # RFC 6749 §6: less than was granted, never more
        scope = tuple(one for one in scope if one in wanted)
    signed_in = SignIn(
        session_id=grant.session_id,
        client_id=client.client_id,
        grant_id=grant.grant_id,
        subject=subject_for(desk.vault, client, grant.account_id),
        amr=grant.amr,
        auth_time=grant.auth_time,
        scope=scope,
        for_userinfo=not client.first_party and not set(scope) - set(ABOUT_PEOPLE),
    )
    answer = desk.tokens.issue(caller, signed_in) | {"refresh_token": refresh_token}
    if OPENID in scope:
        answer["id_token"] = desk.tokens.id_token(signed_in, answer["access_token"], grant.nonce, answer["expires_in"])
    return answer


def _of_session(caller: Caller, grant: Any, now: datetime) -> Caller:
    """Its tokens do not outlive the session, and say no more than the provider that let the person in may speak for."""
    session = queries.session_of(grant.session_id)
    cap = None if session is None else session.level_cap
    level = caller.level if caller.level is None or cap is None else min(caller.level, cap)
    left_s = int((grant.auth_time + SESSION_LIFE - now).total_seconds())
    return replace(caller, level=level, life_s=max(left_s, 1))


def _grant_of_access_token(desk: TokenDesk, token: str) -> Any | None:
    claims = desk.tokens.read_access_token(token)
    return None if claims is None or "grant" not in claims else queries.grant_of(claims["grant"])


def _end_grant(tx: Tx, grant_id: str, now: datetime) -> None:
    running = sa.and_(grants.c.grant_id == grant_id, grants.c.ended_at.is_(None))
    tx.execute(sa.update(grants).where(running).values(ended_at=now))


def _add_refresh_token(tx: Tx, vault: Vault, token: str, grant_id: str, now: datetime) -> None:
    row = {"token_hash": _refresh_hash(vault, token), "grant_id": grant_id, "issued_at": now}
    tx.insert(refresh_tokens, [row])


def _refresh_hash(vault: Vault, token: str) -> str:
    return vault.keyed_hash("refresh_token", Sensitive(token))


def _following(vault: Vault, token: str) -> str:
    """The refresh token after ``token``: as hard to guess for whoever lacks the data key."""
    digest = bytes.fromhex(vault.keyed_hash("next_refresh_token", Sensitive(token)))
    return base64.urlsafe_b64encode(digest).rstrip(b"=").decode()


def _invalid(detail: str) -> Refusal:
    return Refusal("invalid_grant", detail, error="invalid_grant")
