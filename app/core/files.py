"""Files that are sent while they are read, of any length."""

from collections.abc import Callable, Iterator

from flask import Response, stream_with_context
from sqlalchemy.orm import Session

from app.core import db


def send(name: str, media_type: str, pieces: Callable[[Session], Iterator[str]]) -> Response:
    """Send what `pieces` reads in one snapshot as a download called `name`; nobody keeps it."""

    def body() -> Iterator[str]:
        with db.snapshot() as session:
            yield from pieces(session)

    return Response(
        stream_with_context(body()),
        mimetype=media_type,
        headers={
            "Content-Disposition": f'attachment; filename="{name}"',
            "Cache-Control": "no-store",
        },
    )
