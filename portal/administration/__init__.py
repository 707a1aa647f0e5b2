"""管理: accounts for system and security administrators, and requests about personal data to decide."""

from portal.administration import account, accounts, opening, requests
from portal.administration.room import ADMINISTRATION

__all__ = ["ADMINISTRATION", "account", "accounts", "opening", "requests"]
