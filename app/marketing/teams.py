"""
What the engine of teams says, in Chinese: how a team stands, and what became of somebody's seat.
"""

from typing import Any

from sqlalchemy.orm import Session

from promotions import group_buys
from promotions.group_buys import (
    BuyingTeam,
    Late,
    Outcome,
    RefundReason,
    SeatStatus,
    TeamSeat,
    TeamStatus,
)
from promotions.pricing.kinds import Seats

TEAMS = {
    TeamStatus.OPENING: "待团长付款",
    TeamStatus.OPEN: "拼团中",
    TeamStatus.COMPLETE: "拼团成功",
    TeamStatus.FAILED: "拼团失败",
}
SEATS = {
    SeatStatus.HELD: "待付款",
    SeatStatus.TAKEN: "已参团",
    SeatStatus.RELEASED: "已取消",
    SeatStatus.REFUNDING: "退款中",
    SeatStatus.REFUNDED: "已退款",
}
LATE = {
    Late.FULL: "已满员",
    Late.FAILED: "已结束",
    Late.OVER: "已到期",
    Late.RELEASED: "席位已释放",
}
GOES_BACK = {
    RefundReason.EXPIRED: "未在规定时间内成团",
    RefundReason.STOPPED: "商家已终止该团",
    RefundReason.LEFT: "您已退出该团",
}


def of_order(session: Session, source: str) -> dict[str, Any] | None:
    """What an order's page tells of its team; None if the order has none."""
    seat = group_buys.seat_of(session, source)
    if seat is None:
        return None
    team = session.get_one(BuyingTeam, seat.team_id, populate_existing=True)
    return of_seat(seat, team, session.get_one(BuyingTeam, seat.held_team_id))


def of_seat(seat: TeamSeat, team: BuyingTeam, first: BuyingTeam) -> dict[str, Any]:
    """What its buyer is told of a seat; `first` is the team it was held in."""
    return {
        "team_no": team.team_no,
        "group_buy_id": team.promotion_id,
        "team_status": team.status.value,
        "size": team.size,
        "seats_taken": team.seats_taken,
        "seats_left": team.seats_left,
        "seats_filled": team.seats_filled,
        "auto_completes": team.auto_completes,
        "opened_at": team.opened_at,
        "ends_at": team.ends_at,
        "is_opener": team.opener_id == seat.member_id,
        "seat_status": seat.status.value,
        "outcome": seat.outcome.value if seat.outcome else None,
        "late_reason": seat.late_reason.value if seat.late_reason else None,
        "refund_reason": seat.refund_reason.value if seat.refund_reason else None,
        "first_team_no": None if first.id == team.id else first.team_no,
        "message": told(seat, team),
    }


def told(seat: TeamSeat, team: BuyingTeam) -> str:
    """Say in a sentence how a seat stands, and what was done with money that came too late."""
    if seat.status is SeatStatus.HELD:
        return _unpaid(seat, team)
    if seat.status is SeatStatus.RELEASED:
        return "未付款，席位已释放"
    if seat.status in {SeatStatus.REFUNDING, SeatStatus.REFUNDED}:
        return f"{_why_back(seat)}，{_back(seat)}"
    return _moved(seat) + _standing(team)


def missing(team: BuyingTeam) -> int:
    """How many paid seats a team still lacks."""
    return team.size - team.seats_taken - team.seats_filled


def _unpaid(seat: TeamSeat, team: BuyingTeam) -> str:
    if seat.opens_team:
        return "付款后开团"
    if team.places is Seats.HELD:
        return "席位已为您保留，请尽快付款"
    return "先付款者先得席位，请尽快付款"


def _why_back(seat: TeamSeat) -> str:
    if seat.refund_reason in GOES_BACK:
        return GOES_BACK[seat.refund_reason]
    return f"付款时该团{LATE[seat.late_reason]}" if seat.late_reason else "付款过晚"


def _back(seat: TeamSeat) -> str:
    return "款项已原路退回" if seat.status is SeatStatus.REFUNDED else "款项正在原路退回"


def _moved(seat: TeamSeat) -> str:
    if seat.late_reason is None:
        return ""
    done = "已为您转入另一个团" if seat.outcome is Outcome.MOVED else "已为您另开新团"
    return f"付款时原来的团{LATE[seat.late_reason]}，{done}；"


def _standing(team: BuyingTeam) -> str:
    if team.status is TeamStatus.COMPLETE:
        if team.seats_filled:
            return f"已成团（按活动规则到期自动成团，其中 {team.seats_filled} 个席位没有买家）"
        return "已成团，等待发货"
    ending = "到期自动成团" if team.auto_completes else "到期未成团将原路退款"
    return f"已参团，还差 {missing(team)} 人成团，{ending}"
