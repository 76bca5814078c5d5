"""What is asked of whoever buys in a flash sale."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from app.carts.models import QUANTITY_MAX
from app.core.fields import Fen, Id, Quantity, Schema, Text
from app.marketing.service import Choice
from app.orders.schemas import REMARK_MAX

COUPONS_MAX = 20


class BuyInFlashSale(Schema):
    """One SKU of the sale. The choice of coupons loads as `choice`."""

    sku_id = Id(required=True)
    quantity = Quantity(maximum=QUANTITY_MAX, load_default=1)
    address_id = Id(required=True)
    expected_payable_fen = Fen(
        required=True,
        metadata={"description": "用户看到的应付金额；与现价不符则 409 price_changed"},
    )
    coupon_ids = ma.fields.List(
        Id(),
        load_default=None,
        allow_none=True,
        validate=ma.validate.Length(max=COUPONS_MAX),
        metadata={"description": "只用这些券，[] 为不用券，不填则选最省的；仅限可叠加券的活动"},
    )
    remark = Text(maximum=REMARK_MAX, minimum=0, multiline=True, load_default="")

    @ma.post_load
    def as_chosen(self, data: Mapping[str, Any], **_: Any) -> dict[str, Any]:
        coupon_ids = data["coupon_ids"]
        choice = Choice(coupon_ids=None if coupon_ids is None else tuple(coupon_ids))
        return {name: value for name, value in data.items() if name != "coupon_ids"} | {
            "choice": choice
        }
