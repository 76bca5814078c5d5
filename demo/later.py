"""The mall as it is on a later day: the same application, with a clock that runs ahead."""

import os
from datetime import UTC, datetime, timedelta

from app.core import clock

AHEAD = timedelta(seconds=int(os.environ["DRILL_AHEAD_SECONDS"]))

clock.now = lambda: datetime.now(UTC) + AHEAD

from wsgi import app  # noqa: E402, F401  # What it makes lives by the clock above.
