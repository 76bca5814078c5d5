"""
Campaigns and teams as shoppers see them: what goods cost in a team and alone, who is in it, masked.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.catalogue import queries as catalogue
from app.catalogue.queries import SellableSku
from app.core import crypto, paging
from app.group_buys import queries, wording
from app.group_buys.queries import Campaign, GroupBuyNotFound
from app.group_buys.wording import Reason
from app.marketing import shown
from app.marketing import teams as told
from app.members import queries as members
from promotions import stock
from promotions.definitions import slots_of
from promotions.group_buys import BuyingTeam, TeamSeat, TeamStatus
from promotions.models import PromotionStock
from promotions.pricing import CartLine
from promotions.pricing.kinds import GroupBuy
from promotions.states import CampaignStatus

TEAMS = 10
"""Teams that may be joined on the page of a campaign."""
NOBODY = "微信用户"


def rule_of(campaign: Campaign) -> GroupBuy:
    """The terms of a campaign."""
    return GroupBuy.parse(campaign.promotion.definition["terms"])


def closed_for(campaign: Campaign, now: datetime) -> Reason | None:
    """Why nobody can order in a campaign now; None if it is running."""
    promotion = campaign.promotion
    if promotion.status is CampaignStatus.PAUSED:
        return Reason.PAUSED
    is_over = promotion.ends_at is not None and promotion.ends_at <= now
    if promotion.status is CampaignStatus.ENDED or is_over:
        return Reason.ENDED
    if now < promotion.starts_at:
        return Reason.NOT_STARTED
    slots = promotion.definition["slots"]
    is_open = not slots or any(slot.covers(now) for slot in slots_of(slots))
    return None if is_open else Reason.CLOSED_NOW


def campaigns(session: Session, *, now: datetime) -> dict[str, Any]:
    """The campaigns that are running or coming."""
    found = queries.listed(session, now=now)
    return {"items": _shown(session, found, now), "server_time": now}


def campaign(session: Session, group_buy_id: int, *, now: datetime) -> dict[str, Any]:
    """
    A campaign with its rules in words and teams to join; drafts are nobody's business.

    :raises GroupBuyNotFound: there is none, or it is a draft.
    """
    found = public(session, group_buy_id)
    (page,) = _shown(session, [found], now)
    return {
        **page,
        "rules": wording.rules(rule_of(found), found.limits),
        "teams": teams_to_join(session, group_buy_id, now=now, limit=TEAMS)["items"],
    }


def public(session: Session, group_buy_id: int) -> Campaign:
    """
    A campaign that was published once.

    :raises GroupBuyNotFound: there is none, or it is a draft.
    """
    found = queries.campaign(session, group_buy_id)
    if found.promotion.status is CampaignStatus.DRAFT:
        raise GroupBuyNotFound
    return found


def teams_to_join(
    session: Session, group_buy_id: int, *, now: datetime, limit: int
) -> dict[str, Any]:
    """The teams of a campaign that may be joined, the one that ends soonest first."""
    found: Sequence[BuyingTeam] = ()
    if closed_for(public(session, group_buy_id), now) is None:
        found = queries.joinable(session, group_buy_id, now=now, limit=limit)
    names = _names(session, {each.opener_id for each in found})
    items = [{**_team(each, now), "opener": _name(names, each.opener_id)} for each in found]
    return {"items": items, "server_time": now}


def team(session: Session, team_no: str, *, now: datetime) -> dict[str, Any]:
    """
    What anybody may see of a team whose link they were given: its share page.

    :raises TeamNotFound: there is none.
    """
    found = queries.team(session, team_no)
    campaign = queries.campaign(session, found.promotion_id)
    seated = queries.seated(session, found.id)
    names = _names(session, {found.opener_id, *(seat.member_id for seat in seated)})
    (page,) = _shown(session, [campaign], now)
    reason = closed_for(campaign, now)
    return {
        **_team(found, now),
        "opener": _name(names, found.opener_id),
        "can_join": reason is None and is_joinable(found, now),
        "members": [_member(seat, found, names) for seat in seated],
        "group_buy": page,
        "rules": wording.rules(rule_of(campaign), campaign.limits),
        "server_time": now,
    }


def is_joinable(team: BuyingTeam, now: datetime) -> bool:
    """Say whether a team has a seat for one more; whether for this buyer is another question."""
    return team.seats_left > 0 and team.ends_at is not None and team.ends_at > now


def own_teams(
    session: Session, member_id: int, *, cursor: str | None, limit: int
) -> dict[str, Any]:
    """A page of the teams a member has or had a seat in, the latest first."""
    (before_id,) = paging.decode(cursor, int) if cursor else (None,)
    found = queries.seats_of_member(session, member_id, before_id=before_id, limit=limit + 1)
    seats = found[:limit]
    known = queries.teams_by_id(
        session, {team_id for seat in seats for team_id in (seat.team_id, seat.held_team_id)}
    )
    titles = queries.titles(session, {each.promotion_id for each in known.values()})
    return {
        "items": [_own(seat, known, titles) for seat in seats],
        "next_cursor": paging.encode(seats[-1].id) if len(found) > limit else None,
    }


def _own(
    seat: TeamSeat, known: Mapping[int, BuyingTeam], titles: Mapping[int, str]
) -> dict[str, Any]:
    team = known[seat.team_id]
    return {
        **told.of_seat(seat, team, known[seat.held_team_id]),
        "title": titles[team.promotion_id],
        "order_no": seat.source[queries.PREFIX :],
    }


def _shown(session: Session, found: Sequence[Campaign], now: datetime) -> list[dict[str, Any]]:
    """Campaigns as every page shows them, with their goods."""
    ids = [each.promotion.id for each in found]
    rules = {each.promotion.id: rule_of(each) for each in found}
    skus = catalogue.skus_for_pricing(
        session, {sku_id for rule in rules.values() for sku_id in rule.price_of}
    )
    alone = _alone(session, skus, now)
    joinable = queries.joinable_counts(session, ids, now=now)
    set_aside = stock.of(session, ids)
    return [
        {
            **_campaign(each, rules[each.promotion.id], now),
            "teams_to_join": joinable.get(each.promotion.id, 0),
            "goods": _goods(rules[each.promotion.id], skus, alone, set_aside[each.promotion.id]),
        }
        for each in found
    ]


def _campaign(each: Campaign, rule: GroupBuy, now: datetime) -> dict[str, Any]:
    reason = closed_for(each, now)
    return {
        "id": each.promotion.id,
        "title": each.promotion.title,
        "can_order": reason is None,
        "reason": reason.value if reason else None,
        "message": wording.REASONS[reason] if reason else None,
        "starts_at": each.promotion.starts_at,
        "ends_at": each.promotion.ends_at,
        "server_time": now,
        "team_size": rule.team_size,
        "team_minutes": rule.team_minutes,
        "pay_minutes": rule.pay_minutes,
        "newcomers_only": rule.newcomers_only,
        "auto_complete": rule.auto_complete,
        "with_coupons": rule.with_coupons,
        "max_units_per_order": rule.max_units_per_order,
    }


def _goods(
    rule: GroupBuy,
    skus: Mapping[int, SellableSku],
    alone: Mapping[int, int],
    set_aside: Collection[PromotionStock],
) -> list[dict[str, Any]]:
    """What the campaign sells and is on sale, each with what it costs to buy it alone."""
    of_opener = {each.sku_id: each.price_fen for each in rule.opener_prices or ()}
    left = {each.sku_id: queries.left(each) for each in set_aside}
    return [
        {
            "sku_id": sku_id,
            "spu_id": skus[sku_id].spu_id,
            "title": skus[sku_id].title,
            "spec_text": skus[sku_id].spec_text,
            "image_url": skus[sku_id].image_url,
            "price_fen": price_fen,
            "opener_price_fen": of_opener.get(sku_id, price_fen),
            "alone_price_fen": alone[sku_id],
            "left": left.get(sku_id, skus[sku_id].available),
        }
        for sku_id, price_fen in rule.price_of.items()
        if sku_id in skus and skus[sku_id].is_on_sale
    ]


def _alone(session: Session, skus: Mapping[int, SellableSku], now: datetime) -> dict[int, int]:
    """What one piece of each SKU costs anybody who buys it without a team."""
    goods = [
        CartLine(
            line_id=number,
            sku_id=sku.sku_id,
            spu_id=sku.spu_id,
            quantity=1,
            unit_price_fen=sku.price_fen,
            category_path=sku.category_path,
            tags=frozenset(sku.tags),
        )
        for number, sku in enumerate(skus.values(), start=1)
    ]
    if not goods:
        return {}
    prices = shown.shown(session, goods, now=now).prices
    return {sku_id: promoted.price_fen for sku_id, promoted in prices.items()}


def _team(team: BuyingTeam, now: datetime) -> dict[str, Any]:
    is_over = team.ends_at is not None and team.ends_at <= now
    is_open = team.status is TeamStatus.OPEN
    return {
        "team_no": team.team_no,
        "group_buy_id": team.promotion_id,
        "status": team.status.value,
        "message": "已到期，正在处理" if is_open and is_over else told.TEAMS[team.status],
        "size": team.size,
        "seats_taken": team.seats_taken,
        "seats_filled": team.seats_filled,
        "seats_left": 0 if is_over else team.seats_left,
        "newcomers_only": team.newcomers_only,
        "auto_completes": team.auto_completes,
        "opened_at": team.opened_at,
        "ends_at": team.ends_at,
        "settled_at": team.settled_at,
    }


def _member(seat: TeamSeat, team: BuyingTeam, names: Mapping[int, str]) -> dict[str, Any]:
    return {
        "name": _name(names, seat.member_id),
        "is_opener": seat.member_id == team.opener_id,
        "paid_at": seat.paid_at,
    }


def _names(session: Session, member_ids: Collection[int]) -> dict[int, str]:
    """What others see of members: the first character of the nickname, no more."""
    return {
        each.member_id: crypto.mask_name(each.nickname)
        for each in members.briefs(session, member_ids).values()
        if each.nickname
    }


def _name(names: Mapping[int, str], member_id: int) -> str:
    return names.get(member_id, NOBODY)
