"""
How a quote is asked for and shown: choices, lines, what took how much off, and what became of
every promotion.
"""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from app.core.fields import Fen, Id, Moment, Quantity, Schema, WholeNumber
from app.marketing import picking, wording
from app.marketing.service import Choice, Priced
from promotions import pricing

COUPONS_MAX = 50
DECLINED_MAX = 200
CHOICES_MAX = 20
"""Of how many promotions a buyer may choose gifts, and how many gifts of each."""


class GiftChoiceIn(Schema):
    promotion_id = Id(required=True)
    sku_ids = ma.fields.List(
        Id(), required=True, validate=ma.validate.Length(min=1, max=CHOICES_MAX)
    )


class ChoiceIn(Schema):
    """What the buyer wants of promotions; without a word whatever is best. Loads as `choice`."""

    coupon_ids = ma.fields.List(
        Id(),
        load_default=None,
        allow_none=True,
        validate=ma.validate.Length(max=COUPONS_MAX),
        metadata={"description": "只用这些优惠券；空数组为不用券，null 为自动选最优"},
    )
    declined_promotion_ids = ma.fields.List(
        Id(),
        load_default=list,
        validate=ma.validate.Length(max=DECLINED_MAX),
        metadata={"description": "不参加的活动"},
    )
    gift_choices = ma.fields.List(
        ma.fields.Nested(GiftChoiceIn),
        load_default=list,
        validate=ma.validate.Length(max=CHOICES_MAX),
        metadata={"description": "可选赠品的活动各选哪些"},
    )

    @ma.validates_schema
    def chooses_once_for_each(self, data: dict[str, Any], **_: Any) -> None:
        promotion_ids = [choice["promotion_id"] for choice in data.get("gift_choices", [])]
        if len(set(promotion_ids)) < len(promotion_ids):
            raise ma.ValidationError("同一活动请合并选择", "gift_choices")

    @ma.post_load
    def as_choice(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        coupon_ids = data.pop("coupon_ids")
        declined, chosen = data.pop("declined_promotion_ids"), data.pop("gift_choices")
        choice = Choice(
            coupon_ids=None if coupon_ids is None else tuple(coupon_ids),
            declined=frozenset(declined),
            gift_choices=tuple(
                pricing.GiftChoice(promotion_id=one["promotion_id"], sku_ids=tuple(one["sku_ids"]))
                for one in chosen
            ),
        )
        return {**data, "choice": choice}


class LineDiscountOut(ma.Schema):
    promotion_id = Id(required=True)
    amount_fen = Fen(required=True)


class PricedLineOut(ma.Schema):
    line_id = ma.fields.Integer(required=True)
    sku_id = Id(required=True)
    quantity = Quantity(required=True)
    unit_price_fen = Fen(required=True)
    base_price_fen = Fen(metadata={"description": "会员等级价；没有则同 unit_price_fen"})
    amount_fen = Fen(required=True)
    discount_fen = Fen(required=True)
    payable_fen = Fen(required=True)
    tender_fen = Fen(metadata={"description": "其中积分支付"})
    discounts = ma.fields.List(ma.fields.Nested(LineDiscountOut), required=True)


class ShareOut(ma.Schema):
    line_id = ma.fields.Integer(required=True)
    amount_fen = Fen(required=True)


class UnitsOut(ma.Schema):
    line_id = ma.fields.Integer(required=True)
    quantity = Quantity(required=True)


class GiftOut(ma.Schema):
    sku_id = Id(required=True)
    quantity = Quantity(required=True)
    value_fen = Fen(required=True)


class GrantedCouponOut(ma.Schema):
    promotion_id = Id(required=True)
    count = Quantity(required=True)


class CountedOut(ma.Schema):
    line_id = ma.fields.Integer(required=True)
    amount = ma.fields.Integer(required=True)


class MetOut(ma.Schema):
    """The condition that gifts were earned with: `need` of the measure, so many `times` over."""

    measure = ma.fields.String(
        required=True, validate=ma.validate.OneOf([each.value for each in pricing.Measure])
    )
    need = ma.fields.Integer(required=True)
    times = ma.fields.Integer(required=True)
    counted = ma.fields.List(ma.fields.Nested(CountedOut), required=True)


class AdjustmentOut(ma.Schema):
    """What one applied promotion takes off and gives; quotes of older orders name no gifts."""

    promotion_id = Id(required=True)
    kind = ma.fields.String(required=True)
    lane = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    amount_fen = Fen(required=True)
    freight_fen = Fen(required=True)
    shares = ma.fields.List(ma.fields.Nested(ShareOut), required=True)
    coupon_id = Id(allow_none=True, metadata={"description": "所用的优惠券"})
    units = ma.fields.List(ma.fields.Nested(UnitsOut), metadata={"description": "按活动价计的件数"})
    gifts = ma.fields.List(ma.fields.Nested(GiftOut))
    points = WholeNumber(metadata={"description": "付款后赠送的积分"})
    coupons = ma.fields.List(
        ma.fields.Nested(GrantedCouponOut), metadata={"description": "付款后赠送的优惠券"}
    )
    met = ma.fields.Nested(
        MetOut, allow_none=True, metadata={"description": "赠品达成的条件；退款时据此判断"}
    )


class ShortfallOut(ma.Schema):
    measure = ma.fields.String(
        required=True, validate=ma.validate.OneOf([each.value for each in pricing.Measure])
    )
    need = ma.fields.Integer(required=True)
    have = ma.fields.Integer(required=True)
    gap = ma.fields.Integer(required=True)
    saves_fen = Fen(required=True)


class VerdictOut(ma.Schema):
    promotion_id = Id(required=True)
    title = ma.fields.String(required=True)
    code = ma.fields.String(
        required=True, validate=ma.validate.OneOf([code.value for code in pricing.Code])
    )
    amount_fen = Fen(required=True)
    by = Id(required=True, allow_none=True)
    shortfall = ma.fields.Nested(ShortfallOut, required=True, allow_none=True)
    coupon_id = Id(allow_none=True)
    message = ma.fields.String(required=True, metadata={"description": "如 还差 20 元，可减 15 元"})


class GiftLineOut(GiftOut):
    promotion_id = Id(required=True)


class RefusalOut(ma.Schema):
    promotion_id = Id(required=True)
    line_id = ma.fields.Integer(required=True)
    most = ma.fields.Integer(required=True, metadata={"description": "该行最多可买件数"})


class QuoteOut(ma.Schema):
    """A quote as `app.marketing.wording.describe` gives it."""

    engine_version = WholeNumber(required=True)
    snapshot_version = WholeNumber(required=True)
    input_digest = ma.fields.String(required=True)
    is_optimal = ma.fields.Boolean(required=True)
    items_fen = Fen(required=True)
    member_saves_fen = Fen()
    discount_fen = Fen(required=True)
    freight_list_fen = Fen(required=True)
    freight_fen = Fen(required=True)
    tender_fen = Fen()
    payable_fen = Fen(required=True)
    lines = ma.fields.List(ma.fields.Nested(PricedLineOut), required=True)
    adjustments = ma.fields.List(ma.fields.Nested(AdjustmentOut), required=True)
    gifts = ma.fields.List(ma.fields.Nested(GiftLineOut))
    refusals = ma.fields.List(
        ma.fields.Nested(RefusalOut), metadata={"description": "不为空则不能下单"}
    )
    trace = ma.fields.List(ma.fields.Nested(VerdictOut), required=True)


class CouponOptionOut(ma.Schema):
    coupon_id = Id(required=True)
    promotion_id = Id(required=True)
    title = ma.fields.String(required=True)
    badge = ma.fields.String(required=True, metadata={"description": "如 满100减10"})
    starts_at = Moment(required=True)
    ends_at = Moment(required=True)
    is_usable = ma.fields.Boolean(required=True)
    is_applied = ma.fields.Boolean(required=True)
    saves_fen = Fen(required=True)
    message = ma.fields.String(required=True, metadata={"description": "不可用的原因，或可省多少"})


class ShownGiftOut(ma.Schema):
    sku_id = Id(required=True)
    spu_id = Id(required=True)
    title = ma.fields.String(required=True)
    spec_text = ma.fields.String(required=True)
    image_url = ma.fields.String(required=True)
    quantity = Quantity(required=True)
    value_fen = Fen(required=True)


class ComingGiftOut(ShownGiftOut):
    promotion_id = Id(required=True)


class GiftCandidateOut(ShownGiftOut):
    is_available = ma.fields.Boolean(required=True)
    is_chosen = ma.fields.Boolean(required=True)


class GiftOptionOut(ma.Schema):
    promotion_id = Id(required=True)
    title = ma.fields.String(required=True)
    choose = Quantity(required=True, metadata={"description": "可选几种"})
    gifts = ma.fields.List(ma.fields.Nested(GiftCandidateOut), required=True)


class NudgeOut(ShortfallOut):
    promotion_id = Id(required=True)
    title = ma.fields.String(required=True)
    message = ma.fields.String(required=True, metadata={"description": "如 还差 20 元，可减 15 元"})


class OffersOut(ma.Schema):
    """What goes with a price: coupons to pick from, gifts, and what a little more would bring."""

    coupons = ma.fields.List(
        ma.fields.Nested(CouponOptionOut),
        required=True,
        metadata={"description": "持有的优惠券：可用的与不可用的及原因"},
    )
    gifts = ma.fields.List(ma.fields.Nested(ComingGiftOut), required=True)
    gift_options = ma.fields.List(
        ma.fields.Nested(GiftOptionOut), required=True, metadata={"description": "可自选的赠品"}
    )
    nudges = ma.fields.List(ma.fields.Nested(NudgeOut), required=True)


NO_OFFERS: Mapping[str, Any] = {
    "quote": None,
    "coupons": [],
    "gifts": [],
    "gift_options": [],
    "nudges": [],
}
"""Of a cart without anything to price."""


def shown(priced: Priced) -> dict[str, Any]:
    """The quote and all of `OffersOut`."""
    described = wording.describe(priced.quote.to_json())
    return {
        "quote": described,
        "coupons": picking.coupon_options(priced),
        "gifts": picking.gift_lines(priced),
        "gift_options": list(picking.gift_options(priced)),
        "nudges": picking.nudges(described),
    }
