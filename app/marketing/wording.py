"""
What the engine says, in Chinese: verdicts, nudges such as 还差 20 元, and refused set-ups.
"""

from collections.abc import Mapping
from typing import Any

from app.marketing.badges import badge, discount, yuan
from promotions.coupons.terms import IssueFlaw
from promotions.pricing import Code, Measure, Problem
from promotions.setups import Flaw

__all__ = ["MESSAGES", "REASONS", "badge", "describe", "discount", "yuan"]

REASONS: dict[str, str] = {
    Flaw.UNKNOWN_KIND: "没有这种活动",
    Flaw.EMPTY_WINDOW: "结束时间须晚于开始时间",
    Flaw.ALREADY_OVER: "活动时间已过",
    Flaw.EMPTY_SCOPE: "活动范围为空",
    Flaw.MODE_WITHOUT_GROUP: "设置同组规则前请先填写分组",
    Flaw.MIXED_GROUP: "同组已发布的活动使用了另一种同组规则",
    Flaw.BUDGET_TOO_SMALL: "预算不能小于单笔最高优惠",
    Flaw.NEVER_OPEN: "活动时间内没有该时段",
    Flaw.SCOPE_IN_TERMS: "活动规则已指定商品，请勿再填写活动范围",
    Flaw.TERMS_EXCLUDED: "不能排除活动规则中的商品",
    Flaw.ABOVE_TOTAL: "每人或每单的上限不能超过总上限",
    Flaw.NO_PIECES: "该类活动不能限制件数",
    Flaw.PERIOD_WITHOUT_LIMIT: "请先填写每人上限",
    Flaw.NO_SUCH_GIFT: "活动赠品中没有该商品",
    Flaw.NO_SUCH_COUPON: "没有这种优惠券",
    Flaw.REPEATED: "请勿重复填写",
    Flaw.ISSUE_MISSING: "请填写优惠券的发放方式",
    Flaw.NOTHING_TO_ISSUE: "只有优惠券可以填写发放方式",
    Flaw.NOT_LIMITED: "活动发布时没有该项限制，不能新增",
    Flaw.BELOW_TAKEN: "不能小于已占用和已使用的数量",
    Flaw.LOWERED: "每人上限只能调高",
    Flaw.STOCK_MISSING: "请为每个活动商品填写活动库存",
    Flaw.NO_SUCH_PRICE: "该商品没有活动价",
    Flaw.NO_STOCK: "该类活动没有活动库存",
    Flaw.NOT_OF_DEALS: "该类活动不支持此设置",
    Flaw.NO_END: "请填写结束时间",
    IssueFlaw.TWO_VALIDITIES: "固定日期与发放后天数须且只能填写一种",
    IssueFlaw.EMPTY_VALIDITY: "有效期的结束时间须晚于开始时间",
    IssueFlaw.NOT_POSITIVE: "须大于 0",
    IssueFlaw.DAY_ABOVE_LIFE: "每人每日上限不能超过每人上限",
    Problem.EMPTY: "至少填写一项",
    Problem.AMBIGUOUS: "优惠方式须且只能填写一种",
    Problem.NOT_RISING: "门槛须逐档提高",
    Problem.NOT_WORTH_IT: "更高的档位须优惠更多",
    Problem.MORE_THAN_PAID: "减免金额不能超过门槛",
    Problem.NOT_TOGETHER: "「每满」只能有一档，且不能是折扣或包邮",
    Problem.NEEDS_PERCENTAGE: "只有折扣可以设置最高优惠",
    Problem.NEEDS_PIECES: "一口价须按件数设置门槛",
    Problem.DUPLICATE: "同一项不能重复填写",
    Problem.TOO_FEW: "组合至少包含两件商品",
    Problem.NO_CHOICE: "可选数量须少于赠品种数",
    Problem.UNKNOWN_SKU: "该商品没有活动价",
}

MESSAGES = {
    Code.NO_EFFECT: "本单用不上该优惠",
    Code.LIMIT_REACHED: "优惠已抢完",
    Code.BUDGET_EXHAUSTED: "优惠已抢完",
    Code.BLOCKED: "与「{by}」不可同享",
    Code.DOMINATED: "已为您选用更划算的「{by}」",
    Code.NOT_FOR_YOU: "您暂不在该优惠的适用人群内",
    Code.NOT_YET: "优惠券还没到可用时间",
    Code.EXPIRED: "优惠券已过期",
    Code.DECLINED: "您选择了不使用",
    Code.UNITS_REACHED: "活动价商品已抢完",
    Code.GIFT_OUT: "赠品已送完",
}

SAME_COUPON = "已选用同款优惠券中先到期的一张"
"""Of several coupons of one template only the one that ends first competes."""


def describe(quote: Mapping[str, Any]) -> dict[str, Any]:
    """Return a quote's JSON, fresh or as an order stored it, with a `message` on each verdict."""
    titles = {verdict["promotion_id"]: verdict["title"] for verdict in quote["trace"]}
    adjustments = {one["promotion_id"]: one for one in quote["adjustments"]}
    trace = [
        {**verdict, "message": _message(verdict, titles, adjustments)} for verdict in quote["trace"]
    ]
    return {**quote, "trace": trace}


def _message(
    verdict: Mapping[str, Any], titles: Mapping[int, str], adjustments: Mapping[int, Any]
) -> str:
    code, shortfall = Code(verdict["code"]), verdict["shortfall"]
    if code is Code.APPLIED:
        got = _got(verdict["amount_fen"], adjustments.get(verdict["promotion_id"], {}))
        return f"{got}，再买 {_step(shortfall, '可享下一档')}" if shortfall else got
    if code is Code.CONDITION_FAILED:
        step = _step(shortfall, f"可享「{verdict['title']}」")
        return f"再买 {step}" if shortfall["measure"] == Measure.PIECES else f"还差 {step}"
    if code is Code.DOMINATED and verdict["by"] == verdict["promotion_id"]:
        return SAME_COUPON
    if code is Code.NOT_CHOSEN:
        return f"同组活动「{titles[verdict['by']]}」优先" if verdict["by"] else "不用它更划算"
    return MESSAGES[code].format(by=titles.get(verdict["by"], ""))


def _step(shortfall: Mapping[str, Any], unpriced: str) -> str:
    """Return what is missing and what it brings; `unpriced` if that is not a sum of money."""
    gap, saves_fen = shortfall["gap"], shortfall["saves_fen"]
    missing = f"{gap} 件" if shortfall["measure"] == Measure.PIECES else f"{yuan(gap)} 元"
    return f"{missing}，" + (f"可减 {yuan(saves_fen)} 元" if saves_fen else unpriced)


def _got(amount_fen: int, adjustment: Mapping[str, Any]) -> str:
    """Return what an applied promotion brought; an order of an older shop names no gifts."""
    gifts = sum(gift["quantity"] for gift in adjustment.get("gifts", ()))
    coupons = sum(coupon["count"] for coupon in adjustment.get("coupons", ()))
    points = adjustment.get("points", 0)
    gained = [
        words
        for count, words in (
            (gifts, f"赠品 {gifts} 件"),
            (points, f"{points} 积分"),
            (coupons, f"优惠券 {coupons} 张"),
        )
        if count
    ]
    saved = f"已省 {yuan(amount_fen)} 元"
    if not gained:
        return saved
    return (f"{saved}，" if amount_fen else "") + f"送{'、'.join(gained)}"
