"""Runs the jobs that send notices, as a worker would at a moment."""

from datetime import datetime

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.notices import jobs

DUE = text(
    "WITH due AS (DELETE FROM procrastinate_jobs WHERE status = 'todo'"
    " AND task_name = 'notices.send' AND (scheduled_at IS NULL OR scheduled_at <= :now)"
    " RETURNING id, args) SELECT args FROM due ORDER BY id"
)


def deliver(session: Session, now: datetime) -> list[int]:
    """Run what is due at `now`; return the notices it was about."""
    session.commit()
    due = [row.args["notice_id"] for row in session.execute(DUE, {"now": now})]
    session.commit()
    for notice_id in due:
        jobs.send(notice_id)
    return due
