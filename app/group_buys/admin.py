"""What staff do with group buys: figures, teams and their orders, an export, ending a team."""

from collections.abc import Iterator
from typing import Any

from flask import Response, stream_with_context

from app.core import clock, db
from app.core.db import read, transaction
from app.core.http import Blueprint
from app.group_buys import admin_schemas as schemas
from app.group_buys import ending, queries, staffing
from app.group_buys.ending import TeamOver
from app.group_buys.queries import GroupBuyNotFound, TeamNotFound
from app.staff.roles import Role, requires
from promotions.group_buys import TeamStatus

bp = Blueprint("group_buys_admin", __name__, description="拼团管理：数据、团与导出")


@bp.get("/group-buys")
@bp.accepts(schemas.BoardQuery)
@bp.returns(schemas.BoardPage)
def list_group_buy_figures(limit: int, cursor: str | None = None) -> dict[str, Any]:
    """List group buys with what each has come to, the latest first."""
    return staffing.board(read(), cursor=cursor, limit=limit, now=clock.now())


@bp.get("/group-buys/<int:group_buy_id>/figures")
@bp.returns(schemas.GroupBuyFiguresOut)
@bp.fails(GroupBuyNotFound)
def show_group_buy_figures(group_buy_id: int) -> dict[str, int]:
    """Show what a group buy has come to: teams, seats, orders, revenue, refunds."""
    return staffing.figures(read(), group_buy_id)


@bp.get("/group-buys/<int:group_buy_id>/teams")
@bp.accepts(schemas.StaffTeamsQuery)
@bp.returns(schemas.StaffTeamPage)
@bp.fails(GroupBuyNotFound)
def list_teams(
    group_buy_id: int,
    limit: int,
    status: TeamStatus | None = None,
    member_id: int | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """List the teams of a group buy, all or those of a status or a member, the latest first."""
    return staffing.teams(
        read(), group_buy_id, status=status, member_id=member_id, cursor=cursor, limit=limit
    )


@bp.get("/group-buys/<int:group_buy_id>/orders.csv")
@requires(Role.OWNER, Role.MERCHANT)
@bp.response(200, {"type": "string"}, content_type="text/csv")  # type: ignore[untyped-decorator]  # smorest's own: no JSON.
@bp.fails(GroupBuyNotFound)
def export_team_orders(group_buy_id: int) -> Response:
    """Export every seat of a group buy with its team and order as CSV. Not for analysts."""
    queries.campaign(read(), group_buy_id)

    def body() -> Iterator[str]:
        with db.snapshot() as session:
            yield from staffing.exported(session, group_buy_id)

    return Response(
        stream_with_context(body()),
        mimetype="text/csv",
        headers={
            "Content-Disposition": f'attachment; filename="group-buy-{group_buy_id}.csv"',
            "Cache-Control": "no-store",
        },
    )


@bp.get("/teams/<team_no>")
@bp.returns(schemas.StaffTeamDetailOut)
@bp.fails(TeamNotFound)
def show_team_to_staff(team_no: str) -> dict[str, Any]:
    """Show a team with every seat it has or had, and the order of each."""
    return staffing.team(read(), team_no)


@bp.post("/teams/<team_no>/fail")
@bp.accepts(schemas.TeamFailure)
@bp.returns(schemas.StaffTeamDetailOut)
@bp.fails(TeamNotFound, TeamOver)
def fail_team(team_no: str, reason: str) -> dict[str, Any]:
    """End a team that is not complete; whoever has paid gets the money back with the reason."""
    with transaction() as session:
        ending.fail(session, team_no=team_no, reason=reason, now=clock.now())
        return staffing.team(session, team_no)
