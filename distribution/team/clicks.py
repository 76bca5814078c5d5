"""
Clicks: who followed what a distributor shared, when, and by what. A click pays nobody.

A click is a touch: at once for a member who is signed in, and when they sign in for a visitor.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import ColumnElement, any_, func, select
from sqlalchemy.orm import Session

from distribution.base import bigints
from distribution.team import binding, binding_rules
from distribution.team.models import BindingLog, Distributor, ShareClick
from distribution.team.states import BindingMode, DistributorStatus
from distribution.team.tree import SelfBinding

REPEAT = timedelta(minutes=1)
"""The same click again within this time is a repetition, not another one."""


@dataclass(frozen=True, slots=True)
class Shared:
    """What was followed: whose, by what, and which product."""

    invite_code: str
    source: str
    scene: str | None = None
    spu_id: int | None = None


class Clicked(NamedTuple):
    """A click on what a distributor shared, and whom it bound, if anybody."""

    click: ShareClick
    bound_member_id: int | None


def of_member(session: Session, member_id: int, shared: Shared, *, now: datetime) -> ShareClick:
    """
    Record the click of a member.

    :raises UnknownInviteCode: nobody has the code.
    :raises SelfBinding: it is the member's own.
    """
    upline_id = binding.inviter(session, shared.invite_code)
    if upline_id == member_id:
        raise SelfBinding(f"member {member_id} follows a link of their own")
    click = _click(shared, upline_id, now=now)
    click.member_id = member_id
    return _recorded(session, click, ShareClick.member_id == member_id)


def of_visitor(session: Session, visitor_key: str, shared: Shared, *, now: datetime) -> ShareClick:
    """
    Record the click of somebody who has not signed in; `visitor_key` stands for them.

    :raises UnknownInviteCode: nobody has the code.
    """
    upline_id = binding.inviter(session, shared.invite_code)
    click = _click(shared, upline_id, now=now)
    click.visitor_key = visitor_key
    return _recorded(session, click, ShareClick.visitor_key == visitor_key)


def waiting(
    session: Session, visitor_key: str, *, member_id: int, now: datetime
) -> ShareClick | None:
    """
    The click of a visitor that counts now that they have signed in as this member.

    It is the latest where the latest touch counts, otherwise the first; only of active
    distributors, not of the member's own links, and none that is older than the rules say.
    """
    in_force = binding_rules.current(session)
    is_latest = in_force.mode == BindingMode.LAST_TOUCH
    return session.scalar(
        select(ShareClick)
        .join(Distributor, Distributor.member_id == ShareClick.upline_member_id)
        .where(
            ShareClick.visitor_key == visitor_key,
            ShareClick.upline_member_id != member_id,
            ShareClick.clicked_at > now - timedelta(days=in_force.click_days),
            Distributor.status == DistributorStatus.ACTIVE,
        )
        .order_by(ShareClick.id.desc() if is_latest else ShareClick.id)
        .limit(1)
    )


def of_distributor(
    session: Session, upline_id: int, *, before: int | None = None, limit: int = 20
) -> Sequence[Clicked]:
    """
    Who followed what a distributor shared, the latest first; `before` is the id of the last seen.

    A visitor is nobody until a click of theirs has bound somebody.
    """
    bound_by = (
        select(func.max(BindingLog.member_id))
        .where(BindingLog.click_id == ShareClick.id)
        .scalar_subquery()
    )
    query = select(ShareClick, bound_by).where(ShareClick.upline_member_id == upline_id)
    if before is not None:
        query = query.where(ShareClick.id < before)
    rows = session.execute(query.order_by(ShareClick.id.desc()).limit(limit))
    return [Clicked(*row) for row in rows]


def by_ids(session: Session, click_ids: Collection[int]) -> dict[int, ShareClick]:
    """These clicks by id. One query."""
    found = session.scalars(select(ShareClick).where(ShareClick.id == any_(bigints(click_ids))))
    return {click.id: click for click in found}


def _click(shared: Shared, upline_id: int, *, now: datetime) -> ShareClick:
    return ShareClick(
        upline_member_id=upline_id,
        source=shared.source,
        scene=shared.scene,
        spu_id=shared.spu_id,
        clicked_at=now,
    )


def _recorded(session: Session, click: ShareClick, is_theirs: ColumnElement[bool]) -> ShareClick:
    """The click, stored; or the latest of the same person, if it is the same within a minute."""
    latest = session.scalar(
        select(ShareClick).where(is_theirs).order_by(ShareClick.id.desc()).limit(1)
    )
    if latest is not None and _repeats(click, latest):
        return latest
    session.add(click)
    session.flush()
    return click


def _repeats(click: ShareClick, latest: ShareClick) -> bool:
    same = all(
        getattr(click, name) == getattr(latest, name)
        for name in ("upline_member_id", "source", "scene", "spu_id")
    )
    return same and click.clicked_at < latest.clicked_at + REPEAT
