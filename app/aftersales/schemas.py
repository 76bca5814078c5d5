"""What is asked of after-sales and what they show."""

from collections.abc import Sequence
from typing import Any

import marshmallow as ma

from app.aftersales.models import AfterSale, AfterSaleKind, AfterSaleStatus
from app.aftersales.queries import PAGE
from app.core import paging
from app.core.fields import Fen, Id, Moment, Pattern, PlainText, Query, Schema, Text
from app.core.http import page_of

ORDER_NO = "O[0-9A-Z]{26}"


class Application(Schema):
    order_no = Pattern(ORDER_NO, required=True)
    reason = PlainText(maximum=80, required=True, metadata={"description": "退款原因"})


class Rejection(Schema):
    answer = Text(maximum=200, required=True, metadata={"description": "给买家的拒绝理由"})


class AfterSaleQuery(Query):
    status = ma.fields.Enum(AfterSaleStatus, by_value=True)
    cursor = Text(maximum=200)


class StaffAfterSaleQuery(AfterSaleQuery):
    order_no = Pattern(ORDER_NO)


class AfterSaleOut(ma.Schema):
    after_sale_no = ma.fields.String(required=True)
    order_no = ma.fields.String(required=True)
    kind = ma.fields.String(required=True, validate=ma.validate.OneOf(list(AfterSaleKind)))
    status = ma.fields.String(required=True, validate=ma.validate.OneOf(list(AfterSaleStatus)))
    reason = ma.fields.String(required=True)
    amount_fen = Fen(required=True)
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
