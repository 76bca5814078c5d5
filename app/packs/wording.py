"""
What the engine says of packs, in Chinese: why somebody cannot have one, why a set-up is refused.
"""

from promotions.packs.claims import Refusal
from promotions.packs.setup import PackFlaw, Part, PartKind

REFUSALS = {
    Refusal.NOT_OPEN: "当前没有可领取的新人礼包",
    Refusal.NOT_YET: "礼包还没开始领取",
    Refusal.OVER: "礼包活动已结束",
    Refusal.ALREADY_CLAIMED: "您已领取过该礼包",
    Refusal.REGISTERED_BEFORE: "礼包仅限首次注册的用户领取",
    Refusal.PAID_BEFORE: "礼包仅限未下过单的用户领取",
    Refusal.TOO_LATE: "已超过领取期限",
    Refusal.CLAIMED_OUT: "礼包已领完",
    Refusal.CANNOT_GIVE: "礼包中有优惠已停止发放",
}

FLAWS = {
    PackFlaw.EMPTY: "至少添加一项内容",
    PackFlaw.INCOMPLETE: "请选择优惠券或填写积分",
    PackFlaw.MIXED: "优惠券与积分只能填写一项",
    PackFlaw.NOT_POSITIVE: "须大于 0",
    PackFlaw.TWICE: "同一内容不能重复添加",
    PackFlaw.EMPTY_WINDOW: "结束时间须晚于开始时间",
    PackFlaw.ALREADY_OVER: "活动时间已过",
    PackFlaw.NO_DEADLINE: "请填写注册后几天内可领取",
    PackFlaw.BUDGET_WITHOUT_WORTH: "设置预算前请先填写礼包价值",
    PackFlaw.BUDGET_TOO_SMALL: "预算不能小于一份礼包的价值",
    PackFlaw.NO_TEMPLATE: "优惠券不存在",
    PackFlaw.WRONG_KIND: "优惠券类型与该项内容不符",
    PackFlaw.NOT_FIRST_ORDER: "首单价优惠券须限新客使用",
    PackFlaw.NOT_PUBLISHED: "优惠券尚未发布或已停用",
    PackFlaw.ENDS_FIRST: "优惠券先于礼包结束，或已过期",
    PackFlaw.TOO_FEW: "优惠券剩余数量不足以发放全部礼包",
}


def part(given: Part, template_title: str) -> str:
    """Return what a part is called: the title of its template, or so many points."""
    if given.kind is PartKind.POINTS:
        return f"{given.points} 积分"
    return template_title
