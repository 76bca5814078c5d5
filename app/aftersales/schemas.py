"""What is asked of after-sales and what they show."""

from collections.abc import Mapping, Sequence
from typing import Any

import marshmallow as ma

from app.aftersales.models import AfterSale, AfterSaleKind, AfterSaleStatus
from app.aftersales.queries import PAGE
from app.core import paging
from app.core.fields import Fen, Id, Moment, Pattern, PlainText, Quantity, Query, Schema, Text
from app.core.http import page_of
from app.orders.models import LineKind

ORDER_NO = "O[0-9A-Z]{26}"
LINES_MAX = 200
"""Lines of one order, gifts included, with room."""


class PiecesOfLine(Schema):
    line_id = Id(required=True, metadata={"description": "订单行 id"})
    quantity = Quantity(required=True)


class Pieces(Schema):
    """Pieces of an order; without `lines` all that is left of it."""

    order_no = Pattern(ORDER_NO, required=True)
    lines = ma.fields.List(
        ma.fields.Nested(PiecesOfLine),
        load_default=None,
        allow_none=True,
        validate=ma.validate.Length(min=1, max=LINES_MAX),
        metadata={"description": "要退的商品与数量；不填则退全部"},
    )

    @ma.validates_schema
    def names_each_line_once(self, data: dict[str, Any], **_: Any) -> None:
        line_ids = [line["line_id"] for line in data.get("lines") or []]
        if len(set(line_ids)) < len(line_ids):
            raise ma.ValidationError("同一订单行请合并", "lines")


class Application(Pieces):
    reason = PlainText(maximum=80, required=True, metadata={"description": "退款原因"})


class Rejection(Schema):
    answer = Text(maximum=200, required=True, metadata={"description": "给买家的拒绝理由"})


class AfterSaleQuery(Query):
    status = ma.fields.Enum(AfterSaleStatus, by_value=True)
    cursor = Text(maximum=200)


class StaffAfterSaleQuery(AfterSaleQuery):
    order_no = Pattern(ORDER_NO)


class ReturnLineOut(ma.Schema):
    line_id = Id(required=True)
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(list(LineKind)))
    sku_id = Id(required=True)
    title = ma.fields.String(required=True)
    spec_text = ma.fields.String(required=True)
    image_url = ma.fields.String(required=True)
    quantity = Quantity(required=True)
    amount_fen = Fen(required=True)
    deducted_fen = Fen(required=True, metadata={"description": "未退回的赠品按标明价值扣除"})


class ReturnOut(ma.Schema):
    """What goes back, line by line. Gifts no longer earned are cancelled with the goods."""

    lines = ma.fields.List(ma.fields.Nested(ReturnLineOut), required=True)
    freight_fen = Fen(required=True)
    deducted_fen = Fen(required=True)
    amount_fen = Fen(required=True, metadata={"description": "实退金额，含运费"})


class AfterSaleOut(ma.Schema):
    after_sale_no = ma.fields.String(required=True)
    order_no = ma.fields.String(required=True)
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(list(AfterSaleKind)))
    status = ma.fields.String(required=True, validate=ma.validate.OneOf(list(AfterSaleStatus)))
    reason = ma.fields.String(required=True)
    amount_fen = Fen(required=True)
    breakdown = ma.fields.Nested(
        ReturnOut,
        required=True,
        allow_none=True,
        metadata={"description": "逐行明细；较早的申请没有，即退全部"},
    )
    answer = ma.fields.String(required=True)
    applied_at = Moment(required=True)
    decided_at = Moment(required=True, allow_none=True)
    refunded_at = Moment(required=True, allow_none=True)
    cancelled_at = Moment(required=True, allow_none=True)


class StaffAfterSaleOut(AfterSaleOut):
    buyer_id = Id(required=True)
    decided_by = Id(required=True, allow_none=True)


AfterSalePage = page_of(AfterSaleOut)
StaffAfterSalePage = page_of(StaffAfterSaleOut)


def shown_page(cases: Sequence[AfterSale]) -> dict[str, Any]:
    """One page, with the cursor of the next if there is one."""
    items = cases[:PAGE]
    has_more = len(cases) > PAGE
    return {"items": items, "next_cursor": paging.encode(items[-1].id) if has_more else None}


def quantities(lines: Sequence[Mapping[str, int]] | None) -> dict[int, int] | None:
    """How many pieces of which line; None if all that is left is meant."""
    return None if lines is None else {line["line_id"]: line["quantity"] for line in lines}
