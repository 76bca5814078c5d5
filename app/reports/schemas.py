"""What staff ask of the past and are answered."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from app.core.fields import Fen, Id, Moment, Quantity, Query, Schema, Text, WholeNumber
from app.core.http import page_of
from app.marketing.quotes import QuoteOut
from app.reports.explanation import Replay
from promotions import pricing
from promotions.states import CampaignStatus, Phase

DAYS_MAX = 90
REPORT_DAYS_MAX = 366
CARTS_MAX = 100
LINES_MAX = 100


class SampleLineIn(Schema):
    sku_id = Id(required=True)
    quantity = Quantity(required=True)


class SampleCartIn(Schema):
    lines = ma.fields.List(
        ma.fields.Nested(SampleLineIn),
        required=True,
        validate=ma.validate.Length(min=1, max=LINES_MAX),
    )
    freight_fen = Fen(load_default=0)


class SimulationIn(Schema):
    """Either `days`, for the orders placed and paid in them, or sample `carts`."""

    days = Quantity(maximum=DAYS_MAX)
    carts = ma.fields.List(
        ma.fields.Nested(SampleCartIn), validate=ma.validate.Length(min=1, max=CARTS_MAX)
    )
    margin_floor_bp = WholeNumber(maximum=pricing.ALL_BP, load_default=0)

    @ma.validates_schema
    def is_either(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse both or neither."""
        if ("days" in data) == ("carts" in data):
            raise ma.ValidationError("天数与示例购物车须且只能填写一项", "days")


class SimulatedOut(ma.Schema):
    orders = WholeNumber(required=True)
    affected_orders = WholeNumber(required=True, metadata={"description": "用上该活动的订单"})
    before_fen = Fen(required=True, metadata={"description": "没有该活动时的收入"})
    after_fen = Fen(required=True, metadata={"description": "有该活动时的收入"})
    cost_fen = ma.fields.Integer(required=True, metadata={"description": "多让利的金额"})


class SimulatedDayOut(SimulatedOut):
    day = ma.fields.Date(required=True)


class BelowFloorOut(ma.Schema):
    sku_id = Id(required=True)
    lines = WholeNumber(required=True)
    worst_loss_fen = WholeNumber(
        required=True, metadata={"description": "一行最多低于成本多少；0 表示未亏本但低于底线"}
    )


class SimulationOut(SimulatedOut):
    gifts_fen = Fen(required=True, metadata={"description": "送出的赠品按声明价值合计"})
    rebuilt_orders = WholeNumber(
        required=True, metadata={"description": "没有存下购物车、按订单行还原的订单"}
    )
    is_cut = ma.fields.Boolean(
        required=True, metadata={"description": "订单太多，只用了最近的 2,000 单"}
    )
    lines_below_floor = WholeNumber(required=True)
    lines_without_cost = WholeNumber(required=True)
    below_floor = ma.fields.List(ma.fields.Nested(BelowFloorOut), required=True)
    days = ma.fields.List(ma.fields.Nested(SimulatedDayOut), required=True)


class ExplanationOut(ma.Schema):
    order_no = ma.fields.String(required=True)
    placed_at = Moment(required=True)
    quote = ma.fields.Nested(QuoteOut, required=True)
    replay = ma.fields.Enum(Replay, by_value=True, required=True)
    replayed = ma.fields.Nested(QuoteOut, required=True, allow_none=True)


class ReportQuery(Query):
    days = Quantity(maximum=REPORT_DAYS_MAX, load_default=30)


class ReportsQuery(Query):
    status = ma.fields.Enum(CampaignStatus, by_value=True)
    cursor = Text(maximum=200)
    limit = Quantity(maximum=100, load_default=20)


class BroughtOut(ma.Schema):
    placed_orders = WholeNumber(required=True)
    paid_orders = WholeNumber(required=True)
    uses = WholeNumber(required=True)
    discount_fen = Fen(required=True, metadata={"description": "已付款订单的让利"})
    held_fen = Fen(required=True, metadata={"description": "待付款订单占用的让利"})
    revenue_fen = Fen(required=True, metadata={"description": "这些订单的实付金额"})
    refunded_fen = Fen(required=True, metadata={"description": "其中已退款的部分"})


class BroughtDayOut(BroughtOut):
    day = ma.fields.Date(required=True)


class PromotionSummaryOut(BroughtOut):
    promotion_id = Id(required=True)
    kind = ma.fields.String(required=True)
    title = ma.fields.String(required=True)
    phase = ma.fields.Enum(Phase, by_value=True, required=True)
    starts_at = Moment(required=True)
    ends_at = Moment(required=True, allow_none=True)
    uses_left = WholeNumber(required=True, allow_none=True)
    budget_left_fen = Fen(required=True, allow_none=True)
    units_left = WholeNumber(required=True, allow_none=True)


PromotionSummaryPage = page_of(PromotionSummaryOut)


class GiftLeftOut(ma.Schema):
    sku_id = Id(required=True)
    left = WholeNumber(required=True)


class VerdictCountOut(ma.Schema):
    code = ma.fields.String(required=True)
    orders = WholeNumber(required=True)


class ExposureOut(ma.Schema):
    scanned_orders = WholeNumber(required=True)
    is_cut = ma.fields.Boolean(required=True)
    orders = WholeNumber(required=True, metadata={"description": "该活动参与计价的订单"})
    verdicts = ma.fields.List(ma.fields.Nested(VerdictCountOut), required=True)


class PromotionReportOut(PromotionSummaryOut):
    gifts_left = ma.fields.List(ma.fields.Nested(GiftLeftOut), required=True)
    days = ma.fields.List(ma.fields.Nested(BroughtDayOut), required=True)
    exposure = ma.fields.Nested(ExposureOut, required=True)
