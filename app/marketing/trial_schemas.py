"""What staff ask before publishing and when a shopper asks why, and what they are answered."""

import marshmallow as ma

from app.core.fields import Id, Moment, Query, WholeNumber
from app.marketing.warnings import MEETINGS, MISTAKES
from promotions import pricing

CODES = [one.value for one in (*MISTAKES, *MEETINGS)]


class WarningsQuery(Query):
    margin_floor_bp = WholeNumber(
        maximum=pricing.ALL_BP,
        load_default=0,
        metadata={"description": "毛利率底线（万分之一）；0 表示不低于成本价"},
    )


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
