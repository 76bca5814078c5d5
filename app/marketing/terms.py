"""
The terms of each kind of campaign as staff send them: one strict schema a kind.

Ranges and shapes are refused here, with the field's path; terms that contradict themselves by the
kind's own rule. Every schema is at least as narrow as the rule that reads it.
"""

from collections.abc import Sequence
from typing import Any

import marshmallow as ma

from app.core.fields import FEN_MAX, Alternatives, Fen, Flag, Id, Quantity, Schema, WholeNumber
from promotions.pricing import ALL_BP, Measure, kinds
from promotions.pricing.kinds.deal import PAY_MINUTES
from promotions.pricing.kinds.flash_sale import WARM_UP_MINUTES
from promotions.pricing.kinds.group_buy import TEAM_MINUTES, TEAM_SIZE

TIERS_MAX = 10
BULK_PIECES_MAX = 10_000_000
PRICES_MAX = 2000
PARTS_MAX = 20
GIFTS_MAX = 20
COUPONS_MAX = 10
COUPON_COUNT_MAX = 20
POINTS_MAX = 1_000_000
PIECES_MAX = 999
TIMES_MAX = 1000


def _one_of(values: Sequence[str], default: str) -> ma.fields.String:
    return ma.fields.String(load_default=default, validate=ma.validate.OneOf(values))


def _measure() -> ma.fields.String:
    return _one_of([measure.value for measure in Measure], Measure.AMOUNT_FEN.value)


def _listed(schema: type[Schema], most: int, **more: Any) -> ma.fields.List[Any]:
    length = ma.validate.Length(min=0 if "load_default" in more else 1, max=most)
    return ma.fields.List(ma.fields.Nested(schema), validate=length, **more)


def _off_bp() -> WholeNumber:
    return WholeNumber(minimum=1, maximum=ALL_BP, required=True)


def _times() -> Quantity:
    return Quantity(maximum=TIMES_MAX, load_default=None, allow_none=True)


class SkuPriceIn(Schema):
    sku_id = Id(required=True)
    price_fen = Fen(required=True)


class LimitedTimeTerms(Schema):
    """Exactly one of `prices`, `off_bp` and `off_fen`, which is off a piece."""

    prices = _listed(SkuPriceIn, PRICES_MAX, load_default=None, allow_none=True)
    off_bp = WholeNumber(maximum=ALL_BP, load_default=0)
    off_fen = Fen(load_default=0)
    max_units_per_order = Quantity(maximum=PIECES_MAX, load_default=None, allow_none=True)
    over_limit = _one_of([each.value for each in kinds.OverLimit], kinds.OverLimit.NORMAL.value)


class TierIn(Schema):
    """One of `off_fen`, `off_bp` and, for pieces, `price_fen`; `free_freight` with it or alone."""

    threshold = WholeNumber(minimum=1, maximum=FEN_MAX, required=True)
    off_fen = Fen(load_default=0)
    off_bp = WholeNumber(maximum=ALL_BP, load_default=0)
    off_max_fen = Fen(minimum=1, load_default=None, allow_none=True)
    price_fen = Fen(load_default=None, allow_none=True)
    free_freight = Flag(load_default=False)


class SpendAndSaveTerms(Schema):
    measure = _measure()
    tiers = _listed(TierIn, TIERS_MAX, required=True)
    max_times = Quantity(maximum=TIMES_MAX, load_default=1)


class GiftIn(Schema):
    sku_id = Id(required=True)
    quantity = Quantity(maximum=PIECES_MAX, load_default=1)
    value_fen = Fen(required=True)


class GiftCouponIn(Schema):
    promotion_id = Id(required=True)
    count = Quantity(maximum=COUPON_COUNT_MAX, load_default=1)


class GiftTierIn(Schema):
    """`choose`: how many of the gifts the buyer picks; without it all of them come."""

    threshold = WholeNumber(minimum=1, maximum=FEN_MAX, required=True)
    gifts = _listed(GiftIn, GIFTS_MAX, load_default=list)
    choose = Quantity(maximum=GIFTS_MAX, load_default=None, allow_none=True)
    points = WholeNumber(maximum=POINTS_MAX, load_default=0)
    coupons = _listed(GiftCouponIn, COUPONS_MAX, load_default=list)


class SpendAndGiftTerms(Schema):
    measure = _measure()
    tiers = _listed(GiftTierIn, TIERS_MAX, required=True)
    max_times = Quantity(maximum=TIMES_MAX, load_default=1)


class NthPieceTerms(Schema):
    nth = WholeNumber(minimum=2, maximum=PIECES_MAX, required=True)
    off_bp = _off_bp()
    per = _one_of([per.value for per in kinds.Per], kinds.Per.SKU.value)
    max_times = _times()


class PartIn(Schema):
    sku_id = Id(required=True)
    quantity = Quantity(maximum=PIECES_MAX, load_default=1)


class BundleTerms(Schema):
    parts = _listed(PartIn, PARTS_MAX, required=True)
    price_fen = Fen(required=True)
    max_times = _times()


