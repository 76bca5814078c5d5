"""Keeps what WeChat pushes and hands it on, once; forgets it when nobody will ask any more."""

import hashlib
import json
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import delete
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from app.core import queue
from app.pushes import events
from app.pushes.models import OPENID_MAX, PushMessage

KEPT = timedelta(days=90)


def keep(session: Session, body: dict[str, Any], *, now: datetime) -> bool:
    """
    Keep a verified message and hand it on; False if it is kept already or concerns nobody here.

    The job is in the same transaction: what is acknowledged is kept, what is kept is handed on.
    WeChat's advice is to compare sender, time and event; two pictures judged within one second
    would be one by that, so the whole body is compared.
    """
    event = str(body.get("Event", "")).lower()
    if (job := events.HANDLED_BY.get(event)) is None:
        return False
    message_id = session.scalar(
        insert(PushMessage)
        .values(
            digest=hashlib.sha256(json.dumps(body, sort_keys=True).encode()).digest(),
            event=event,
            openid=str(body.get("FromUserName", ""))[:OPENID_MAX],
            body=body,
            received_at=now,
        )
        .on_conflict_do_nothing(index_elements=["digest"])
        .returning(PushMessage.id)
    )
    if message_id is None:
        return False
    queue.defer(session, job, message_id=message_id)
    return True


def forget(session: Session, *, now: datetime) -> int:
    """Delete the messages of long ago, of which nobody will ask; return how many."""
    gone = session.execute(
        delete(PushMessage).where(PushMessage.received_at < now - KEPT),
        execution_options={"synchronize_session": False},
    )
    return int(gone.rowcount)  # type: ignore[attr-defined]  # A DELETE has a row count.
