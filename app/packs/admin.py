"""Staff's new-user packs: draft, change, publish, pause, resume, end, history and report."""

from typing import Any

from flask import g

from app.core import clock, paging
from app.core.db import read, transaction
from app.core.errors import Invalid
from app.core.http import Blueprint
from app.packs import packs, schemas
from app.packs.packs import Move, PackStatusConflict
from app.packs.service import PackNotFound
from promotions.packs import life
from promotions.states import CampaignStatus

bp = Blueprint("packs", __name__, description="新用户礼包管理")


@bp.get("/packs")
@bp.accepts(schemas.PackQuery)
@bp.returns(schemas.PackPage)
def list_packs(
    limit: int, status: CampaignStatus | None = None, cursor: str | None = None
) -> dict[str, Any]:
    """List packs, the latest first."""
    (before_id,) = paging.decode(cursor, int) if cursor else (None,)
    found = packs.page(read(), status=status, before_id=before_id, limit=limit + 1, now=clock.now())
    items = found[:limit]
    has_more = len(found) > limit
    return {"items": items, "next_cursor": paging.encode(items[-1]["id"]) if has_more else None}


@bp.post("/packs")
@bp.accepts(schemas.PackIn)
@bp.returns(schemas.PackOut, 201)
@bp.fails(Invalid)
def create_pack(**fields: Any) -> dict[str, Any]:
    """Write down a pack as a draft."""
    with transaction() as session:
        return packs.create(session, fields=fields, staff_id=g.staff_id, now=clock.now())


@bp.get("/packs/<int:pack_id>")
@bp.returns(schemas.PackOut)
@bp.fails(PackNotFound)
def show_pack(pack_id: int) -> dict[str, Any]:
    """Show a pack and what is taken of its limits."""
    return packs.show(read(), pack_id=pack_id, now=clock.now())


@bp.get("/packs/<int:pack_id>/versions")
@bp.returns(schemas.PackHistoryOut)
@bp.fails(PackNotFound)
def show_pack_history(pack_id: int) -> dict[str, Any]:
    """Show every version of a pack: who changed it, when, and what it was."""
    return packs.history(read(), pack_id=pack_id)


@bp.get("/packs/<int:pack_id>/report")
@bp.returns(schemas.PackReportOut)
@bp.fails(PackNotFound)
def show_pack_report(pack_id: int) -> dict[str, Any]:
    """Show what came of a pack: claims, coupons used, and the orders they went into."""
    return packs.report(read(), pack_id=pack_id)


@bp.put("/packs/<int:pack_id>")
@bp.accepts(schemas.PackIn)
@bp.returns(schemas.PackOut)
@bp.fails(PackNotFound, PackStatusConflict, Invalid)
def change_pack(pack_id: int, **fields: Any) -> dict[str, Any]:
    """Replace the whole set-up of a draft."""
    with transaction() as session:
        return packs.change(
            session, pack_id=pack_id, fields=fields, staff_id=g.staff_id, now=clock.now()
        )


@bp.post("/packs/<int:pack_id>/publish")
@bp.returns(schemas.PackOut)
@bp.fails(PackNotFound, PackStatusConflict, Invalid)
def publish_pack(pack_id: int) -> dict[str, Any]:
    """Let newcomers claim a draft from its start on."""
    return _move(life.publish, pack_id)


@bp.post("/packs/<int:pack_id>/pause")
@bp.returns(schemas.PackOut)
@bp.fails(PackNotFound, PackStatusConflict)
def pause_pack(pack_id: int) -> dict[str, Any]:
    """Stop claims until the pack is resumed."""
    return _move(life.pause, pack_id)


@bp.post("/packs/<int:pack_id>/resume")
@bp.returns(schemas.PackOut)
@bp.fails(PackNotFound, PackStatusConflict, Invalid)
def resume_pack(pack_id: int) -> dict[str, Any]:
    """Let newcomers claim a paused pack again."""
    return _move(life.resume, pack_id)


@bp.post("/packs/<int:pack_id>/end")
@bp.returns(schemas.PackOut)
@bp.fails(PackNotFound, PackStatusConflict)
def end_pack(pack_id: int) -> dict[str, Any]:
    """End a pack for good; what was claimed stays with who claimed it."""
    return _move(life.end, pack_id)


def _move(step: Move, pack_id: int) -> dict[str, Any]:
    with transaction() as session:
        return packs.move(session, step, pack_id=pack_id, staff_id=g.staff_id, now=clock.now())
