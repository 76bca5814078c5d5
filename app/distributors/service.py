"""What members and staff do: share, set the rules. Who may: `joining`; for whom: `binding`."""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import quote

from sqlalchemy.orm import Session

from app.catalogue import queries as catalogue
from app.catalogue.models import SpuStatus
from app.core.errors import Conflict, Invalid
from app.distributors import views
from distribution.commissions import rules
from distribution.commissions.policy import Rates
from distribution.commissions.rules import CommissionRules
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


def change_rules(
    session: Session, *, fields: dict[str, Any], staff_id: int, now: datetime
) -> dict[str, Any]:
    """
    Put new commission rules in force for orders paid from now on.

    :raises Invalid: both levels take more than the cap.
    """
    with _checked():
        rules.change(session, CommissionRules(**fields), changed_by=f"staff:{staff_id}", now=now)
    return views.commission_rules(session)


def set_sku_rates(
    session: Session, *, sku_id: int, rates: Rates | None, staff_id: int, now: datetime
) -> dict[str, Any]:
    """
    Give a SKU rates of its own; None: it follows the shop's rules again.

    :raises SkuNotFound: there is no such SKU.
    :raises Invalid: both levels take more than the cap.
    """
    views.sku_rates(session, sku_id)
    with _checked():
        rules.set_sku_rates(
            session, sku_id=sku_id, rates=rates, changed_by=f"staff:{staff_id}", now=now
        )
    return views.sku_rates(session, sku_id)


@contextmanager
def _checked() -> Iterator[None]:
    """The engine's refusal of rates that take more than the cap, as fields."""
    try:
        yield
    except rules.BadRules as error:
        raise Invalid(errors={"level2_bp": ["两级佣金之和不能超过上限"]}) from error
