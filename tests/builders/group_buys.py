"""Builders for group buys: a campaign, and orders that open and join teams."""

from datetime import datetime, timedelta
from itertools import count
from typing import Any

from sqlalchemy.orm import Session

from promotions import group_buys
from promotions.group_buys import BuyingTeam, Taken
from promotions.models import Promotion
from tests.builders.promotions import NOON, make_published

TERMS: dict[str, Any] = {
    "prices": [{"sku_id": 1, "price_fen": 8_000}],
    "opener_prices": None,
    "team_size": 3,
    "team_minutes": 60,
    "newcomers_only": False,
    "auto_complete": False,
    "seats": "held",
    "when_late": "join",
    "max_units_per_order": None,
    "with_coupons": False,
    "with_points": False,
    "pay_minutes": 15,
}

FAR = NOON + timedelta(days=30)

_numbers = count(1)


def make_group_buy(session: Session, *, ends_at: datetime = FAR, **terms: Any) -> Promotion:
    """A group buy for three within an hour that runs from noon on, unless told otherwise."""
    return make_published(
        session, kind="group_buy", title="拼团", ends_at=ends_at, terms={**TERMS, **terms}
    )


def new_number() -> str:
    """A number of a team that nobody has."""
    return f"T{next(_numbers):026}"


def hold(
    session: Session,
    promotion: Promotion,
    member_id: int,
    *,
    team: BuyingTeam | None = None,
    source: str | None = None,
    now: datetime = NOON,
    **more: Any,
) -> BuyingTeam:
    """Place the order of a member, by default `order:<member>`, that opens or joins a team."""
    fields = {"is_newcomer": False, **more}
    return group_buys.hold_seat(
        session,
        source=source or f"order:{member_id}",
        promotion_id=promotion.id,
        member_id=member_id,
        team_no=new_number() if team is None else team.team_no,
        as_opener=team is None,
        now=now,
        **fields,
    )


def pay(session: Session, member_id: int | str, *, now: datetime = NOON) -> Taken:
    """Pay the order of a member, or of a source."""
    source = member_id if isinstance(member_id, str) else f"order:{member_id}"
    taken = group_buys.take_seat(session, source=source, spare_no=new_number(), now=now)
    assert taken is not None
    return taken


def opened(
    session: Session, promotion: Promotion, *members: int, now: datetime = NOON
) -> BuyingTeam:
    """A team in which these members have paid, the first of them its opener."""
    first, *others = members
    team = hold(session, promotion, first, now=now)
    pay(session, first, now=now)
    for member_id in others:
        hold(session, promotion, member_id, team=team, now=now)
        pay(session, member_id, now=now)
    return team
