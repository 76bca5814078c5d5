"""
Whether a set-up can mean anything: a campaign is refused when it is written, not by a shopper.
"""

from collections.abc import Iterator, Mapping, Sequence
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy.orm import Session

from promotions import pricing
from promotions.coupons.models import CouponTemplate
from promotions.coupons.terms import BadIssue, Issue
from promotions.definitions import Campaign, UnknownKind, rule_of, slots_of
from promotions.pricing.kinds import DealRule, FlashSale
from promotions.pricing.promotion import CHINA, DAYS_A_WEEK, EmptyWindow
from promotions.states import MemberPeriod


class Flaw(StrEnum):
    """Why a set-up is refused, beyond what its terms say about themselves."""

    UNKNOWN_KIND = "unknown_kind"
    EMPTY_WINDOW = "empty_window"
    """It, or a slot of it, ends no later than it starts."""
    NEVER_OPEN = "never_open"
    """A slot has no minute within the window."""
    ALREADY_OVER = "already_over"
    """Its window has passed."""
    EMPTY_SCOPE = "empty_scope"
    """Everything it names it also excludes, or it names nothing."""
    SCOPE_IN_TERMS = "scope_in_terms"
    """The terms name the SKUs, so the scope has nothing to say."""
    TERMS_EXCLUDED = "terms_excluded"
    """A SKU that the terms name is excluded."""
    MODE_WITHOUT_GROUP = "mode_without_group"
    """A group mode is set and there is no group."""
    MIXED_GROUP = "mixed_group"
    """Published campaigns of the group have another mode."""
    BUDGET_TOO_SMALL = "budget_too_small"
    """The budget is below what one order may save, so it could refuse the first buyer."""
    ABOVE_TOTAL = "above_total"
    """One person, or one order, may have more than all together or than one person."""
    NO_PIECES = "no_pieces"
    """Pieces are limited and the kind sets no price of pieces."""
    PERIOD_WITHOUT_LIMIT = "period_without_limit"
    """A period is set and one person is not limited."""
    NO_SUCH_GIFT = "no_such_gift"
    """Stock is set aside for a gift that the terms do not give."""
    NO_SUCH_COUPON = "no_such_coupon"
    """The terms give a coupon that is none."""
    REPEATED = "repeated"
    """The same thing is listed twice."""
    ISSUE_MISSING = "issue_missing"
    """A kind of coupon does not say how it is issued."""
    NOT_LIMITED = "not_limited"
    """A limit cannot be added once orders have gone by uncounted."""
    BELOW_TAKEN = "below_taken"
    """Orders have taken more than the limit would allow."""
    LOWERED = "lowered"
    """What one person may have was published, and only goes up."""
    NOTHING_TO_ISSUE = "nothing_to_issue"
    """What is no coupon says how it is issued."""
    STOCK_MISSING = "stock_missing"
    """A SKU of a flash sale has a price and no pieces."""
    NO_STOCK = "no_stock"
    """Pieces are set aside and the kind sells none of its own."""
    NO_SUCH_PRICE = "no_such_price"
    """Pieces are set aside of a SKU without a price."""
    NOT_OF_DEALS = "not_of_deals"
    """A deal prices its cart alone, so it has no group, budget or manners towards others."""
    NO_END = "no_end"
    """What sets pieces aside must end."""


class Contradiction(ValueError):
    """A set-up cannot mean anything; `field` says where, `reason` is a `Flaw` or a `Problem`."""

    def __init__(self, field: str, reason: StrEnum) -> None:
        super().__init__(f"{field}: {reason}")
        self.field = field
        self.reason = reason


def check(campaign: Campaign) -> pricing.Promotion:
    """
    Return the promotion the pricing engine makes of the campaign.

    :raises Contradiction: the set-up contradicts itself.
    """
    _check_slots(campaign)
    try:
        compiled = campaign.compiled(0)
    except pricing.BadTerms as bad:
        raise Contradiction(f"terms.{bad.field}", bad.problem) from bad
    except UnknownKind as unknown:
        raise Contradiction("kind", Flaw.UNKNOWN_KIND) from unknown
    except pricing.EmptyScope as empty:
        raise Contradiction("includes", Flaw.EMPTY_SCOPE) from empty
    except EmptyWindow as empty:
        raise Contradiction("ends_at", Flaw.EMPTY_WINDOW) from empty
    for rule in (_manners, _scope, _opening, _money_and_uses, _pieces, _gift_stock, _deal, _issue):
        for field, flaw in rule(campaign, compiled):
            raise Contradiction(field, flaw)
    return compiled


def check_coupons(session: Session, campaign: Campaign) -> None:
    """
    Check that the coupons the terms give away are coupons.

    :raises Contradiction: one is not.
    """
    for place, tier in enumerate(_tiers(rule_of(campaign.kind, campaign.terms))):
        for number, coupon in enumerate(tier.get("coupons", ())):
            if session.get(CouponTemplate, coupon["promotion_id"]) is None:
                field = f"terms.tiers.{place}.coupons.{number}.promotion_id"
                raise Contradiction(field, Flaw.NO_SUCH_COUPON)


ALIEN_TO_DEALS = (
    "group", "budget_fen", "max_discount_fen", "stop_after", "tags", "agrees_with",
)  # fmt: skip
"""What a campaign says about itself beside others; a deal is never beside another."""

Found = Iterator[tuple[str, StrEnum]]


def _check_slots(campaign: Campaign) -> None:
    for number, slot in enumerate(campaign.slots):
        try:
            slots_of([slot])
        except EmptyWindow as empty:
            raise Contradiction(f"slots.{number}.until_minute", Flaw.EMPTY_WINDOW) from empty


