"""
Why a line earned somebody what it did, step by step in Chinese: of a commission, or of a preview.
"""

from collections.abc import Iterator
from typing import Protocol

from app.core import clock
from app.distributors.wording import REASONS, STATES, percent, yuan
from distribution.commissions.policy import Pay
from distribution.commissions.states import BaseKind, CommissionState, RuleName, Unearned
from distribution.queries import Explanation
from distribution.team.states import Source

RULES = {
    RuleName.SKU_GRADE: "按商品规格与分销等级单独设置",
    RuleName.SKU: "按商品规格单独设置",
    RuleName.SPU_GRADE: "按商品与分销等级单独设置",
    RuleName.SPU: "按商品单独设置",
    RuleName.CATEGORY_GRADE: "按分类与分销等级设置",
    RuleName.CATEGORY: "按分类设置",
    RuleName.GRADE: "按分销等级设置",
    RuleName.SHOP: "店铺规则",
}
BASES = {BaseKind.PAID: "实付", BaseKind.PROFIT: "利润"}
LEVELS = {1: "一级", 2: "二级"}
ORIGINS: dict[str, str] = {
    Source.LINK: "通过分享链接绑定",
    Source.CODE: "通过小程序码绑定",
    Source.INVITE_CODE: "通过邀请码绑定",
    Source.POSTER: "通过海报绑定",
    Source.COUPON: "通过优惠券绑定",
    Source.CHANNEL: "通过渠道绑定",
    Source.STAFF: "由商家指定",
    Source.ORDER: "绑定，后因下单延长保护期",
    Source.LEAVING: "绑定",
}


class Figures(Protocol):
    """What one line earns one level, stored or only previewed."""

    @property
    def level(self) -> int: ...
    @property
    def quantity(self) -> int: ...
    @property
    def paid_fen(self) -> int: ...
    @property
    def base_kind(self) -> BaseKind: ...
    @property
    def base_fen(self) -> int: ...
    @property
    def rule(self) -> RuleName: ...
    @property
    def rate_id(self) -> int | None: ...
    @property
    def rate_bp(self) -> int | None: ...
    @property
    def piece_fen(self) -> int | None: ...
    @property
    def amount_fen(self) -> int: ...
    @property
    def reason(self) -> Unearned | None: ...


def sentence(each: Figures, *, rules_version: int, cap_bp: int) -> str:
    """Why it earns what it does, in one sentence."""
    if each.reason is not None:
        return REASONS[each.reason]
    wanted = _wanted(each)
    named = rule_name(each, rules_version=rules_version)
    if wanted == each.amount_fen:
        rounding = "" if each.rate_bp is None else "，分以下舍去"
        return f"{_product(each)} = {yuan(wanted)}（{named}{rounding}）"
    capped = f"两级合计封顶为{BASES[each.base_kind]}的 {percent(cap_bp)}"
    return f"{_product(each)} = {yuan(wanted)}，{capped}，得 {yuan(each.amount_fen)}（{named}）"


def rule_name(each: Figures, *, rules_version: int) -> str:
    """Which rule decided: `店铺规则第 3 版`, or `按商品单独设置 #12`."""
    name = RULES[each.rule]
    if each.rule == RuleName.SHOP:
        return f"{name}第 {rules_version} 版" if rules_version else name
    return f"{name} #{each.rate_id}" if each.rate_id else f"试用的{name}"


def paid_by(rate_bp: int | None, piece_fen: int | None) -> str:
    """A rate or a fixed amount: `10%`, `每件 ¥5.00`."""
    return percent(rate_bp or 0) if piece_fen is None else f"每件 {yuan(piece_fen)}"


def why(each: Explanation) -> str:
    """Why a commission is what it is, and what refunds took of it, in one sentence."""
    text = sentence(each, rules_version=each.rules_version, cap_bp=each.cap_bp)
    if each.clawed_fen:
        text += f"，买家退款已扣回 {yuan(each.clawed_fen)}"
    return text


def steps(each: Explanation) -> list[str]:
    """The same, step by step: who, of what, by which rule, how much, and what became of it."""
    return list(_steps(each))


def _steps(each: Explanation) -> Iterator[str]:
    yield _who(each)
    yield f"付款时的分销等级：{each.grade_name}" if each.grade_id else "付款时没有分销等级"
    yield _base(each)
    yield f"适用规则：{rule_name(each, rules_version=each.rules_version)}"
    yield "佣金：" + sentence(each, rules_version=each.rules_version, cap_bp=each.cap_bp)
    if each.clawed_fen:
        yield f"买家退款，已按退款比例扣回 {yuan(each.clawed_fen)}"
    yield _state(each)


def _who(each: Explanation) -> str:
    level = LEVELS[each.level]
    if each.is_self_purchase:
        return f"{level}：本人下单，店铺对分销员的自购计佣"
    assert each.bound_at is not None, "who is not the buyer was bound"
    day = clock.china_day(each.bound_at).isoformat()
    how = ORIGINS.get(each.origin or "", "绑定")
    whom = "买家" if each.level == 1 else "买家的推荐人"
    return f"{level}：{whom}于 {day} {how}，付款时绑定有效"


def _base(each: Explanation) -> str:
    paid = f"实付 {yuan(each.paid_fen)}（已减全部优惠，不含运费与积分抵扣）"
    if each.base_kind == BaseKind.PAID:
        return f"计佣基数：{paid}"
    if each.reason == Unearned.NO_COST:
        return f"计佣基数：利润；{paid}，成本未知"
    if each.base_fen == 0:
        return f"计佣基数：利润 {yuan(0)}；{paid}，不高于成本"
    cost = yuan(each.paid_fen - each.base_fen)
    return f"计佣基数：利润 {yuan(each.base_fen)} = {paid}减成本 {cost}"


def _state(each: Explanation) -> str:
    name = STATES[each.state]
    if each.state != CommissionState.FROZEN:
        return f"状态：{name}"
    if each.mature_at is None:
        return f"状态：{name}，买家收货后开始计算结算日"
    return f"状态：{name}，{clock.china_day(each.mature_at).isoformat()} 起可结算"


def _wanted(each: Figures) -> int:
    pay = Pay(each.rate_bp, each.piece_fen)
    return pay.wanted_fen(base_fen=each.base_fen, quantity=each.quantity)


def _product(each: Figures) -> str:
    share = paid_by(each.rate_bp, each.piece_fen)
    if each.piece_fen is not None:
        return f"{share} × {each.quantity} 件"
    return f"{BASES[each.base_kind]} {yuan(each.base_fen)} × {share}"
