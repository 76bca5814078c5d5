"""
What the engine says, in Chinese: badges, verdicts, nudges such as 还差 20 元, and refused set-ups.
"""

from collections.abc import Mapping
from typing import Any

from promotions import pricing
from promotions.campaigns import Flaw
from promotions.pricing import Code, Problem

REASONS: dict[str, str] = {
    Flaw.UNKNOWN_KIND: "没有这种活动",
    Flaw.EMPTY_WINDOW: "结束时间须晚于开始时间",
    Flaw.ALREADY_OVER: "活动时间已过",
    Flaw.EMPTY_SCOPE: "活动范围为空",
    Flaw.MODE_WITHOUT_GROUP: "设置同组规则前请先填写分组",
    Flaw.MIXED_GROUP: "同组已发布的活动使用了另一种同组规则",
    Flaw.BUDGET_TOO_SMALL: "预算不能小于单笔最高优惠",
    Problem.EMPTY: "至少填写一档",
    Problem.AMBIGUOUS: "减免金额与折扣须且只能填写一项",
    Problem.NOT_RISING: "门槛须逐档提高",
    Problem.NOT_WORTH_IT: "更高的档位须优惠更多",
    Problem.MORE_THAN_PAID: "减免金额不能超过门槛",
    Problem.NOT_TOGETHER: "每满减只能有一档，且只能减免金额",
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


def yuan(fen: int) -> str:
    """Return fen as yuan without needless zeros: 2,000 is 20, 2,050 is 20.5, 2,005 is 20.05."""
    return f"{fen // 100}.{fen % 100:02}".rstrip("0").rstrip(".")


def discount(off_bp: int) -> str:
    """Return a percentage off as shops say it: 1,500 bp off is 8.5折, everything off is 免单."""
    paid_bp = pricing.ALL_BP - off_bp
    if not paid_bp:
        return "免单"
    return f"打{paid_bp // 1000}.{paid_bp % 1000:03}".rstrip("0").rstrip(".") + "折"


def badge(promotion: pricing.Promotion) -> str:
    """Return the label of a promotion, such as 满100减10；满200减30; its title if it has no own."""
    rule = promotion.rule
    if not isinstance(rule, pricing.SpendAndSave):
        return promotion.title
    if rule.max_times > 1:
        (tier,) = rule.tiers
        return f"每满{yuan(tier.threshold_fen)}减{yuan(tier.off_fen)}（最多{rule.max_times}次）"
    return "；".join(_tier(tier) for tier in rule.tiers)


def describe(quote: Mapping[str, Any]) -> dict[str, Any]:
    """Return a quote's JSON, fresh or as an order stored it, with a `message` on each verdict."""
    titles = {verdict["promotion_id"]: verdict["title"] for verdict in quote["trace"]}
    trace = [{**verdict, "message": _message(verdict, titles)} for verdict in quote["trace"]]
    return {**quote, "trace": trace}


def _tier(tier: pricing.Tier) -> str:
    benefit = f"减{yuan(tier.off_fen)}" if tier.off_fen else discount(tier.off_bp)
    return f"满{yuan(tier.threshold_fen)}{benefit}"


def _message(verdict: Mapping[str, Any], titles: Mapping[int, str]) -> str:
    code, shortfall = Code(verdict["code"]), verdict["shortfall"]
    if code is Code.APPLIED:
        further = f"，再买 {_step(shortfall)}" if shortfall else ""
        return f"已省 {yuan(verdict['amount_fen'])} 元{further}"
    if code is Code.CONDITION_FAILED:
        return f"还差 {_step(shortfall)}"
    if code is Code.NOT_CHOSEN:
        return f"同组活动「{titles[verdict['by']]}」优先" if verdict["by"] else "不用它更划算"
    return MESSAGES[code].format(by=titles.get(verdict["by"], ""))


def _step(shortfall: Mapping[str, Any]) -> str:
    return f"{yuan(shortfall['gap'])} 元，可减 {yuan(shortfall['saves_fen'])} 元"
