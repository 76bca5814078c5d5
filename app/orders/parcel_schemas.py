"""What is asked of parcels and what they show."""

from typing import Any

import marshmallow as ma

from app.carts.models import LINES_MAX
from app.core.fields import Id, Moment, Pattern, Quantity, Schema, Text
from app.orders.parcel_models import Delivery

PIECES_MAX = 10_000


class ShippedPieces(Schema):
    line_id = Id(required=True, metadata={"description": "订单行的 id"})
    quantity = Quantity(maximum=PIECES_MAX, required=True)


class _Parcel(Schema):
    """Which pieces leave together. They load as `quantities`, pieces by line."""

    lines = ma.fields.List(
        ma.fields.Nested(ShippedPieces),
        validate=ma.validate.Length(min=1, max=LINES_MAX),
        metadata={"description": "本次发出的订单行与件数；不填则为全部待发商品"},
    )

    @ma.validates_schema
    def names_a_line_once(self, data: dict[str, Any], **_: Any) -> None:
        line_ids = [line["line_id"] for line in data.get("lines", [])]
        if len(set(line_ids)) < len(line_ids):
            raise ma.ValidationError("同一订单行请合并", "lines")

    @ma.post_load
    def as_quantities(self, data: dict[str, Any], **_: Any) -> dict[str, Any]:
        if "lines" in data:
            lines = data.pop("lines")
            data["quantities"] = {line["line_id"]: line["quantity"] for line in lines}
        return data


class NewShipment(_Parcel):
    company_code = Pattern(r"[A-Za-z0-9_]{1,20}", required=True, error="快递公司编码格式不正确")
    company_name = Text(maximum=32, required=True)
    tracking_no = Pattern(r"[A-Za-z0-9-]{4,32}", required=True, error="快递单号格式不正确")


class ShipmentLineOut(ma.Schema):
    line_id = Id(required=True, attribute="order_line_id")
    quantity = ma.fields.Integer(required=True)


class ShipmentOut(ma.Schema):
    id = Id(required=True)
    kind = ma.fields.String(
        required=True,
        validate=ma.validate.OneOf([each.value for each in Delivery]),
        metadata={"description": "express 快递，courier 自有配送，pickup 自提，virtual 虚拟"},
    )
    company_code = ma.fields.String(required=True)
    company_name = ma.fields.String(required=True)
    tracking_no = ma.fields.String(required=True)
    shipped_at = Moment(required=True)
    lines = ma.fields.List(ma.fields.Nested(ShipmentLineOut), required=True)
