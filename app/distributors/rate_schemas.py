"""How rates are sent and shown, and what an order would pay."""

from typing import Any

import marshmallow as ma

from app.core.fields import Fen, Flag, Id, Moment, Quantity, Query, Schema, Text, WholeNumber
from app.core.http import page_of
from app.distributors.schemas import PAGE_MAX, RulesIn
from distribution.commissions.policy import ALL_BP
from distribution.commissions.rates import MOST_PIECE_FEN
from distribution.commissions.states import BaseKind, RuleName, Scope, Unearned

LINES_MAX = 20
RATES_MAX = 50
LEVELS = ("level1", "level2")


def _bp() -> WholeNumber:
    return WholeNumber(maximum=ALL_BP, load_default=None, allow_none=True)


def _piece_fen() -> Fen:
    return Fen(
        maximum=MOST_PIECE_FEN,
        load_default=None,
        allow_none=True,
        metadata={"description": "每件固定金额，只用于 scope 为 sku"},
    )


class RatesQuery(Query):
    scope = ma.fields.Enum(Scope, by_value=True)
    target_id = Id()
    grade_id = Id()
    cursor = Text(maximum=200)
    limit = Quantity(maximum=PAGE_MAX, load_default=20)


class RateIn(Schema):
    """
    What some goods pay one grade of distributors, or all: a rate or a fixed amount for each level.

    A level that is left out follows the next rule. It replaces what was set before as a whole.
    """

    scope = ma.fields.Enum(Scope, by_value=True, required=True)
    target_id = Id(
        load_default=None,
        allow_none=True,
        metadata={"description": "商品规格、商品或分类的 id；scope 为 shop 时不填"},
    )
    grade_id = Id(
        load_default=None,
        allow_none=True,
        metadata={"description": "只对该等级的分销员；null 为所有分销员"},
    )
    level1_bp = _bp()
    level2_bp = _bp()
    level1_fen = _piece_fen()
    level2_fen = _piece_fen()
    is_off = Flag(
        load_default=False,
        metadata={"description": "该商品不参与分销；只用于 scope 为 spu 且不分等级"},
    )

    @ma.validates_schema
    def fits_together(self, data: dict[str, Any], **_: Any) -> None:
        """Refuse what contradicts itself, each at the field to change."""
        scope, grade_id = data["scope"], data["grade_id"]
        if (scope == Scope.SHOP) != (data["target_id"] is None):
            raise ma.ValidationError("scope 为 shop 时不填，否则必填", "target_id")
        if scope == Scope.SHOP and grade_id is None:
            raise ma.ValidationError("全店的默认比例请在佣金规则中设置", "grade_id")
        if data["is_off"] and (scope != Scope.SPU or grade_id is not None):
            raise ma.ValidationError("只能对整个商品关闭，不分等级", "is_off")
        said = [name for name in data if name.startswith(LEVELS) and data[name] is not None]
        if not said and not data["is_off"]:
            raise ma.ValidationError("至少设置一级", "level1_bp")
        for level in LEVELS:
            if {f"{level}_bp", f"{level}_fen"} <= set(said):
                raise ma.ValidationError("比例与固定金额只能填一个", f"{level}_fen")
            if f"{level}_fen" in said and scope != Scope.SKU:
                raise ma.ValidationError("固定金额只能按商品规格设置", f"{level}_fen")


class RateOut(ma.Schema):
    rate_id = Id(required=True)
    scope = ma.fields.Enum(Scope, by_value=True, required=True)
    target_id = Id(required=True, allow_none=True)
    target_name = ma.fields.String(required=True)
    grade_id = Id(required=True, allow_none=True)
    grade_name = ma.fields.String(required=True, allow_none=True)
    level1_bp = WholeNumber(required=True, allow_none=True)
    level2_bp = WholeNumber(required=True, allow_none=True)
    level1_fen = Fen(required=True, allow_none=True)
    level2_fen = Fen(required=True, allow_none=True)
    is_off = ma.fields.Boolean(required=True)
    text = ma.fields.String(required=True, metadata={"description": "如 一级每件 ¥5.00，二级 3%"})
    changed_by = ma.fields.String(required=True)
    changed_at = Moment(required=True)


RatePage = page_of(RateOut)


class RateHistoryOut(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(RateOut), required=True)


class PreviewLineIn(Schema):
    """Pieces of a SKU, or of goods nothing is set for; what is paid is the list price if unsaid."""

    sku_id = Id(load_default=None, allow_none=True)
    quantity = Quantity(load_default=1)
    paid_fen = Fen(
        load_default=None, allow_none=True, metadata={"description": "该行实付，不含运费"}
    )

    @ma.validates_schema
    def has_a_price(self, data: dict[str, Any], **_: Any) -> None:
        if data["sku_id"] is None and data["paid_fen"] is None:
            raise ma.ValidationError("未指定商品时须填写实付金额", "paid_fen")


class PreviewIn(Schema):
    """An order, and what to try on it; without rules and rates, by those in force."""

    lines = ma.fields.List(
        ma.fields.Nested(PreviewLineIn),
        required=True,
        validate=ma.validate.Length(min=1, max=LINES_MAX),
    )
    rules = ma.fields.Nested(
        RulesIn, load_default=None, allow_none=True, metadata={"description": "试用的规则，不保存"}
    )
    rates = ma.fields.List(
        ma.fields.Nested(RateIn),
        load_default=list,
        validate=ma.validate.Length(max=RATES_MAX),
        metadata={"description": "试用的单独设置，不保存"},
    )
    level1_grade_id = Id(load_default=None, allow_none=True)
    level2_grade_id = Id(load_default=None, allow_none=True)


class PreviewLevelOut(ma.Schema):
    level = WholeNumber(required=True)
    base_kind = ma.fields.Enum(BaseKind, by_value=True, required=True)
    base_fen = Fen(required=True)
    rule = ma.fields.Enum(RuleName, by_value=True, required=True)
    rule_name = ma.fields.String(required=True)
    rate_bp = WholeNumber(required=True, allow_none=True)
    piece_fen = Fen(required=True, allow_none=True)
    amount_fen = Fen(required=True)
    reason = ma.fields.Enum(Unearned, by_value=True, required=True, allow_none=True)
    why = ma.fields.String(required=True)


class PreviewLineOut(ma.Schema):
    sku_id = Id(required=True, allow_none=True)
    title = ma.fields.String(required=True)
    spec_text = ma.fields.String(required=True)
    quantity = Quantity(required=True)
    paid_fen = Fen(required=True)
    levels = ma.fields.List(ma.fields.Nested(PreviewLevelOut), required=True)


class PreviewOut(ma.Schema):
    paid_fen = Fen(required=True)
    total_fen = Fen(required=True)
    text = ma.fields.String(
        required=True, metadata={"description": "如 一笔 ¥199.00 的订单：一级得 ¥19.90"}
    )
    compliance_note = ma.fields.String(required=True)
    lines = ma.fields.List(ma.fields.Nested(PreviewLineOut), required=True)
