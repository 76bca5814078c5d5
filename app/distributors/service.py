"""What members do: share. Who may: `joining`; for whom: `binding`; for how much: `rates`."""

from typing import Any
from urllib.parse import quote

from sqlalchemy.orm import Session

from app.catalogue import queries as catalogue
from app.catalogue.models import SpuStatus
from app.core.errors import Conflict
from app.distributors import views
from distribution.team import sharing
from distribution.team.states import DistributorStatus, Source

SPU_PAGE = "pages/spu/detail"
"""The mini-program's product page; it reads `scene` and shows the product of that id."""
HOME_PAGE = "pages/index/index"


class DistributorNotActive(Conflict):
    """Only an active distributor shares; `distributor_status` says what this one is."""

    code, title = "distributor_not_active", "分销资格未生效"


def share(session: Session, *, member_id: int, spu_id: int | None) -> dict[str, Any]:
    """
    What a distributor needs to share the shop, or one product of it.

    `page` and `scene` make a mini-program code; `path` is a share card's.

    :raises NotADistributor: the member never applied.
    :raises DistributorNotActive: the application is pending, or the distributor stopped.
    :raises SpuNotFound: there is no such product on the shelf.
    """
    found = views.distributor(session, member_id)
    if found.status != DistributorStatus.ACTIVE:
        raise DistributorNotActive(distributor_status=found.status)
    if spu_id is not None:
        spu = catalogue.get_spu(session, spu_id=spu_id)
        if spu.status != SpuStatus.ON_SHELF:
            raise catalogue.SpuNotFound
    link = sharing.scene(found.invite_code, spu_id=spu_id, carrier=Source.LINK)
    page = HOME_PAGE if spu_id is None else SPU_PAGE
    return {
        "invite_code": found.invite_code,
        "scene": sharing.scene(found.invite_code, spu_id=spu_id),
        "page": page,
        "path": f"/{page}?scene={quote(link, safe='')}",
    }
