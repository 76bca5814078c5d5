"""
A mall whose clock may be ahead: `wsgi:app`, by as many seconds as a file says.

The server, the worker and `flask` of the long run read the file at every look at the clock, so that
days pass for all of them at once. The file is named by `CLOCK_AHEAD`.
"""

import os
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app.core import clock

AHEAD = Path(os.environ["CLOCK_AHEAD"])


def _now() -> datetime:
    return datetime.now(UTC) + timedelta(seconds=float(AHEAD.read_text() or 0))


clock.now = _now

from wsgi import app  # noqa: E402  # The clock goes first.

__all__ = ["app"]
