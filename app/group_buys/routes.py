"""What shoppers do with group buys: look at campaigns and teams, open a team or join one."""

from typing import Any

from flask import g
from sqlalchemy.orm import Session

from app.carts.service import SkuNotForSale
from app.catalogue.freight import RegionNotServed
from app.catalogue.stock import OutOfStock
from app.core import clock
from app.core.db import read
from app.core.http import Blueprint
from app.group_buys import schemas, service, views
from app.group_buys.queries import GroupBuyNotFound, TeamNotFound
from app.group_buys.service import GroupBuyRefused
from app.marketing.service import Choice, CouponGone
from app.members.queries import AddressNotFound
from app.orders.schemas import OrderDraftOut, shown_draft
from app.orders.service import PriceChanged, QuantityOverLimit

bp = Blueprint("group_buys", __name__, description="拼团：活动、分享的团与可参加的团")
own_bp = Blueprint("own_group_buys", __name__, description="拼团：开团、参团与我的团")

REFUSALS = (
    GroupBuyNotFound, GroupBuyRefused, AddressNotFound, OutOfStock, RegionNotServed, SkuNotForSale,
    QuantityOverLimit,
)  # fmt: skip


@bp.get("/group-buys")
@bp.returns(schemas.GroupBuyListOut)
def list_group_buys() -> dict[str, Any]:
    """List the group buys that are running or coming, with the server's time."""
    return views.campaigns(read(), now=clock.now())


@bp.get("/group-buys/<int:group_buy_id>")
@bp.returns(schemas.GroupBuyDetailOut)
@bp.fails(GroupBuyNotFound)
def show_group_buy(group_buy_id: int) -> dict[str, Any]:
    """Show a group buy: its rules in words, prices in a team and alone, teams to join."""
    return views.campaign(read(), group_buy_id, now=clock.now())


@bp.get("/group-buys/<int:group_buy_id>/teams")
@bp.accepts(schemas.TeamsQuery)
@bp.returns(schemas.JoinableTeamsOut)
@bp.fails(GroupBuyNotFound)
def list_joinable_teams(group_buy_id: int, limit: int) -> dict[str, Any]:
    """List the teams of a group buy that may be joined, the one that ends soonest first."""
    return views.teams_to_join(read(), group_buy_id, now=clock.now(), limit=limit)


@bp.get("/teams/<team_no>")
@bp.returns(schemas.SharedTeamOut)
@bp.fails(TeamNotFound)
def show_team(team_no: str) -> dict[str, Any]:
    """Show a team to whoever was given its link: seats left, its end, masked members."""
    return views.team(read(), team_no, now=clock.now())


@own_bp.get("/teams")
@own_bp.accepts(schemas.OwnTeamsQuery)
@own_bp.returns(schemas.OwnTeamPage)
def list_my_teams(limit: int, cursor: str | None = None) -> dict[str, Any]:
    """List the teams I have or had a seat in, and what became of it, the latest first."""
    return views.own_teams(read(), g.member_id, cursor=cursor, limit=limit)


@own_bp.post("/group-buys/<int:group_buy_id>/orders/preview")
@own_bp.accepts(schemas.PreviewTeamOrder)
@own_bp.returns(OrderDraftOut)
@own_bp.fails(*REFUSALS)
def preview_team_order(
    group_buy_id: int, choice: Choice, sku_id: int, quantity: int, **body: Any
) -> dict[str, Any]:
    """Price an order that opens or joins a team, or say why it cannot be; nothing is held."""
    draft = service.preview(
        read(),
        service.Wish(group_buy_id, g.member_id, sku_id, quantity, body["team_no"], choice),
        address_id=body["address_id"],
        now=clock.now(),
    )
    return shown_draft(draft)


@own_bp.post("/group-buys/<int:group_buy_id>/orders")
@own_bp.accepts(schemas.PlaceTeamOrder)
@own_bp.idempotent()
@own_bp.returns(schemas.PlacedTeamOrderOut, 201)
@own_bp.fails(*REFUSALS, PriceChanged, CouponGone)
def place_team_order(
    session: Session,
    group_buy_id: int,
    choice: Choice,
    sku_id: int,
    quantity: int,
    team_no: str | None,
    **body: Any,
) -> dict[str, Any]:
    """Open a team, or join `team_no`: the seat is mine once the order is paid."""
    return service.place(
        session,
        service.Wish(group_buy_id, g.member_id, sku_id, quantity, team_no, choice),
        now=clock.now(),
        **body,
    )
