"""What is asked about group buys: their campaigns, a team, and what the orders of each brought."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Row, Select, exists, func, select
from sqlalchemy.orm import Session

from app.core.errors import NotFound
from app.orders.models import Order
from promotions.group_buys import BuyingTeam, TeamSeat, TeamStatus
from promotions.group_buys.moves import is_joinable
from promotions.group_buys.queries import was_in_it
from promotions.group_buys.states import LIVE
from promotions.group_buys.terms import KIND
from promotions.models import Promotion, PromotionCounter, PromotionStock
from promotions.states import CampaignStatus

SHOWN = 100
"""The most campaigns a page of the shop lists."""
PREFIX = len("order:")
ANEW = {"populate_existing": True}


class GroupBuyNotFound(NotFound):
    code, title = "group_buy_not_found", "拼团活动不存在"


class TeamNotFound(NotFound):
    code, title = "buying_team_not_found", "没有这个团"


class Campaign(NamedTuple):
    """A campaign with its limits, if it has any."""

    promotion: Promotion
    limits: PromotionCounter | None


def campaign(session: Session, group_buy_id: int) -> Campaign:
    """
    A group buy, in whatever status.

    :raises GroupBuyNotFound: there is none, or the promotion is another kind.
    """
    found = session.execute(_campaigns().where(Promotion.id == group_buy_id)).one_or_none()
    if found is None:
        raise GroupBuyNotFound
    return Campaign(*found)


def listed(session: Session, *, now: datetime) -> list[Campaign]:
    """The published campaigns that are not over, those of the highest priority first."""
    wanted = (
        _campaigns()
        .where(Promotion.status == CampaignStatus.PUBLISHED, Promotion.ends_at > now)
        .order_by(Promotion.priority.desc(), Promotion.starts_at, Promotion.id)
        .limit(SHOWN)
    )
    return [Campaign(*found) for found in session.execute(wanted)]


def page_of_campaigns(
    session: Session, *, before_id: int | None, limit: int
) -> Sequence[Promotion]:
    """Up to `limit` group buys older than `before_id`, the latest first."""
    wanted = select(Promotion).where(Promotion.kind == KIND)
    if before_id is not None:
        wanted = wanted.where(Promotion.id < before_id)
    return session.scalars(wanted.order_by(Promotion.id.desc()).limit(limit)).all()


def titles(session: Session, group_buy_ids: Collection[int]) -> Mapping[int, str]:
    """The titles of campaigns by id."""
    found = session.execute(
        select(Promotion.id, Promotion.title).where(Promotion.id.in_(group_buy_ids))
    )
    return {row.id: row.title for row in found}


def joinable_counts(
    session: Session, group_buy_ids: Collection[int], *, now: datetime
) -> Mapping[int, int]:
    """How many teams of each campaign may be joined; nothing for those with none."""
    found = session.execute(
        select(BuyingTeam.promotion_id, func.count())
        .where(BuyingTeam.promotion_id.in_(group_buy_ids), is_joinable(now))
        .group_by(BuyingTeam.promotion_id)
    )
    return {row[0]: row[1] for row in found}


def team(session: Session, team_no: str) -> BuyingTeam:
    """
    A team.

    :raises TeamNotFound: there is none.
    """
    found = session.scalar(
        select(BuyingTeam).where(BuyingTeam.team_no == team_no), execution_options=ANEW
    )
    if found is None:
        raise TeamNotFound
    return found


def joinable(
    session: Session, group_buy_id: int, *, now: datetime, limit: int
) -> Sequence[BuyingTeam]:
    """Up to `limit` teams of a campaign that may be joined, the one that ends soonest first."""
    return session.scalars(
        select(BuyingTeam)
        .where(BuyingTeam.promotion_id == group_buy_id, is_joinable(now))
        .order_by(BuyingTeam.ends_at, BuyingTeam.id)
        .limit(limit),
        execution_options=ANEW,
    ).all()


def seated(session: Session, team_id: int) -> Sequence[TeamSeat]:
    """The paid seats of a team, or those it had when it failed; who paid first is in front."""
    return session.scalars(
        select(TeamSeat)
        .where(TeamSeat.team_id == team_id, was_in_it())
        .order_by(TeamSeat.paid_at, TeamSeat.id),
        execution_options=ANEW,
    ).all()


def seats_of_member(
    session: Session, member_id: int, *, before_id: int | None, limit: int
) -> Sequence[TeamSeat]:
    """Up to `limit` seats of a member, the latest first."""
    wanted = select(TeamSeat).where(TeamSeat.member_id == member_id)
    if before_id is not None:
        wanted = wanted.where(TeamSeat.id < before_id)
    return session.scalars(
        wanted.order_by(TeamSeat.id.desc()).limit(limit), execution_options=ANEW
    ).all()


def teams_by_id(session: Session, team_ids: Collection[int]) -> Mapping[int, BuyingTeam]:
    """Teams by id."""
    found = session.scalars(
        select(BuyingTeam).where(BuyingTeam.id.in_(team_ids)), execution_options=ANEW
    )
    return {each.id: each for each in found}


def has_seat(session: Session, team_no: str, member_id: int) -> bool:
    """Whether a member has a seat in a team, paid or held."""
    found = (
        exists()
        .where(TeamSeat.team_id == BuyingTeam.id, BuyingTeam.team_no == team_no)
        .where(TeamSeat.member_id == member_id, TeamSeat.status.in_(LIVE))
    )
    return bool(session.scalar(select(found)))


def left(stock: PromotionStock) -> int:
    """How many of the pieces set aside may still be ordered."""
    if stock.closed_at is not None:
        return 0
    return stock.max_units - stock.units_used - stock.units_reserved


def page_of_teams(
    session: Session,
    group_buy_id: int,
    *,
    status: TeamStatus | None,
    member_id: int | None,
    before_id: int | None,
    limit: int,
) -> Sequence[BuyingTeam]:
    """Up to `limit` teams of a campaign, the latest first; of a member: where they had a seat."""
    wanted = select(BuyingTeam).where(BuyingTeam.promotion_id == group_buy_id)
    if status is not None:
        wanted = wanted.where(BuyingTeam.status == status)
    if member_id is not None:
        own = select(TeamSeat.team_id).where(TeamSeat.member_id == member_id)
        wanted = wanted.where(BuyingTeam.id.in_(own))
    if before_id is not None:
        wanted = wanted.where(BuyingTeam.id < before_id)
    return session.scalars(
        wanted.order_by(BuyingTeam.id.desc()).limit(limit), execution_options=ANEW
    ).all()


def seats_of_team(session: Session, team_id: int) -> list[tuple[TeamSeat, Order]]:
    """Every seat a team has or had with its order, those that paid first at the front."""
    found = session.execute(
        _seats()
        .where(TeamSeat.team_id == team_id)
        .order_by(TeamSeat.paid_at.nulls_last(), TeamSeat.id),
        execution_options=ANEW,
    )
    return [(seat, order) for seat, _, order in found]


def exported(session: Session, group_buy_id: int) -> Iterator[Row[TeamSeat, BuyingTeam, Order]]:
    """Every seat of a campaign with its team and order, one after another, the oldest first."""
    wanted = _seats().where(BuyingTeam.promotion_id == group_buy_id).order_by(TeamSeat.id)
    return iter(session.execute(wanted, execution_options={"yield_per": 500}))


def _campaigns() -> Select[Promotion, PromotionCounter]:
    return (
        select(Promotion, PromotionCounter)
        .join(PromotionCounter, PromotionCounter.promotion_id == Promotion.id, isouter=True)
        .where(Promotion.kind == KIND)
        .execution_options(populate_existing=True)
    )


def _seats() -> Select[TeamSeat, BuyingTeam, Order]:
    return (
        select(TeamSeat, BuyingTeam, Order)
        .join(BuyingTeam, BuyingTeam.id == TeamSeat.team_id)
        .join(Order, Order.order_no == func.substr(TeamSeat.source, PREFIX + 1))
    )
