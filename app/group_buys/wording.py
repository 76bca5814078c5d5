"""
What people read of group buys: why somebody cannot take part, and the rules of a campaign.
"""

from enum import StrEnum

from promotions.group_buys import Refusal
from promotions.models import PromotionCounter
from promotions.pricing.kinds import GroupBuy
from promotions.pricing.kinds.group_buy import Seats, WhenLate
from promotions.states import MemberPeriod

HOUR, DAY = 60, 24 * 60


class Reason(StrEnum):
    """Why a campaign takes no order, whatever the team."""

    NOT_STARTED = "not_started"
    ENDED = "ended"
    PAUSED = "paused"
    CLOSED_NOW = "closed_now"
    """Between its daily sessions."""
    NOT_IN_IT = "not_in_it"
    """The SKU has no price in it."""
    NOT_FOR_YOU = "not_for_you"
    """It is for others than this buyer."""
    SOLD_OUT = "sold_out"
    LIMIT_REACHED = "limit_reached"
    """The buyer has had what one person may have."""


REASONS: dict[Reason | Refusal, str] = {
    Reason.NOT_STARTED: "拼团活动还没开始",
    Reason.ENDED: "拼团活动已结束",
    Reason.PAUSED: "拼团活动已暂停，请稍后再来",
    Reason.CLOSED_NOW: "此刻不在活动时段内，请稍后再试",
    Reason.NOT_IN_IT: "该商品规格不参加此拼团",
    Reason.NOT_FOR_YOU: "您暂不在该活动的适用人群内",
    Reason.SOLD_OUT: "活动商品已抢完",
    Reason.LIMIT_REACHED: "已达到该活动的购买上限",
    Refusal.NO_SUCH_TEAM: "没有这个团",
    Refusal.NOT_OPEN: "团长还没有付款，请稍后再来",
    Refusal.COMPLETE: "该团已成团，可以另开一团",
    Refusal.OVER: "该团已结束，可以另开一团",
    Refusal.NEWCOMERS_ONLY: "该团仅限新用户参加，您可以开团",
    Refusal.FULL: "席位已被占用，若有人未付款会空出席位",
    Refusal.ALREADY_IN: "您已在该团中",
}
"""Why somebody cannot open or join a team."""

LATE = {
    WhenLate.JOIN: "付款时该团已满或已结束的，自动转入其他进行中的团，没有可转入的团则为您另开新团",
    WhenLate.OPEN: "付款时该团已满或已结束的，为您另开新团",
    WhenLate.REFUND: "付款时该团已满或已结束的，款项原路退回",
}
PERIODS = {MemberPeriod.LIFETIME: "每人", MemberPeriod.DAY: "每人每天"}


def rules(rule: GroupBuy, limits: PromotionCounter | None) -> list[str]:
    """The rules of a campaign, a sentence each, as its page shows them."""
    said = [
        f"{rule.team_size} 人成团，团长付款后 {lasting(rule.team_minutes)}内有效",
        _at_the_end(rule),
        _of_seats(rule),
        LATE[rule.when_late],
        "成团后统一发货",
    ]
    if rule.newcomers_only:
        said.append("仅限从未付过款的新用户参团，开团不限")
    if rule.max_units_per_order:
        said.append(f"每单限购 {rule.max_units_per_order} 件")
    if limits is not None and limits.member_max_uses:
        said.append(f"{PERIODS[limits.member_period]}限参加 {limits.member_max_uses} 次")
    if limits is not None and limits.member_max_units:
        said.append(f"{PERIODS[limits.member_period]}限购 {limits.member_max_units} 件")
    said.append("可以使用优惠券" if rule.with_coupons else "不与其他优惠及优惠券同享")
    return said


def lasting(minutes: int) -> str:
    """`1500` → `1 天 1 小时`."""
    days, rest = divmod(minutes, DAY)
    hours, rest = divmod(rest, HOUR)
    parts = ((days, "天"), (hours, "小时"), (rest, "分钟"))
    return " ".join(f"{count} {unit}" for count, unit in parts if count)


def _at_the_end(rule: GroupBuy) -> str:
    if rule.auto_complete:
        return "到期人数未满时自动成团：空缺的席位没有买家，您的订单照常发货"
    return "到期人数未满即未成团，已付款项全部原路退回"


def _of_seats(rule: GroupBuy) -> str:
    pay = f"下单后请在 {rule.pay_minutes} 分钟内付款"
    if rule.seats is Seats.HELD:
        return f"{pay}，席位为您保留到那时"
    return f"{pay}，先付款者先得席位"
