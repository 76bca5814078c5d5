"""How a quote is shown: lines, what took how much off, and what became of every promotion."""

import marshmallow as ma

from app.core.fields import Fen, Id, Quantity, WholeNumber
from promotions import pricing


class LineDiscountOut(ma.Schema):
    promotion_id = Id(required=True)
    amount_fen = Fen(required=True)


class PricedLineOut(ma.Schema):
    line_id = ma.fields.Integer(required=True)
    sku_id = Id(required=True)
    quantity = Quantity(required=True)
    unit_price_fen = Fen(required=True)
    amount_fen = Fen(required=True)
    discount_fen = Fen(required=True)
    payable_fen = Fen(required=True)
    discounts = ma.fields.List(ma.fields.Nested(LineDiscountOut), required=True)


class ShareOut(ma.Schema):
    line_id = ma.fields.Integer(required=True)
    amount_fen = Fen(required=True)


class AdjustmentOut(ma.Schema):
    promotion_id = Id(required=True)
    kind = ma.fields.String(required=True)
    lane = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    amount_fen = Fen(required=True)
    freight_fen = Fen(required=True)
    shares = ma.fields.List(ma.fields.Nested(ShareOut), required=True)


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
    message = ma.fields.String(required=True, metadata={"description": "如 还差 20 元，可减 15 元"})


class QuoteOut(ma.Schema):
    """A quote as `app.marketing.wording.describe` gives it."""

    engine_version = WholeNumber(required=True)
    snapshot_version = WholeNumber(required=True)
    input_digest = ma.fields.String(required=True)
    is_optimal = ma.fields.Boolean(required=True)
    items_fen = Fen(required=True)
    discount_fen = Fen(required=True)
    freight_list_fen = Fen(required=True)
    freight_fen = Fen(required=True)
    payable_fen = Fen(required=True)
    lines = ma.fields.List(ma.fields.Nested(PricedLineOut), required=True)
    adjustments = ma.fields.List(ma.fields.Nested(AdjustmentOut), required=True)
    trace = ma.fields.List(ma.fields.Nested(VerdictOut), required=True)
