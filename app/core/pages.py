"""
Pages that are the same for everybody, kept for a moment in the memory of each server process.

A page everybody looks at is asked for hundreds of times a second and changes a few times a day.
Within `PAGE_CACHE_SECONDS` (1 by default, 0 switches it off) the same bytes are answered again.
What a page shows may be that old; no decision rests on it, since an order is priced and its stock
held inside its own transaction.
"""

import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from functools import wraps
from typing import Any, NamedTuple, TypeVar

from flask import Flask, Response, current_app, request

View = TypeVar("View", bound=Callable[..., Any])

MOST = 4096
"""Pages kept at a time; the one unused for longest makes room."""
BODY_MAX = 256 * 1024


class Kept(NamedTuple):
    """One answer and until when it is good."""

    until: float
    body: bytes
    content_type: str


class Pages:
    """The kept pages of one application in one process."""

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._kept: OrderedDict[str, Kept] = OrderedDict()
        self._lock = threading.Lock()

    def find(self, path: str) -> Kept | None:
        """The page at `path`, if it is still good."""
        with self._lock:
            kept = self._kept.get(path)
            if kept is None or kept.until <= time.monotonic():
                return None
            self._kept.move_to_end(path)
            return kept

    def keep(self, path: str, response: Response) -> None:
        """Keep a good answer for a moment."""
        body = response.get_data()
        if response.status_code != 200 or len(body) > BODY_MAX:
            return
        until = time.monotonic() + self.seconds
        with self._lock:
            self._kept[path] = Kept(until, body, response.content_type or "")
            self._kept.move_to_end(path)
            if len(self._kept) > MOST:
                self._kept.popitem(last=False)


def init_app(app: Flask, seconds: int) -> None:
    """Give `app` its own pages."""
    app.extensions["pages"] = Pages(seconds)


def kept(view: View) -> View:
    """Answer a public page from memory while it is good; stands directly under the route."""

    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Response:
        pages: Pages = current_app.extensions["pages"]
        if not pages.seconds:
            answer: Response = view(*args, **kwargs)
            return answer
        path = request.full_path
        if found := pages.find(path):
            return Response(found.body, content_type=found.content_type)
        response: Response = view(*args, **kwargs)
        pages.keep(path, response)
        return response

    return wrapper  # type: ignore[return-value]  # The same view, remembered.
