"""What is asked of after-sales and what they show."""

from collections.abc import Mapping, Sequence
from typing import Any

import marshmallow as ma

from app.aftersales.goods import Arrival, Parcel
from app.aftersales.models import (
    Actor,
    AfterSale,
    AfterSaleKind,
    AfterSaleStatus,
    ParcelWay,
    Reason,
)
from app.aftersales.planning import Plan, Wish
from app.aftersales.queries import PAGE
from app.aftersales.wording import REASONS
from app.catalogue.schemas import HttpsUrl
from app.core import paging
from app.core.fields import (
    Fen,
    Flag,
    Id,
    Moment,
    Pattern,
    PlainText,
    Quantity,
    Query,
    Schema,
    Text,
    WholeNumber,
)
from app.core.http import page_of
from app.orders.models import LineKind
from app.shop.rules import RestPolicy

ORDER_NO = "O[0-9A-Z]{26}"
LINES_MAX = 200
"""Lines of one order, gifts included, with room."""
PICTURES_MAX = 9


def _one_of(words: Any, **options: Any) -> ma.fields.String:
    return ma.fields.String(validate=ma.validate.OneOf(list(words)), **options)


class PiecesOfLine(Schema):
    line_id = Id(required=True, metadata={"description": "订单行 id"})
    quantity = Quantity(required=True)


class _Lines(Schema):
    lines = ma.fields.List(
        ma.fields.Nested(PiecesOfLine),
        load_default=None,
        allow_none=True,
        validate=ma.validate.Length(min=1, max=LINES_MAX),
        metadata={"description": "商品与数量；不填则为全部"},
    )

    @ma.validates_schema
    def names_each_line_once(self, data: dict[str, Any], **_: Any) -> None:
        line_ids = [line["line_id"] for line in data.get("lines") or []]
        if len(set(line_ids)) < len(line_ids):
            raise ma.ValidationError("同一订单行请合并", "lines")


class _OfOrder(_Lines):
    """Pieces of an order; without `lines` all that is left of it."""

    order_no = Pattern(ORDER_NO, required=True)
    amount_fen = Fen(
        minimum=1,
        load_default=None,
        allow_none=True,
        metadata={"description": "少于可退金额时填写；未发货商品不可填"},
    )


class Pieces(_OfOrder):
    kind = ma.fields.Enum(
        AfterSaleKind, by_value=True, load_default=AfterSaleKind.MONEY_ONLY, metadata={
            "description": "仅退款、退货退款、换货；未发货只能仅退款"
        }
    )  # fmt: skip


def _pictures() -> ma.fields.List[Any]:
    return ma.fields.List(
        HttpsUrl(),
        load_default=list,
        validate=ma.validate.Length(max=PICTURES_MAX),
        metadata={"description": "已上传的凭证图片地址"},
    )


class Application(Pieces):
    reason_code = ma.fields.Enum(Reason, by_value=True, load_default=Reason.OTHER)
    reason = PlainText(maximum=80, required=True, metadata={"description": "申请原因"})
    pictures = _pictures()


class GivingBack(_OfOrder):
    reason = PlainText(maximum=80, required=True, metadata={"description": "退款原因"})
    with_freight = Flag(load_default=True, metadata={"description": "退完最后一件时是否退运费"})


class Approval(Schema):
    """How staff agree; an empty object agrees to what was asked."""

    amount_fen = Fen(minimum=1, load_default=None, allow_none=True)
    freight_fen = Fen(load_default=0, metadata={"description": "另退的运费"})
    return_to = Text(
        maximum=200,
        minimum=0,
        load_default="",
        metadata={"description": "退货地址；不填则沿用上次的"},
    )
    answer = Text(maximum=200, minimum=0, load_default="")


class Rejection(Schema):
    answer = Text(maximum=200, required=True, metadata={"description": "给买家的拒绝理由"})


class CaseMessage(Schema):
    words = Text(maximum=500, minimum=0, multiline=True, load_default="")
    pictures = _pictures()

    @ma.validates_schema
    def says_something(self, data: dict[str, Any], **_: Any) -> None:
        if not data.get("words") and not data.get("pictures"):
            raise ma.ValidationError("请填写内容或上传图片", "words")


