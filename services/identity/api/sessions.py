"""会话: where the account is signed in, and ending it."""

from __future__ import annotations

from typing import Any

from flask_smorest import Blueprint

from chassis.auth import principal, requires
from chassis.db import Tx
from services.identity import queries
from services.identity.adapters.machine_clock import machine_now
from services.identity.api.account_schemas import EndedSchema, SessionListSchema
from services.identity.api.own_account import once, own_account
from services.identity.domain.scopes import OWN_ACCOUNT
from services.identity.use_cases.end_sessions import end_session, end_sessions

SESSIONS = Blueprint("sessions", __name__, url_prefix="/api/v1/account", description="会话 / sessions")


@SESSIONS.get("/sessions")
@requires(OWN_ACCOUNT)
@SESSIONS.response(200, SessionListSchema)
def show_sessions() -> Any:
    """会话: every sign-in that was not ended."""
    current = principal().session
    return {
        "sessions": [
            {
                "session_id": row.session_id,
                "client": row.client,
                "client_en": row.client_en,
                "address": row.address,
                "agent": row.agent,
                "signed_in_at": row.auth_time,
                "last_seen_at": row.last_seen,
                "current": row.session_id == current,
            }
            for row in queries.open_sessions(own_account())
        ]
    }


@SESSIONS.post("/sessions/<session_id>/end")
@requires(OWN_ACCOUNT)
@SESSIONS.response(204)
def post_session_end(session_id: str) -> None:
    """结束会话 (Idempotency-Key required)."""

    def end(tx: Tx) -> dict[str, Any]:
        end_session(tx, own_account(), session_id, machine_now())
        return {"ended": 1}

    once(end)


@SESSIONS.post("/sessions/end-others")
@requires(OWN_ACCOUNT)
@SESSIONS.response(200, EndedSchema)
def post_end_others() -> Any:
    """结束其他会话 (Idempotency-Key required): all but the one that asks."""
    return once(lambda tx: {"ended": end_sessions(tx, own_account(), machine_now(), but=principal().session)})
