"""Keeping what WeChat drew."""

import hashlib
from datetime import datetime

from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.materials import queries
from app.materials.models import MiniCode
from app.materials.queries import Wanted
from app.wechat import pictures


def keep(session: Session, wanted: Wanted, picture: bytes, *, now: datetime) -> MiniCode:
    """Keep the picture of a code; of two drawn at once the first stays, and both get that one."""
    session.execute(
        insert(MiniCode)
        .values(
            **wanted._asdict(),
            media_type=pictures.media_type(picture),
            picture=picture,
            digest=hashlib.sha256(picture).hexdigest(),
            drawn_at=now,
        )
        .on_conflict_do_nothing()
    )
    found = queries.kept(session, wanted)
    assert found is not None, "it is there, by us or by somebody before"
    return found
