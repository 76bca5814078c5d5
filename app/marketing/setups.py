"""
The parts of a campaign's set-up beside its terms: for whom, when, how much, how coupons are issued.
"""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from app.core.fields import Fen, Flag, Id, Moment, Quantity, Schema, Text, WholeNumber
from promotions import models
from promotions.definitions import CAPS
from promotions.pricing.promotion import DAYS_A_WEEK, MINUTES_A_DAY
from promotions.states import MemberPeriod

USES_MAX = 100_000_000
SLOTS_MAX = 50
GIFTS_MAX = 100
STOCK_MAX = 2000
LEVELS_MAX = 50
TAGS_MAX = 20
DAYS_MAX = 3650


class AudienceIn(Schema):
    """Whom it is for; nothing given is everybody, several levels or tags mean any of them."""

    levels = ma.fields.List(Id(), load_default=list, validate=ma.validate.Length(max=LEVELS_MAX))
    tags = ma.fields.List(
        Text(maximum=models.NAME), load_default=list, validate=ma.validate.Length(max=TAGS_MAX)
    )
    is_new = Flag(load_default=None, allow_none=True)


class SlotIn(Schema):
    """Minutes of the day in China, on these weekdays (0 is Monday); none is every day."""

    weekdays = ma.fields.List(
        WholeNumber(maximum=DAYS_A_WEEK - 1),
        load_default=list,
        validate=ma.validate.Length(max=DAYS_A_WEEK),
    )
    from_minute = WholeNumber(maximum=MINUTES_A_DAY - 1, required=True)
    until_minute = WholeNumber(minimum=1, maximum=MINUTES_A_DAY, required=True)


class GiftStockIn(Schema):
    """How many pieces of a SKU may be given away, or sold by a deal, in all."""

    sku_id = Id(required=True)
    total = Quantity(maximum=USES_MAX, required=True)


class IssueIn(Schema):
    """How coupons are issued: valid between two moments, or for days of China from the issue."""

    valid_starts_at = Moment(load_default=None, allow_none=True)
    valid_ends_at = Moment(load_default=None, allow_none=True)
    valid_days = Quantity(maximum=DAYS_MAX, load_default=None, allow_none=True)
    delay_days = WholeNumber(maximum=DAYS_MAX, load_default=0)
    max_issued = Quantity(maximum=USES_MAX, load_default=None, allow_none=True)
    member_max = Quantity(maximum=USES_MAX, load_default=None, allow_none=True)
    member_day_max = Quantity(maximum=USES_MAX, load_default=None, allow_none=True)
    is_claimable = Flag(load_default=True)
    claim_ends_at = Moment(load_default=None, allow_none=True)
    extend_days = WholeNumber(maximum=DAYS_MAX, load_default=0)


def _uses() -> Quantity:
    return Quantity(maximum=USES_MAX, load_default=None, allow_none=True)


def _gift_stock(**more: Any) -> ma.fields.List[Any]:
    return ma.fields.List(ma.fields.Nested(GiftStockIn), **more)


class LimitsMixin(Schema):
    """What may be taken of a campaign: by all together, by each member, and of its gifts."""

    max_uses = _uses()
    budget_fen = Fen(minimum=1, load_default=None, allow_none=True)
    max_units = _uses()
    member_max_uses = _uses()
    member_max_units = _uses()
    member_period = ma.fields.String(
        load_default=MemberPeriod.LIFETIME.value,
        validate=ma.validate.OneOf([period.value for period in MemberPeriod]),
    )
    gift_stock = _gift_stock(load_default=list, validate=ma.validate.Length(max=GIFTS_MAX))
    stock = _gift_stock(
        load_default=list,
        validate=ma.validate.Length(max=STOCK_MAX),
        metadata={"description": "秒杀、拼团的活动库存；发布时从商品库存划出"},
    )


class LimitsIn(Schema):
    """The limits to change; those not named stay, and none can be added or taken away."""

    max_uses = Quantity(maximum=USES_MAX)
    budget_fen = Fen(minimum=1)
    max_units = Quantity(maximum=USES_MAX)
    member_max_uses = Quantity(maximum=USES_MAX)
    member_max_units = Quantity(maximum=USES_MAX)
    gift_stock = _gift_stock(validate=ma.validate.Length(min=1, max=GIFTS_MAX))
    stock = _gift_stock(validate=ma.validate.Length(min=1, max=STOCK_MAX))

    @ma.validates_schema
    def require_one(self, data: Mapping[str, Any], **_: Any) -> None:
        """Refuse to change nothing."""
        if not data:
            raise ma.ValidationError("请至少填写一项", CAPS[0])


class LimitsOut(ma.Schema):
    max_uses = Quantity(maximum=USES_MAX, required=True, allow_none=True)
    uses_reserved = WholeNumber(required=True)
    uses_used = WholeNumber(required=True)
    budget_fen = Fen(required=True, allow_none=True)
    reserved_fen = Fen(required=True)
    used_fen = Fen(required=True)
    max_units = Quantity(maximum=USES_MAX, required=True, allow_none=True)
    units_reserved = WholeNumber(required=True)
    units_used = WholeNumber(required=True)
    member_max_uses = Quantity(maximum=USES_MAX, required=True, allow_none=True)
    member_max_units = Quantity(maximum=USES_MAX, required=True, allow_none=True)
    member_period = ma.fields.Enum(MemberPeriod, by_value=True, required=True)


class GiftStockOut(ma.Schema):
    sku_id = Id(required=True)
    total = Quantity(maximum=USES_MAX, required=True, attribute="max_units")
    units_reserved = WholeNumber(required=True)
    units_used = WholeNumber(required=True)


class DealStockOut(GiftStockOut):
    units_returned = WholeNumber(required=True, metadata={"description": "已退回商品库存"})
    closed_at = Moment(required=True, allow_none=True)


class AudienceOut(ma.Schema):
    levels = ma.fields.List(Id(), required=True)
    tags = ma.fields.List(ma.fields.String(), required=True)
    is_new = ma.fields.Boolean(required=True, allow_none=True)


class SlotOut(ma.Schema):
    weekdays = ma.fields.List(WholeNumber(), required=True)
    from_minute = WholeNumber(required=True)
    until_minute = WholeNumber(required=True)
