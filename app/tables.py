"""The map of tables: every module that declares some, so that migrations and tests see them all."""

from sqlalchemy import MetaData

from app.aftersales import models as aftersales
from app.carts import models as carts
from app.catalogue import models as catalogue
from app.core import auth, idempotency
from app.core.db import Base
from app.coupons import models as coupons
from app.flash_sales import models as flash_sales
from app.materials import models as materials
from app.members import models as members
from app.notices import models as notices
from app.orders import models as orders
from app.payments import decision_models as payment_decisions
from app.payments import models as payments
from app.pushes import models as pushes
from app.reconciliation import models as reconciliation
from app.shipping import models as shipping
from app.shop import models as shop
from app.staff import models as staff
from app.withdrawals import models as payouts
from distribution import base as distribution
from distribution.commissions import models as commissions
from distribution.figures import models as figures
from distribution.ledger import models as ledger
from distribution.reports import models as distribution_reports
from distribution.team import grade_models as grades
from distribution.team import models as team
from distribution.team import place_models as places
from distribution.withdrawals import models as withdrawals
from promotions import base as promotions
from promotions import member_models as promotions_members
from promotions import models as promotions_models
from promotions.bulk_buys import models as promotions_bulk_buys
from promotions.coupons import models as promotions_coupons
from promotions.group_buys import models as promotions_group_buys
from promotions.packs import models as promotions_packs

MODULES = (
    auth, idempotency, catalogue, members, staff, shop, notices, carts, orders,
    payments, payment_decisions, pushes, aftersales, shipping,
    payouts, reconciliation, coupons, flash_sales, materials, commissions, ledger, team, places,
    grades, withdrawals, figures,
    promotions_models, promotions_members, promotions_coupons, promotions_packs,
    promotions_group_buys, promotions_bulk_buys, distribution_reports,
)  # fmt: skip


def metadata() -> list[MetaData]:
    """The metadata of the shop and of both engines."""
    return [Base.metadata, distribution.Base.metadata, promotions.Base.metadata]
