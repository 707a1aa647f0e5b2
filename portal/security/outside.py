"""外部身份: at which providers the account's owner is known, and how to end that."""

from __future__ import annotations

from typing import Any

from flask_babel import gettext as _

from portal.api import path
from portal.security.room import SECURITY, done, for_signed_in, given_key, page
from portal.session import own_api
from portal.words import Word

PROVEN_BY = {
    "sign_in": Word("登录后由您关联", "Linked by you after signing in"),
    "number": Word("双方核验的证件号码相同", "The same verified number on both sides"),
    "opened": Word("账号由此开立", "The account was opened through it"),
}


@SECURITY.get("/outside")
@for_signed_in
def outside() -> Any:
    """外部身份."""
    found = own_api().get(path("account", "outside-identities"))["identities"]
    return page("outside", identities=found, PROVEN_BY=PROVEN_BY)


@SECURITY.post("/outside/<provider>/removal")
@for_signed_in
def unlink(provider: str) -> Any:
    """解除关联: nobody comes in that way any more, and who has is out."""
    own_api().post(path("account", "outside-identities", provider, "removal"), {}, key=given_key())
    return done(_("关联已解除"))
