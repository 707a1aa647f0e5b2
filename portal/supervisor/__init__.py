"""Electronic supervision (电子监察): the live board, the cards, and everything about one case with its proof."""

from portal.supervisor.views import SUPERVISION

__all__ = ["SUPERVISION"]
