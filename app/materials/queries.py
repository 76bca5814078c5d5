"""Codes that are kept."""

import re
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.materials.models import MiniCode


class MiniCodeNotFound(NotFound):
    """Nobody has asked for a code with this picture."""

    code, title = "mini_code_not_found", "小程序码不存在"


class Wanted(NamedTuple):
    """What a code opens, and how wide it is drawn, in pixels."""

    scene: str
    page: str
    width: int


def kept(session: Session, wanted: Wanted) -> MiniCode | None:
    """The code that was drawn before for the same scene, page and width."""
    return session.scalar(select(MiniCode).filter_by(**wanted._asdict()))


def by_digest(session: Session, digest: str) -> MiniCode:
    """
    The code whose picture has this hash.

    :raises MiniCodeNotFound: there is none.
    """
    if not re.fullmatch("[0-9a-f]{64}", digest):
        raise MiniCodeNotFound
    found = session.scalar(select(MiniCode).where(MiniCode.digest == digest).limit(1))
    if found is None:
        raise MiniCodeNotFound
    return found
