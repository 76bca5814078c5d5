"""What is asked of parcels and what they show."""

from typing import Any

import marshmallow as ma

from app.carts.models import LINES_MAX
from app.core.fields import Id, Moment, Pattern, Quantity, Schema, Text
from app.orders import parcels
from app.orders.batches import RowOutcome
from app.orders.parcel_models import Delivery

PIECES_MAX = 10_000
FILE_MAX = 80_000
"""Characters of a file to ship by: a thousand rows have some 65,000."""


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


class Correction(Schema):
    company_code = Pattern(r"[A-Za-z0-9_]{1,20}", required=True, error="快递公司编码格式不正确")
    company_name = Text(maximum=32, required=True)
    tracking_no = Pattern(r"[A-Za-z0-9-]{4,32}", required=True, error="快递单号格式不正确")
    reason = Text(maximum=200, required=True)


class CourierDelivery(_Parcel):
    courier_name = Text(maximum=32, required=True)
    courier_phone = Pattern(r"[0-9-]{5,20}", required=True, error="电话格式不正确")


class ShippingFile(Schema):
    content = Text(
        maximum=FILE_MAX,
        multiline=True,
        required=True,
        metadata={
            "description": "CSV 文本，首行为列名：订单号、快递公司（编码或名称）、快递单号；"
            "分批发货另加 行号、件数。同一快递单号的多行为同一个包裹"
        },
    )


class BatchRowOut(ma.Schema):
    row = ma.fields.Integer(required=True, attribute="number")
    order_no = ma.fields.String(required=True)
    tracking_no = ma.fields.String(required=True)
    outcome = ma.fields.String(
        required=True, validate=ma.validate.OneOf([each.value for each in RowOutcome])
    )
    code = ma.fields.String(required=True, allow_none=True)
    message = ma.fields.String(required=True)


class BatchOut(ma.Schema):
    """What became of a file, row by row; `report` is the same as a CSV to save."""

    shipped = ma.fields.Integer(required=True)
    repeated = ma.fields.Integer(required=True)
    refused = ma.fields.Integer(required=True)
    rows = ma.fields.List(ma.fields.Nested(BatchRowOut), required=True)
    report = ma.fields.String(required=True)


class ExpressCompanyOut(ma.Schema):
    code = ma.fields.String(required=True)
    name = ma.fields.String(required=True)


class ExpressCompaniesOut(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(ExpressCompanyOut), required=True)


class CorrectionOut(ma.Schema):
    """A number that was wrong, as it was."""

    company_code = ma.fields.String(required=True)
    company_name = ma.fields.String(required=True)
    tracking_no = ma.fields.String(required=True)
    staff_id = Id(required=True)
    reason = ma.fields.String(required=True)
    corrected_at = Moment(required=True)


class CorrectionsOut(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(CorrectionOut), required=True)


class CourierOut(ma.Schema):
    name = ma.fields.String(required=True)
    phone = ma.fields.String(required=True)


class _CourierOf(ma.fields.Nested):
    def get_value(self, obj: Any, *_: Any, **__: Any) -> Any:
        return parcels.courier_of(obj)


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
    courier = _CourierOf(
        CourierOut, required=True, allow_none=True, metadata={"description": "自有配送的配送员"}
    )
    shipped_at = Moment(required=True)
    lines = ma.fields.List(ma.fields.Nested(ShipmentLineOut), required=True)