def _manners(campaign: Campaign, compiled: pricing.Promotion) -> Found:
    if campaign.group is None and compiled.group_mode is not pricing.GroupMode.BEST:
        yield "group_mode", Flaw.MODE_WITHOUT_GROUP


def _scope(campaign: Campaign, compiled: pricing.Promotion) -> Found:
    named = compiled.rule.sku_ids
    if named is None:
        return
    if campaign.includes is not None:
        yield "includes", Flaw.SCOPE_IN_TERMS
    if not named.isdisjoint(compiled.scope.exclude.sku_ids):
        yield "excludes.sku_ids", Flaw.TERMS_EXCLUDED


def _opening(_: Campaign, compiled: pricing.Promotion) -> Found:
    days = list(_first_days(compiled.starts_at, compiled.ends_at))
    for number, slot in enumerate(compiled.slots):
        if not any(_opens_on(day, slot, compiled) for day in days):
            yield f"slots.{number}", Flaw.NEVER_OPEN


def _money_and_uses(campaign: Campaign, _: pricing.Promotion) -> Found:
    if _is_above(campaign.max_discount_fen, campaign.budget_fen):
        yield "budget_fen", Flaw.BUDGET_TOO_SMALL
    if _is_above(campaign.member_max_uses, campaign.max_uses):
        yield "member_max_uses", Flaw.ABOVE_TOTAL
    is_daily = campaign.member_period != MemberPeriod.LIFETIME
    if is_daily and campaign.member_max_uses is None and campaign.member_max_units is None:
        yield "member_period", Flaw.PERIOD_WITHOUT_LIMIT


def _pieces(campaign: Campaign, compiled: pricing.Promotion) -> Found:
    if compiled.lane is not pricing.Lane.PRICE:
        for field in ("max_units", "member_max_units"):
            if getattr(campaign, field) is not None:
                yield field, Flaw.NO_PIECES
    if _is_above(campaign.member_max_units, campaign.max_units):
        yield "member_max_units", Flaw.ABOVE_TOTAL
    an_order = campaign.terms.get("max_units_per_order")
    if _is_above(an_order, campaign.max_units) or _is_above(an_order, campaign.member_max_units):
        yield "terms.max_units_per_order", Flaw.ABOVE_TOTAL


def _gift_stock(campaign: Campaign, compiled: pricing.Promotion) -> Found:
    tiers = _tiers(compiled.rule)
    given = {gift["sku_id"] for tier in tiers for gift in tier.get("gifts", ())}
    seen: set[int] = set()
    for number, stock in enumerate(campaign.gift_stock):
        if stock["sku_id"] not in given:
            yield f"gift_stock.{number}.sku_id", Flaw.NO_SUCH_GIFT
        if stock["sku_id"] in seen:
            yield f"gift_stock.{number}.sku_id", Flaw.REPEATED
        seen.add(stock["sku_id"])


def _deal(campaign: Campaign, compiled: pricing.Promotion) -> Found:
    if not isinstance(compiled.rule, DealRule):
        if campaign.stock:
            yield "stock", Flaw.NO_STOCK
        return
    if campaign.ends_at is None:
        yield "ends_at", Flaw.NO_END
    for field in ALIEN_TO_DEALS:
        if getattr(campaign, field):
            yield field, Flaw.NOT_OF_DEALS
    yield from _own_stock(campaign, compiled.rule)


def _own_stock(campaign: Campaign, rule: DealRule) -> Found:
    named = [stock["sku_id"] for stock in campaign.stock]
    for number, sku_id in enumerate(named):
        if sku_id not in rule.price_of:
            yield f"stock.{number}.sku_id", Flaw.NO_SUCH_PRICE
        if sku_id in named[:number]:
            yield f"stock.{number}.sku_id", Flaw.REPEATED
    if isinstance(rule, FlashSale) and rule.price_of.keys() - set(named):
        yield "stock", Flaw.STOCK_MISSING


def _issue(campaign: Campaign, _: pricing.Promotion) -> Found:
    if campaign.issue is None:
        if campaign.needs_coupon:
            yield "issue", Flaw.ISSUE_MISSING
        return
    if not campaign.needs_coupon:
        yield "issue", Flaw.NOTHING_TO_ISSUE
    try:
        Issue.parse(campaign.issue)
    except BadIssue as bad:
        yield f"issue.{bad.field}", bad.flaw


def _tiers(rule: pricing.Rule) -> Sequence[Mapping[str, Any]]:
    tiers: Sequence[Mapping[str, Any]] = rule.to_json().get("tiers", ())
    return tiers


def _is_above(part: int | None, whole: int | None) -> bool:
    return part is not None and whole is not None and part > whole


def _first_days(starts_at: datetime, ends_at: datetime | None) -> Iterator[date]:
    """Yield the days in China of the window, a week and a day at most: then they repeat."""
    first = starts_at.astimezone(CHINA).date()
    for later in range(DAYS_A_WEEK + 1):
        day = first + timedelta(days=later)
        if ends_at is None or _moment(day, 0) < ends_at:
            yield day


def _opens_on(day: date, slot: pricing.Slot, compiled: pricing.Promotion) -> bool:
    if slot.weekdays and day.weekday() not in slot.weekdays:
        return False
    opens_at, closes_at = _moment(day, slot.from_minute), _moment(day, slot.until_minute)
    ends_at = compiled.ends_at
    return closes_at > compiled.starts_at and (ends_at is None or opens_at < ends_at)


def _moment(day: date, minute: int) -> datetime:
    return datetime.combine(day, time(), CHINA) + timedelta(minutes=minute)
