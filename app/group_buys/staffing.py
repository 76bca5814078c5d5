"""Group buys as staff see them: a board of campaigns, their teams, each with its orders; a file."""

from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from itertools import islice
from typing import Any

from sqlalchemy.orm import Session

from app.core import paging, sheets
from app.core.sheets import Cell, Yuan
from app.group_buys import queries, views
from app.group_buys.figures import of_campaigns as figures_of
from app.marketing import teams as told
from app.members import queries as members
from app.members.queries import MemberBrief
from app.orders.models import Order
from promotions.group_buys import BuyingTeam, TeamSeat, TeamStatus
from promotions.life import phase

BATCH = 500
"""Rows whose names are looked up together."""
HEAD = (
    "团号", "团状态", "人数", "开团时间", "截止时间", "成团或结束时间", "订单号", "买家ID", "买家",
    "是否团长", "席位状态", "说明", "下单时间", "付款时间", "实付（元）", "退款中（元）",
    "已退（元）",
)  # fmt: skip


def board(session: Session, *, cursor: str | None, limit: int, now: datetime) -> dict[str, Any]:
    """A page of campaigns with what each has come to, the latest first."""
    (before_id,) = paging.decode(cursor, int) if cursor else (None,)
    found = queries.page_of_campaigns(session, before_id=before_id, limit=limit + 1)
    shown = found[:limit]
    counted = figures_of(session, [each.id for each in shown])
    return {
        "items": [
            {
                "id": each.id,
                "title": each.title,
                "phase": phase(each, now),
                "starts_at": each.starts_at,
                "ends_at": each.ends_at,
                "figures": counted[each.id],
            }
            for each in shown
        ],
        "next_cursor": paging.encode(shown[-1].id) if len(found) > limit else None,
    }


def figures(session: Session, group_buy_id: int) -> dict[str, int]:
    """
    What a campaign has come to so far.

    :raises GroupBuyNotFound: there is none.
    """
    queries.campaign(session, group_buy_id)
    return figures_of(session, [group_buy_id])[group_buy_id]


def teams(
    session: Session,
    group_buy_id: int,
    *,
    status: TeamStatus | None,
    member_id: int | None,
    cursor: str | None,
    limit: int,
) -> dict[str, Any]:
    """
    A page of the teams of a campaign, the latest first.

    :raises GroupBuyNotFound: there is none.
    """
    queries.campaign(session, group_buy_id)
    (before_id,) = paging.decode(cursor, int) if cursor else (None,)
    found = queries.page_of_teams(
        session,
        group_buy_id,
        status=status,
        member_id=member_id,
        before_id=before_id,
        limit=limit + 1,
    )
    shown = found[:limit]
    return {
        "items": [_team(each) for each in shown],
        "next_cursor": paging.encode(shown[-1].id) if len(found) > limit else None,
    }


def team(session: Session, team_no: str) -> dict[str, Any]:
    """
    A team with every seat it has or had, and the order of each.

    :raises TeamNotFound: there is none.
    """
    found = queries.team(session, team_no)
    seats = queries.seats_of_team(session, found.id)
    known = members.briefs(session, {seat.member_id for seat, _ in seats})
    first = queries.teams_by_id(session, {seat.held_team_id for seat, _ in seats})
    return {
        **_team(found),
        "seats": [
            _seat(seat, found, first[seat.held_team_id], order, known) for seat, order in seats
        ],
    }


def exported(session: Session, group_buy_id: int) -> Iterator[str]:
    """
    Every seat of a campaign with its team and order, as CSV.

    :raises GroupBuyNotFound: there is none.
    """
    queries.campaign(session, group_buy_id)
    return sheets.lines(HEAD, _rows(session, group_buy_id))


def _rows(session: Session, group_buy_id: int) -> Iterator[Sequence[Cell]]:
    found = queries.exported(session, group_buy_id)
    while batch := list(islice(found, BATCH)):
        known = members.briefs(session, {seat.member_id for seat, _, _ in batch})
        for seat, team, order in batch:
            yield _row(seat, team, order, known)


def _row(
    seat: TeamSeat, team: BuyingTeam, order: Order, known: Mapping[int, MemberBrief]
) -> Sequence[Cell]:
    return (
        team.team_no,
        told.TEAMS[team.status],
        team.size,
        team.opened_at,
        team.ends_at,
        team.settled_at,
        order.order_no,
        seat.member_id,
        _nickname(known, seat.member_id),
        "是" if team.opener_id == seat.member_id else "否",
        told.SEATS[seat.status],
        told.told(seat, team),
        seat.held_at,
        seat.paid_at,
        Yuan(order.paid_fen),
        Yuan(order.refunding_fen),
        Yuan(order.refunded_fen),
    )


def _team(team: BuyingTeam) -> dict[str, Any]:
    return {
        **{name: getattr(team, name) for name in OF_TEAM},
        "group_buy_id": team.promotion_id,
        "message": told.TEAMS[team.status],
    }


def _seat(
    seat: TeamSeat,
    team: BuyingTeam,
    first: BuyingTeam,
    order: Order,
    known: Mapping[int, MemberBrief],
) -> dict[str, Any]:
    return {
        **{name: getattr(seat, name) for name in OF_SEAT},
        **{name: getattr(order, name) for name in OF_ORDER},
        "order_status": order.status,
        "nickname": _nickname(known, seat.member_id),
        "is_opener": seat.member_id == team.opener_id,
        "first_team_no": first.team_no if first.id != team.id else None,
        "message": told.told(seat, team),
    }


def _nickname(known: Mapping[int, MemberBrief], member_id: int) -> str:
    return known[member_id].nickname if member_id in known else views.NOBODY


OF_TEAM = (
    "team_no", "status", "size", "seats_taken", "seats_held", "seats_filled", "seats_left",
    "newcomers_only", "auto_completes", "opened_at", "ends_at", "settled_at", "opener_id",
    "when_late", "places", "fail_reason", "created_at",
)  # fmt: skip
OF_SEAT = (
    "member_id", "status", "outcome", "late_reason", "refund_reason", "held_at", "paid_at",
    "refunded_at",
)  # fmt: skip
OF_ORDER = ("order_no", "payable_fen", "paid_fen", "refunding_fen", "refunded_fen")
