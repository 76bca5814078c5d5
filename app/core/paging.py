"""Cursors: an opaque word for where a page ended, so that pages neither skip nor repeat."""

import base64
import json
from typing import Any

from app.core.errors import Invalid


def encode(*position: int | str) -> str:
    """The cursor for the sort values of a page's last row."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def decode(cursor: str, *kinds: type) -> list[Any]:
    """
    The sort values in `cursor`, of exactly these kinds.

    :raises Invalid: the cursor is not one of ours.
    """
    try:
        padded = cursor + "=" * (-len(cursor) % 4)
        position = json.loads(base64.urlsafe_b64decode(padded.encode()))
        json.dumps(position, ensure_ascii=False).encode()  # Refuses half a character.
    except (ValueError, RecursionError) as error:
        raise _bad_cursor() from error
    if not isinstance(position, list) or [type(each) for each in position] != list(kinds):
        raise _bad_cursor()
    # A bigint column cannot hold more; asking it would be an error of ours.
    if any(isinstance(each, int) and abs(each) >= 2**63 for each in position):
        raise _bad_cursor()
    if any(isinstance(each, str) and "\x00" in each for each in position):
        raise _bad_cursor()
    return position


def _bad_cursor() -> Invalid:
    return Invalid(errors={"cursor": ["翻页标记无效，请从第一页开始"]})
