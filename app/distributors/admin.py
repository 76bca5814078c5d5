"""What staff see of distributors."""

from typing import Any

from app.core.db import read
from app.core.http import Blueprint
from app.distributors import schemas, views
from app.distributors.views import NotADistributor

bp = Blueprint("distributors", __name__, description="分销员")


@bp.get("/distributors")
@bp.accepts(schemas.DistributorsQuery)
@bp.returns(schemas.DistributorPage)
def list_distributors(
    limit: int, status: str | None = None, cursor: str | None = None
) -> dict[str, Any]:
    """List distributors and applicants, the latest member first."""
    return views.distributors(read(), status=status, cursor=cursor, limit=limit)


@bp.get("/distributors/<int:member_id>")
@bp.returns(schemas.DistributorOut)
@bp.fails(NotADistributor)
def show_distributor(member_id: int) -> dict[str, Any]:
    """Show one distributor."""
    session = read()
    return views.for_staff(session, views.distributor(session, member_id))