class AppealIn(Schema):
    words = Text(maximum=500, multiline=True, required=True)
    pictures = _pictures()


class CaseParcelIn(Schema):
    """One parcel, as people write it down."""

    company_code = Pattern(r"[A-Za-z0-9_]{1,20}", required=True, error="快递公司编码格式不正确")
    company_name = Text(maximum=32, required=True)
    tracking_no = Pattern(r"[A-Za-z0-9-]{4,32}", required=True, error="快递单号格式不正确")


class ArrivalIn(_Lines):
    """What came back: without `lines` all of it is accepted, with `[]` nothing is."""

    lines = ma.fields.List(
        ma.fields.Nested(PiecesOfLine),
        load_default=None,
        allow_none=True,
        validate=ma.validate.Length(max=LINES_MAX),
        metadata={"description": "验收通过的商品与数量；不填则全部通过"},
    )
    is_sellable = Flag(load_default=True, metadata={"description": "验收通过的商品是否重新上架"})
    answer = Text(maximum=200, minimum=0, load_default="", metadata={"description": "未通过的原因"})
    refused_parcel = ma.fields.Nested(
        CaseParcelIn, load_default=None, allow_none=True, metadata={"description": "寄回买家的包裹"}
    )


class AfterSaleQuery(Query):
    status = ma.fields.Enum(AfterSaleStatus, by_value=True)
    kind = ma.fields.Enum(AfterSaleKind, by_value=True)
    cursor = Text(maximum=200)


class StaffAfterSaleQuery(AfterSaleQuery):
    order_no = Pattern(ORDER_NO)


class ReasonOut(ma.Schema):
    code = _one_of(Reason, required=True)
    title = ma.fields.String(required=True)


class ReasonsOut(ma.Schema):
    reasons = ma.fields.List(ma.fields.Nested(ReasonOut), required=True)


class ReturnLineOut(ma.Schema):
    line_id = Id(required=True)
    kind = _one_of(LineKind, required=True)
    sku_id = Id(required=True)
    title = ma.fields.String(required=True)
    spec_text = ma.fields.String(required=True)
    image_url = ma.fields.String(required=True)
    quantity = WholeNumber(required=True)
    amount_fen = Fen(required=True)
    deducted_fen = Fen(required=True, metadata={"description": "未退回的赠品按标明价值扣除"})


class ReturnOut(ma.Schema):
    """What goes back, line by line. Gifts no longer earned are cancelled with the goods."""

    lines = ma.fields.List(ma.fields.Nested(ReturnLineOut), required=True)
    freight_fen = Fen(required=True)
    deducted_fen = Fen(required=True)
    rest_fen = ma.fields.Integer(
        load_default=0,
        dump_default=0,
        metadata={"description": "余下商品失去的优惠；负数为此前扣除、现在退还"},
    )
    amount_fen = Fen(required=True, metadata={"description": "实退金额，含运费"})


class LostDiscountOut(ma.Schema):
    promotion_id = Id(required=True)
    title = ma.fields.String(required=True)
    before_fen = Fen(required=True, metadata={"description": "余下商品已享的优惠"})
    after_fen = Fen(required=True, metadata={"description": "余下商品单独购买可享的优惠"})


class ReturnPreviewOut(ReturnOut):
    """What goes back, and which discounts the rest would not get alone."""

    kind = _one_of(AfterSaleKind, required=True)
    rest_policy = _one_of(RestPolicy, required=True)
    losses = ma.fields.List(ma.fields.Nested(LostDiscountOut), required=True)


class CaseEntryOut(ma.Schema):
    actor = _one_of(Actor, required=True)
    status = _one_of(AfterSaleStatus, required=True, allow_none=True)
    words = ma.fields.String(required=True)
    pictures = ma.fields.List(ma.fields.String(), required=True)
    created_at = Moment(required=True)


class StaffCaseEntryOut(CaseEntryOut):
    staff_id = Id(required=True, allow_none=True)


class CaseParcelOut(ma.Schema):
    way = _one_of(ParcelWay, required=True)
    company_code = ma.fields.String(required=True)
    company_name = ma.fields.String(required=True)
    tracking_no = ma.fields.String(required=True)
    sent_at = Moment(required=True)


