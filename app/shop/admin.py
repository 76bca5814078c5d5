"""What staff see and decide of the shop's rules."""

from typing import Any

from flask import g

from app.core import clock, paging
from app.core.db import read, transaction
from app.core.errors import Invalid
from app.core.http import Blueprint
from app.shop import queries, schemas, service
from app.shop.models import ShopRulesRow
from app.shop.rules import ShopRules, stored

bp = Blueprint("shop_rules", __name__, description="店铺规则")


@bp.get("/shop-rules")
@bp.returns(schemas.ShopRulesOut)
def show_shop_rules() -> ShopRules:
    """Show the shop's rules in force."""
    return queries.rules(read())


@bp.put("/shop-rules")
@bp.accepts(schemas.ShopRulesIn)
@bp.returns(schemas.ShopRulesOut)
@bp.fails(Invalid)
def change_shop_rules(reason: str, **fields: Any) -> ShopRules:
    """Put new rules in force, from now on and for whatever waits for them."""
    with transaction() as session:
        return service.change(
            session, fields=fields, staff_id=g.staff_id, reason=reason, now=clock.now()
        )


@bp.get("/shop-rules/versions")
@bp.accepts(schemas.VersionsQuery)
@bp.returns(schemas.ShopRulesVersionPage)
def list_shop_rules_versions(*, limit: int, cursor: str | None = None) -> dict[str, Any]:
    """List what was decided before, the latest first: by whom, when and why."""
    before = paging.decode(cursor, int)[0] if cursor else None
    rows = queries.versions(read(), before=before, limit=limit + 1)
    items = [_shown(row) for row in rows[:limit]]
    more = paging.encode(rows[limit - 1].version) if len(rows) > limit else None
    return {"items": items, "next_cursor": more}


def _shown(row: ShopRulesRow) -> dict[str, Any]:
    return {
        "version": row.version,
        "rules": stored(row.version, row.values),
        "staff_id": row.staff_id,
        "reason": row.reason,
        "created_at": row.created_at,
    }
