"""
Moments that name an instant, and the one text of plain data.
"""

import hashlib
import json
from datetime import datetime
from typing import Any


class NaiveMoment(ValueError):
    """A moment has no time zone, so it names no instant."""


def aware(moment: datetime, name: str) -> datetime:
    """
    Return `moment` unchanged if it carries a time zone.

    :raises NaiveMoment: it carries none.
    """
    if moment.tzinfo is None:
        raise NaiveMoment(f"{name} has no time zone")
    return moment


def canonical(document: Any) -> bytes:
    """Return the one UTF-8 JSON text of `document`: keys sorted, no spaces."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest(document: Any) -> str:
    """Return the SHA-256 of the canonical text of `document`, in hex."""
    return hashlib.sha256(canonical(document)).hexdigest()
