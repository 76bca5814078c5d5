"""What the pages of flash sales take and answer: shoppers' and staff's."""

import marshmallow as ma
from marshmallow import fields

from app.core.fields import Moment, Query, Text, WholeNumber
from app.flash_sales.figures import SalePhase
from app.flash_sales.models import ReminderStatus
from app.flash_sales.sessions import SaleState

STATES = {"description": "upcoming 未开始、on_sale 抢购中、sold_out 已抢光、ended 已结束"}


def _state() -> fields.Field[str]:
    one_of = ma.validate.OneOf([each.value for each in SaleState])
    return fields.String(required=True, validate=one_of, metadata=STATES)


class PiecesOut(ma.Schema):
    """Pieces, as the rows say."""

    total = fields.Integer(required=True, metadata={"description": "活动库存"})
    sold = fields.Integer(required=True, metadata={"description": "已付款"})
    held = fields.Integer(required=True, metadata={"description": "已下单待付款，可能会放出"})
    left = fields.Integer(required=True, metadata={"description": "现在还能抢的件数"})


class FlashProductOut(ma.Schema):
    spu_id = fields.Integer(required=True)
    sku_id = fields.Integer(required=True)
    title = fields.String(required=True)
    spec_text = fields.String(required=True)
    image_url = fields.String(required=True)
    price_fen = fields.Integer(required=True, metadata={"description": "秒杀价"})
    crossed_out_fen = fields.Integer(required=True, metadata={"description": "划线价：平时的售价"})
    state = _state()
    progress = fields.Nested(PiecesOut, required=True)


class FlashSaleCardOut(ma.Schema):
    promotion_id = fields.Integer(required=True)
    title = fields.String(required=True)
    state = _state()
    products = fields.List(fields.Nested(FlashProductOut), required=True)


class SaleTimesOut(ma.Schema):
    starts_at = Moment(required=True)
    ends_at = Moment(required=True, metadata={"description": "到此时刻为止，不含"})


class SaleSessionOut(SaleTimesOut):
    day = fields.Date(required=True, metadata={"description": "开始的那一天（中国时间）"})
    state = _state()
    sales = fields.List(fields.Nested(FlashSaleCardOut), required=True)


class SaleSessionListOut(ma.Schema):
    server_time = Moment(required=True, metadata={"description": "倒计时以此为准"})
    reminder_template_id = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "给 wx.requestSubscribeMessage；空则商家未开通提醒"},
    )
    sessions = fields.List(fields.Nested(SaleSessionOut), required=True)


class FlashSaleOut(FlashSaleCardOut, SaleTimesOut):
    label = fields.String(required=True)
    server_time = Moment(required=True)
    next_session = fields.Nested(SaleTimesOut, required=True, allow_none=True)
    max_units_per_order = fields.Integer(required=True, allow_none=True)
    max_units_per_member = fields.Integer(required=True, allow_none=True)
    max_uses_per_member = fields.Integer(required=True, allow_none=True)
    member_period = fields.String(
        required=True,
        allow_none=True,
        metadata={"description": "每人限购按 lifetime 整个活动或 day 每天计"},
    )
    pay_minutes = fields.Integer(required=True)
    with_coupons = fields.Boolean(required=True)
    with_points = fields.Boolean(required=True)
    progress = fields.Nested(PiecesOut, required=True)
    reminder_template_id = fields.String(required=True, allow_none=True)


class FlashReminderOut(ma.Schema):
    promotion_id = fields.Integer(required=True)
    starts_at = Moment(required=True, metadata={"description": "提醒的是哪一场"})
    remind_at = Moment(required=True)
    status = fields.String(
        required=True, validate=ma.validate.OneOf([each.value for each in ReminderStatus])
    )


class FlashBadgeOut(SaleTimesOut):
    """The sale a product is in, beside its ordinary price."""

    promotion_id = fields.Integer(required=True)
    title = fields.String(required=True)
    label = fields.String(required=True)
    state = _state()
    price_fen = fields.Integer(required=True, metadata={"description": "本商品最低的秒杀价"})


class FlashSalePageQuery(Query):
    cursor = Text(maximum=200)
    limit = WholeNumber(minimum=1, maximum=100, load_default=20)


# --- Staff ---


class SaleBriefOut(ma.Schema):
    promotion_id = fields.Integer(required=True)
    title = fields.String(required=True)
    status = fields.String(required=True)
    phase = fields.String(
        required=True,
        validate=ma.validate.OneOf([each.value for each in SalePhase]),
        metadata={
            "description": "draft 草稿、paused 已暂停、scheduled 未到预热、warming_up 预热中、"
            "on_sale 抢购中、waiting 等待下一场、sold_out 已抢光、ended 已结束"
        },
    )
    starts_at = Moment(required=True)
    ends_at = Moment(required=True, allow_none=True)
    session = fields.Nested(SaleTimesOut, required=True, allow_none=True)
    next_session = fields.Nested(SaleTimesOut, required=True, allow_none=True)
    progress = fields.Nested(PiecesOut, required=True)


class SkuPiecesOut(PiecesOut):
    sku_id = fields.Integer(required=True)


class SaleOrdersOut(ma.Schema):
    """Orders and money of a sale, from the orders themselves."""

    ordered = fields.Integer(required=True)
    unpaid = fields.Integer(required=True, metadata={"description": "待付款"})
    paid = fields.Integer(required=True)
    released = fields.Integer(required=True, metadata={"description": "未付款已关闭，件数已放回"})
    buyers = fields.Integer(required=True)
    ordered_fen = fields.Integer(required=True)
    paid_fen = fields.Integer(required=True)
    refunded_fen = fields.Integer(required=True)
    discount_fen = fields.Integer(required=True, metadata={"description": "已付款订单的优惠"})


class SaleDoorOut(ma.Schema):
    """What was counted at the gate: to look at, never to settle by."""

    requests = fields.Integer(required=True)
    admitted = fields.Integer(required=True)
    refused = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={
            "description": "按原因：not_started、ended、sold_out、limit 限购、busy 繁忙、other"
        },
    )


class SaleSecondOut(SaleDoorOut):
    at = Moment(required=True)
    ordered = fields.Integer(required=True)
    paid = fields.Integer(required=True)
    released = fields.Integer(required=True)


class SaleBoardOut(SaleBriefOut):
    server_time = Moment(required=True)
    stock = fields.List(fields.Nested(SkuPiecesOut), required=True)
    orders = fields.Nested(SaleOrdersOut, required=True)
    door = fields.Nested(
        SaleDoorOut, required=True, allow_none=True, metadata={"description": "空：Redis 暂不可用"}
    )
    seconds = fields.List(
        fields.Nested(SaleSecondOut),
        required=True,
        metadata={"description": "最近五分钟里有动静的每一秒"},
    )
    reminders = fields.Dict(
        keys=fields.String(),
        values=fields.Integer(),
        required=True,
        metadata={"description": "开抢提醒按状态计数"},
    )
