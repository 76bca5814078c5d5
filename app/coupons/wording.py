"""How a claim stands, in Chinese."""

from promotions.coupons.states import ClaimState

CLAIM_STATES = {
    ClaimState.CLAIMABLE: "立即领取",
    ClaimState.CLOSED: "暂停领取",
    ClaimState.NOT_YET: "尚未开始",
    ClaimState.OVER: "已结束",
    ClaimState.CLAIMED_OUT: "已抢光",
    ClaimState.REACHED: "已达领取上限",
    ClaimState.REACHED_TODAY: "今日已达领取上限",
    ClaimState.NOT_FOR_YOU: "不符合领取条件",
}
