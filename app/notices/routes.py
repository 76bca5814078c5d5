"""What a member allows the shop to tell them."""

from typing import Any

from flask import g

from app.core import clock
from app.core.db import read, transaction
from app.core.http import Blueprint
from app.notices import queries, schemas, service

bp = Blueprint("notices", __name__, description="订阅消息授权")


@bp.get("/notices/permissions")
@bp.returns(schemas.PermissionListOut)
def list_permissions() -> dict[str, Any]:
    """List the templates to ask me for, and how many messages I have allowed of each."""
    return {"items": queries.permissions(read(), g.member_id)}


@bp.post("/notices/permissions")
@bp.accepts(schemas.PermissionResults)
@bp.returns(schemas.PermissionListOut)
def report_permissions(results: list[dict[str, str]]) -> dict[str, Any]:
    """Report what I have just answered to `wx.requestSubscribeMessage`."""
    taps = {each["template_id"] for each in results if each["result"] in schemas.ALLOWING}
    with transaction() as session:
        service.allowed(session, member_id=g.member_id, taps=taps, now=clock.now())
        return {"items": queries.permissions(session, g.member_id)}
