"""
How teams end that are not full: their time is over, or staff stop them. Their money goes back.
"""

from datetime import datetime

import structlog
from sqlalchemy.orm import Session

from app.core.errors import Conflict
from app.group_buys import queries, refunds
from promotions import group_buys as engine

log = structlog.get_logger(__name__)

BATCH = 100
"""Teams ended in one transaction."""


class TeamOver(Conflict):
    """The team is complete or has failed; `team_status` says which."""

    code, title = "buying_team_over", "该团已成团或已结束"


def expire_due(session: Session, *, now: datetime) -> int:
    """
    End the teams whose time is over, at most a batch, and have their money given back.

    Returns how many there were.
    """
    ended = engine.expire_due(session, now=now, limit=BATCH)
    refunds.ask(session, ended.sources)
    if ended.failed or ended.completed:
        log.info("teams_expired", failed=ended.failed, completed=ended.completed)
    return ended.failed + ended.completed


def fail(session: Session, *, team_no: str, reason: str, now: datetime) -> None:
    """
    End a team by the will of staff; whoever has paid gets the money back, with the reason.

    :raises TeamNotFound: there is none.
    :raises TeamOver: it is complete or has failed.
    """
    team = queries.team(session, team_no)
    sources = engine.fail(session, team.id, now=now)
    if sources is None:
        session.refresh(team)
        raise TeamOver(team_status=team.status.value)
    refunds.ask(session, sources, reason=f"商家终止拼团：{reason}")
