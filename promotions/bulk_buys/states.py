"""
The states of a share, and the moves between them.
"""

from enum import StrEnum


class ShareState(StrEnum):
    """What became of what one order brought in."""

    COLLECTED = "collected"
    """Paid; its pieces count, and it waits for the campaign's end."""
    LOWERED = "lowered"
    """A cheaper tier was reached: the difference goes back. Final."""
    KEPT = "kept"
    """What was paid is the price. Final."""
    FAILED = "failed"
    """Too few pieces for it to happen: all of it goes back. Final."""
    GONE = "gone"
    """All of it had gone back before. Final."""


SHARE_TRANSITIONS = {
    ShareState.COLLECTED: {
        ShareState.LOWERED,
        ShareState.KEPT,
        ShareState.FAILED,
        ShareState.GONE,
    },
    ShareState.LOWERED: set[ShareState](),
    ShareState.KEPT: set[ShareState](),
    ShareState.FAILED: set[ShareState](),
    ShareState.GONE: set[ShareState](),
}
