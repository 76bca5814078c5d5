"""
Orders that open or join a team: priced by their campaign, refused with the reason a buyer can read.

Everything that may refuse is asked before anything is written; what changes in between is refused
by the order's own transaction, for the same reasons.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import Conflict
from app.group_buys import queries, views
from app.group_buys.queries import Campaign
from app.group_buys.wording import REASONS, Reason
from app.marketing import buyers, teams
from app.marketing.seats import CannotJoinTeam
from app.marketing.service import Choice, PromotionGone
from app.orders import service as orders
from app.orders.drafts import DealGone, Draft, Wanted
from app.orders.models import OrderOrigin
from promotions import group_buys, limits, stock
from promotions.group_buys import Refusal
from promotions.pricing import Allowance, Code, Deal
from promotions.pricing.kinds import GroupBuy


class GroupBuyRefused(Conflict):
    """The buyer cannot open or join; `reason` and `message` say why."""

    code, title = "group_buy_refused", "暂时不能参加该拼团"

    @classmethod
    def because(cls, reason: Reason | Refusal) -> "GroupBuyRefused":
        """Refuse for `reason`, told in Chinese."""
        return cls(reason=reason.value, message=REASONS[reason])


@dataclass(frozen=True, slots=True)
class Wish:
    """What a buyer wants of a campaign; no `team_no`: to open a team."""

    group_buy_id: int
    buyer_id: int
    sku_id: int
    quantity: int
    team_no: str | None
    choice: Choice

    @property
    def wanted(self) -> Wanted:
        """What orders is asked for."""
        return Wanted(
            OrderOrigin.GROUP_BUY,
            {self.sku_id: self.quantity},
            self.choice,
            deal=Deal(promotion_id=self.group_buy_id, as_opener=self.team_no is None),
            team_no=self.team_no,
        )


def preview(session: Session, wish: Wish, *, address_id: int | None, now: datetime) -> Draft:
    """
    Say what an order would cost that opens or joins a team; nothing is written or held.

    :raises GroupBuyNotFound: there is no such campaign.
    :raises GroupBuyRefused: it takes no such order, or the team does not; the reason is told.
    :raises SkuNotForSale, OutOfStock, RegionNotServed, AddressNotFound: as `orders.preview`.
    """
    _require(session, wish, now)
    try:
        return orders.preview(
            session, buyer_id=wish.buyer_id, wanted=wish.wanted, address_id=address_id, now=now
        )
    except DealGone as gone:
        raise GroupBuyRefused.because(GONE.get(gone.members["reason"], Reason.CLOSED_NOW)) from gone


def place(session: Session, wish: Wish, *, now: datetime, **order: Any) -> dict[str, Any]:
    """
    Place an order that opens or joins a team, at the price of this moment, and hold its seat.

    It is to be paid before its minutes, or those of its team, are over.

    :raises GroupBuyNotFound: there is no such campaign.
    :raises GroupBuyRefused: it takes no such order, or the team does not; the reason is told.
    :raises PriceChanged, QuantityOverLimit, CouponGone: as `orders.place`.
    :raises SkuNotForSale, OutOfStock, RegionNotServed, AddressNotFound: as `orders.preview`.
    """
    rule = _require(session, wish, now)
    try:
        placed = orders.place(
            session,
            buyer_id=wish.buyer_id,
            wanted=wish.wanted,
            pay_within=_to_pay(session, rule, wish.team_no, now),
            now=now,
            **order,
        )
    except DealGone as gone:
        raise GroupBuyRefused.because(GONE.get(gone.members["reason"], Reason.CLOSED_NOW)) from gone
    except CannotJoinTeam as late:
        raise GroupBuyRefused.because(Refusal(late.members["reason"])) from late
    except PromotionGone as gone:
        raise _gone(wish, gone) from gone
    return {
        **{name: getattr(placed, name) for name in OF_ORDER},
        "team": teams.of_order(session, placed.source),
    }


OF_ORDER = ("order_no", "status", "payable_fen", "expires_at")
GONE = {
    Code.NOT_FOR_YOU.value: Reason.NOT_FOR_YOU,
    Code.LIMIT_REACHED.value: Reason.LIMIT_REACHED,
    Code.UNITS_REACHED.value: Reason.SOLD_OUT,
}
"""Why a deal priced nothing, as its verdict says; for another reason it is not on."""
LEAST = timedelta(minutes=1)
"""To pay, however soon the team ends."""


def _require(session: Session, wish: Wish, now: datetime) -> GroupBuy:
    """Check everything that may be told before an order is written; return the campaign's terms."""
    campaign = views.public(session, wish.group_buy_id)
    rule = views.rule_of(campaign)
    reason: Reason | Refusal | None = views.closed_for(campaign, now)
    if reason is None and wish.sku_id not in rule.price_of:
        reason = Reason.NOT_IN_IT
    if reason is None and wish.team_no is not None:
        reason = _team_refuses(session, wish, wish.team_no, now)
    reason = reason or _sold_out(session, campaign, wish, now)
    if reason is not None:
        raise GroupBuyRefused.because(reason)
    return rule


def _team_refuses(session: Session, wish: Wish, team_no: str, now: datetime) -> Refusal | None:
    if queries.has_seat(session, team_no, wish.buyer_id):
        return Refusal.ALREADY_IN
    return group_buys.refusal_of(
        session,
        team_no=team_no,
        promotion_id=wish.group_buy_id,
        is_newcomer=buyers.is_new(session, wish.buyer_id),
        now=now,
    )


def _sold_out(session: Session, campaign: Campaign, wish: Wish, now: datetime) -> Reason | None:
    """Whether too little is left: of the pieces set aside, for all together, or for this buyer."""
    for each in stock.of(session, [wish.group_buy_id])[wish.group_buy_id]:
        if each.sku_id == wish.sku_id and queries.left(each) < wish.quantity:
            return Reason.SOLD_OUT
    if campaign.limits is None:
        return None
    for member_id, reason in ((None, Reason.SOLD_OUT), (wish.buyer_id, Reason.LIMIT_REACHED)):
        found = limits.allowances(session, [wish.group_buy_id], member_id=member_id, now=now)
        if any(_is_short(each, wish.quantity) for each in found):
            return reason
    return None


def _is_short(left: Allowance, quantity: int) -> bool:
    return left.uses == 0 or (left.units is not None and left.units < quantity)


def _to_pay(session: Session, rule: GroupBuy, team_no: str | None, now: datetime) -> timedelta:
    """How long the order holds its seat: no longer than its team is open."""
    usual = timedelta(minutes=rule.pay_minutes)
    ends_at = queries.team(session, team_no).ends_at if team_no else None
    return usual if ends_at is None else min(usual, max(ends_at - now, LEAST))


def _gone(wish: Wish, gone: PromotionGone) -> Exception:
    """Why the campaign could not be taken; another promotion in the price speaks for itself."""
    if gone.members["promotion_id"] != wish.group_buy_id:
        return gone
    cause = gone.__cause__
    if isinstance(cause, limits.MemberLimitReached):
        return GroupBuyRefused.because(Reason.LIMIT_REACHED)
    is_out = isinstance(cause, limits.StockOut | limits.LimitReached)
    return GroupBuyRefused.because(Reason.SOLD_OUT if is_out else Reason.CLOSED_NOW)