class AfterSaleOut(ma.Schema):
    after_sale_no = ma.fields.String(required=True)
    order_no = ma.fields.String(required=True)
    kind = _one_of(AfterSaleKind, required=True)
    status = _one_of(AfterSaleStatus, required=True)
    reason_code = _one_of(Reason, required=True)
    reason = ma.fields.String(required=True)
    pictures = ma.fields.List(ma.fields.String(), required=True)
    amount_fen = Fen(required=True)
    takes_pieces = ma.fields.Boolean(
        required=True, metadata={"description": "否：商品留给买家，只退款"}
    )
    breakdown = ma.fields.Nested(
        ReturnOut,
        required=True,
        allow_none=True,
        metadata={"description": "逐行明细；较早的申请没有，即退全部"},
    )
    accepted = ma.fields.Dict(
        keys=ma.fields.String(),
        values=ma.fields.Integer(),
        required=True,
        allow_none=True,
        metadata={"description": "验收通过的件数，按订单行 id"},
    )
    return_to = ma.fields.String(required=True)
    answer = ma.fields.String(required=True)
    applied_at = Moment(required=True)
    decided_at = Moment(required=True, allow_none=True)
    appealed_at = Moment(required=True, allow_none=True)
    refunded_at = Moment(required=True, allow_none=True)
    exchanged_at = Moment(required=True, allow_none=True)
    cancelled_at = Moment(required=True, allow_none=True)
    due_at = Moment(
        required=True, allow_none=True, metadata={"description": "逾期未操作则自动处理"}
    )


class AfterSaleDetailOut(AfterSaleOut):
    """A case with all that was said and done about it."""

    entries = ma.fields.List(ma.fields.Nested(CaseEntryOut), required=True)
    parcels = ma.fields.List(ma.fields.Nested(CaseParcelOut), required=True)


class StaffAfterSaleOut(AfterSaleOut):
    buyer_id = Id(required=True)
    decided_by = Id(required=True, allow_none=True)


class StaffAfterSaleDetailOut(StaffAfterSaleOut):
    entries = ma.fields.List(ma.fields.Nested(StaffCaseEntryOut), required=True)
    parcels = ma.fields.List(ma.fields.Nested(CaseParcelOut), required=True)


AfterSalePage = page_of(AfterSaleOut)
StaffAfterSalePage = page_of(StaffAfterSaleOut)


def shown_page(cases: Sequence[AfterSale]) -> dict[str, Any]:
    """One page, with the cursor of the next if there is one."""
    items = cases[:PAGE]
    has_more = len(cases) > PAGE
    return {"items": items, "next_cursor": paging.encode(items[-1].id) if has_more else None}


def shown_plan(plan: Plan) -> dict[str, Any]:
    """A preview as `ReturnPreviewOut` dumps it."""
    return {
        **plan.brings.to_json(),
        "kind": plan.wish.kind,
        "rest_policy": plan.policy,
        "losses": plan.repriced.losses,
    }


def shown_reasons() -> dict[str, Any]:
    """The list of reasons, as buyers choose from it."""
    return {"reasons": [{"code": code, "title": title} for code, title in REASONS.items()]}


def quantities(lines: Sequence[Mapping[str, int]] | None) -> dict[int, int] | None:
    """How many pieces of which line; None if all that is left is meant."""
    return None if lines is None else {line["line_id"]: line["quantity"] for line in lines}


def wish(
    kind: AfterSaleKind, lines: Sequence[Mapping[str, int]] | None, amount_fen: int | None
) -> Wish:
    """What a buyer wants of an order."""
    return Wish(kind, quantities(lines), amount_fen)


def arrival(
    *,
    lines: Sequence[Mapping[str, int]] | None,
    is_sellable: bool,
    answer: str,
    refused_parcel: Mapping[str, str] | None,
) -> Arrival:
    """What staff found in a parcel that came back."""
    refused = None if refused_parcel is None else Parcel(**refused_parcel)
    return Arrival(quantities(lines), is_sellable, answer, refused)
