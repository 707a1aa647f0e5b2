"""All of them, noted in the order in which they are played: after the last a year has passed."""

from tests.journeys.ways import (
    JOURNEYS,
    ON_SERVERS,
    clocks,  # noqa: F401 - each module notes its journeys
    corrections,  # noqa: F401
    counters,  # noqa: F401
    decisions,  # noqa: F401
    doors,  # noqa: F401
    modes,  # noqa: F401
    packages,  # noqa: F401
    renewal,  # noqa: F401
)

__all__ = ["JOURNEYS", "ON_SERVERS"]
