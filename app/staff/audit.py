"""
The audit log: every write of the staff audience, refused and failed ones included.

The row is committed before the route runs and completed after it answered: what a person tried is
on record even if the process dies in between.
"""

import math
from typing import Any

from flask import Blueprint as FlaskBlueprint
from flask import Flask, Response, g, request
from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.core import clock, logs
from app.core.db import transaction
from app.staff.models import AuditLog

READS = {"GET", "HEAD", "OPTIONS"}
DEPTH_MAX = 8
ITEMS_MAX = 200
TEXT_MAX = 2000
CUT = "…"


def watch(side: Flask | FlaskBlueprint) -> None:
    """Record every write behind `side`; its guard must have put `g.staff_id` before."""
    side.before_request(_begin)
    side.after_request(_finish)


def page(
    session: Session, *, staff_id: int | None, before_id: int | None, limit: int
) -> list[AuditLog]:
    """The latest entries before `before_id`, of everybody or of one account."""
    entries = select(AuditLog).order_by(AuditLog.id.desc()).limit(limit)
    if staff_id is not None:
        entries = entries.where(AuditLog.staff_id == staff_id)
    if before_id is not None:
        entries = entries.where(AuditLog.id < before_id)
    return list(session.scalars(entries))


def storable(value: Any, depth: int = 0) -> Any:
    """`value` as JSONB can hold it, cut where it is very long or deep. Masking is done before."""
    if depth == DEPTH_MAX:
        return CUT
    if isinstance(value, dict):
        pairs = list(value.items())[:ITEMS_MAX]
        return {_text(name): storable(each, depth + 1) for name, each in pairs}
    if isinstance(value, list):
        return [storable(each, depth + 1) for each in value[:ITEMS_MAX]]
    if isinstance(value, str):
        return _text(value)
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    return value


def _text(text: str) -> str:
    """PostgreSQL stores neither NUL nor half of a surrogate pair."""
    kept = text if len(text) <= TEXT_MAX else text[:TEXT_MAX] + CUT
    return kept.replace("\x00", "�").encode("utf-8", "replace").decode()


def _begin() -> None:
    if request.method in READS:
        return
    body = storable(request.get_json(silent=True))
    entry = {
        "staff_id": g.staff_id,
        "tried_at": clock.now(),
        "method": request.method,
        "endpoint": request.endpoint,
        "request_id": g.request_id,
        "ip": request.remote_addr or "",
        **_masked(path=request.path, body=body),
    }
    with transaction() as session:
        written = AuditLog(**entry)
        session.add(written)
    g.audit_id = written.id


def _finish(response: Response) -> Response:
    audit_id = g.pop("audit_id", None)
    if audit_id is not None:
        with transaction() as session:
            session.execute(
                update(AuditLog).where(AuditLog.id == audit_id).values(status=response.status_code)
            )
    return response


def _masked(**values: Any) -> dict[str, Any]:
    return logs.mask(None, "", values)