class BuyXGetYTerms(Schema):
    """`get_sku_ids`, if given, are what is got, and must be in scope as what is bought is."""

    buy = Quantity(maximum=PIECES_MAX, required=True)
    get = Quantity(maximum=PIECES_MAX, required=True)
    get_sku_ids = ma.fields.List(
        Id(), load_default=None, allow_none=True, validate=ma.validate.Length(max=PRICES_MAX)
    )
    off_bp = WholeNumber(minimum=1, maximum=ALL_BP, load_default=ALL_BP)
    max_times = _times()


class CouponAmountTerms(Schema):
    threshold_fen = Fen(load_default=0)
    off_fen = Fen(minimum=1, required=True)


class CouponPercentTerms(Schema):
    threshold_fen = Fen(load_default=0)
    off_bp = _off_bp()
    max_off_fen = Fen(minimum=1, load_default=None, allow_none=True)


class CouponFreightTerms(Schema):
    threshold_fen = Fen(load_default=0)
    off_fen = Fen(minimum=1, load_default=None, allow_none=True)


class CouponExchangeTerms(Schema):
    sku_id = Id(required=True)
    quantity = Quantity(maximum=PIECES_MAX, load_default=1)


class CouponPriceTerms(Schema):
    prices = _listed(SkuPriceIn, PRICES_MAX, required=True)
    max_units = Quantity(maximum=PIECES_MAX, load_default=1)


class DealTerms(Schema):
    """What all deals have: prices for every piece, and how long an order may wait for its money."""

    prices = _listed(SkuPriceIn, PRICES_MAX, required=True)
    max_units_per_order = Quantity(maximum=PIECES_MAX, load_default=None, allow_none=True)
    with_coupons = Flag(load_default=False, metadata={"description": "可否叠加优惠券"})
    with_points = Flag(load_default=False, metadata={"description": "可否使用积分"})
    pay_minutes = Quantity(maximum=PAY_MINUTES, load_default=5)


class FlashSaleTerms(DealTerms):
    """`warm_up_minutes`: how long before a session it is shown as coming."""

    warm_up_minutes = WholeNumber(maximum=WARM_UP_MINUTES, load_default=60)


class GroupBuyTerms(DealTerms):
    """`opener_prices` are for who opens a team; `newcomers_only` is 老带新."""

    team_size = WholeNumber(minimum=2, maximum=TEAM_SIZE, required=True)
    team_minutes = Quantity(maximum=TEAM_MINUTES, required=True)
    opener_prices = _listed(SkuPriceIn, PRICES_MAX, load_default=None, allow_none=True)
    newcomers_only = Flag(load_default=False)
    auto_complete = Flag(
        load_default=False, metadata={"description": "到期未满员也算成团；页面和订单会写明"}
    )
    seats = _one_of([each.value for each in kinds.Seats], kinds.Seats.HELD.value)
    when_late = _one_of([each.value for each in kinds.WhenLate], kinds.WhenLate.JOIN.value)


class BulkTierIn(Schema):
    """From so many pieces on; of a SKU not named, the price of the tier before."""

    pieces = Quantity(maximum=BULK_PIECES_MAX, required=True)
    prices = _listed(SkuPriceIn, PRICES_MAX, required=True)


class BulkBuyTerms(DealTerms):
    """`prices` are paid at first; of `tiers` and `min_pieces` at least one is given."""

    tiers = _listed(BulkTierIn, TIERS_MAX, load_default=list)
    min_pieces = WholeNumber(
        minimum=2,
        maximum=BULK_PIECES_MAX,
        load_default=None,
        allow_none=True,
        metadata={"description": "累计不足该件数则全额退款；不填则一定成立"},
    )
    pay_minutes = Quantity(maximum=PAY_MINUTES, load_default=30)


TERMS: dict[str, type[Schema]] = {
    kinds.LimitedTime.kind: LimitedTimeTerms,
    kinds.SpendAndSave.kind: SpendAndSaveTerms,
    kinds.SpendAndGift.kind: SpendAndGiftTerms,
    kinds.NthPiece.kind: NthPieceTerms,
    kinds.Bundle.kind: BundleTerms,
    kinds.BuyXGetY.kind: BuyXGetYTerms,
    kinds.CouponAmount.kind: CouponAmountTerms,
    kinds.CouponPercent.kind: CouponPercentTerms,
    kinds.CouponFreight.kind: CouponFreightTerms,
    kinds.CouponExchange.kind: CouponExchangeTerms,
    kinds.CouponPrice.kind: CouponPriceTerms,
    kinds.FlashSale.kind: FlashSaleTerms,
    kinds.GroupBuy.kind: GroupBuyTerms,
    kinds.BulkBuy.kind: BulkBuyTerms,
}
"""The schema of the terms of each kind."""


def terms_field() -> Alternatives:
    """Return the field `terms` of a campaign, whose schema follows the `kind` beside it."""
    return Alternatives(TERMS, by="kind", required=True)
