"""What staff ask before publishing and when a shopper asks why, and what they are answered."""

from datetime import UTC, datetime

import marshmallow as ma

from app.core.fields import Fen, Id, Moment, Quantity, Query, Schema, WholeNumber
from app.marketing.quotes import ChoiceIn, QuoteOut
from app.marketing.warnings import MEETINGS, MISTAKES
from promotions import pricing

CODES = [one.value for one in (*MISTAKES, *MEETINGS)]


class WarningsQuery(Query):
    margin_floor_bp = WholeNumber(
        maximum=pricing.ALL_BP,
        load_default=0,
        metadata={"description": "毛利率底线（万分之一）；0 表示不低于成本价"},
    )


LINES_MAX = 100
TRIED_MAX = 20
EARLIEST, LATEST = datetime(2020, 1, 1, tzinfo=UTC), datetime(2100, 1, 1, tzinfo=UTC)


def _is_believable(moment: datetime) -> None:
    if not EARLIEST <= moment < LATEST:
        raise ma.ValidationError("须在 2020 年到 2099 年之间")


class ExplainedLineIn(Schema):
    sku_id = Id(required=True)
    quantity = Quantity(required=True)


class ExplainIn(ChoiceIn):
    """Any cart, of a member or of nobody in particular, at a moment; without one, now."""

    lines = ma.fields.List(
        ma.fields.Nested(ExplainedLineIn),
        required=True,
        validate=ma.validate.Length(min=1, max=LINES_MAX),
    )
    member_id = Id(load_default=None, allow_none=True)
    freight_fen = Fen(load_default=0)
    at = Moment(load_default=None, allow_none=True, validate=_is_believable)
    promotion_ids = ma.fields.List(
        Id(),
        load_default=list,
        validate=ma.validate.Length(max=TRIED_MAX),
        metadata={"description": "当作已发布一并计算的活动，如草稿；其中的券当作买家持有一张"},
    )


class ExplainedQuoteOut(ma.Schema):
    at = Moment(required=True)
    quote = ma.fields.Nested(QuoteOut, required=True)


class TitledOut(ma.Schema):
    promotion_id = Id(required=True)
    title = ma.fields.String(required=True)


class WarningOut(ma.Schema):
    code = ma.fields.String(required=True, validate=ma.validate.OneOf(CODES))
    message = ma.fields.String(required=True)
    promotion = ma.fields.Nested(
        TitledOut, required=True, allow_none=True, metadata={"description": "另一个活动"}
    )
    sku_count = WholeNumber(required=True)
    sku_ids = ma.fields.List(Id(), required=True, metadata={"description": "最多 20 个"})
    first_at = Moment(
        required=True, allow_none=True, metadata={"description": "两个活动首次同时进行的时刻"}
    )


class WarningsOut(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(WarningOut), required=True)
    sku_count = WholeNumber(required=True, metadata={"description": "检查过的在售规格数"})
    is_cut = ma.fields.Boolean(
        required=True, metadata={"description": "在售规格太多，只检查了一部分"}
    )
