"""安全设置: password, second factors and sessions of whoever is signed in."""

from portal.security import factors, notices, outside, overview, passkeys, password
from portal.security.room import SECURITY

__all__ = ["SECURITY", "factors", "notices", "outside", "overview", "passkeys", "password"]
