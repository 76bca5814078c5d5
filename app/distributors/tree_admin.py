"""What staff look up in the tree of bindings."""

from typing import Any

from app.core import clock
from app.core.db import read
from app.core.errors import Invalid
from app.core.http import Blueprint
from app.distributors import tree, tree_schemas
from app.members.queries import MemberNotFound

bp = Blueprint("binding_tree", __name__, description="推荐关系树")


@bp.get("/bindings/<int:member_id>/tree")
@bp.accepts(tree_schemas.TreeQuery)
@bp.returns(tree_schemas.TreeOut)
@bp.fails(MemberNotFound, Invalid)
def show_binding_tree(member_id: int, limit: int, cursor: str | None = None) -> dict[str, Any]:
    """Show who stands above a member, up to the top, and who is bound to them, latest first."""
    return tree.node(read(), member_id, cursor=cursor, limit=limit, now=clock.now())
