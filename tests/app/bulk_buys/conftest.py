"""Two goods in a bulk buy that runs, a buyer, and the end of it all."""

from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.aftersales import verify as aftersales
from app.bulk_buys import settling
from app.bulk_buys import verify as proof
from app.catalogue import verify as catalogue
from app.core.auth import Audience
from app.marketing import verify as marketing
from app.orders import queries as orders
from app.orders import verify as order_proof
from app.orders.models import Order
from app.payments import verify as payment_proof
from app.payments.models import Refund, RefundStatus
from distribution import verify as distribution
from promotions import bulk_buys
from promotions.bulk_buys import queries
from promotions.models import Promotion
from tests.builders.bulk_buys import LASTS, make_bulk_buy
from tests.builders.bulk_orders import make_bulk_order
from tests.builders.catalogue import make_freight_template, make_sku
from tests.builders.members import make_address, make_member
from tests.builders.payments import pay_order, settle_refund

PROOFS = (proof, order_proof, catalogue, marketing, distribution, aftersales, payment_proof)


@dataclass(frozen=True)
class Deal:
    """A bulk buy of two goods, and what may be done with it."""

    session: Session
    promotion: Promotion
    skus: tuple[int, int]
    now: datetime

    @property
    def ends_at(self) -> datetime:
        return self.now + LASTS

    def order(self, first: int = 1, second: int = 0, **more: Any) -> Order:
        """An unpaid order of so many pieces of the one and of the other."""
        wanted = {
            sku: count for sku, count in zip(self.skus, (first, second), strict=True) if count
        }
        return make_bulk_order(self.session, self.promotion, wanted, now=self.now, **more)

    def paid(self, first: int = 1, second: int = 0, **more: Any) -> Order:
        """An order whose money came."""
        order = self.order(first, second, **more)
        pay_order(self.session, order=order, now=self.now)
        return self.fresh(order)

    def fresh(self, order: Order) -> Order:
        return orders.get(self.session, order_no=order.order_no)

    def close(self) -> bool:
        """Close it, its time being over."""
        return bulk_buys.close(self.session, promotion_id=self.promotion.id, now=self.ends_at)

    def settle(self, order: Order) -> bool:
        return settling.settle(self.session, order_no=order.order_no, now=self.ends_at)

    def share(self, order: Order) -> Any:
        return queries.share_of(self.session, source=order.source)

    def standing(self) -> queries.Standing:
        return queries.standings(self.session, [self.promotion.id])[self.promotion.id]

    def refunds(self) -> list[Refund]:
        return list(self.session.scalars(select(Refund).order_by(Refund.id)))

    def money_arrives(self) -> None:
        """WeChat gives back all it has been asked for."""
        for refund in self.refunds():
            if refund.status != RefundStatus.SUCCESS:
                settle_refund(self.session, refund=refund, now=self.ends_at)


@pytest.fixture
def deal(session, now) -> Deal:
    """99 yuan, 89 from 10 pieces on, 79 from 20 on; the other goods 50.03, 40.01 from 20 on."""
    template = make_freight_template(session)
    skus = tuple(
        make_sku(session, price_fen=fen, available=500, freight_template=template).id
        for fen in (12_000, 6_000)
    )
    first, second = skus
    promotion = make_bulk_buy(
        session,
        prices={first: 9_900, second: 5_003},
        tiers=[(10, {first: 8_900}), (20, {first: 7_900, second: 4_001})],
        now=now,
        terms={"with_coupons": True},
    )
    session.commit()
    return Deal(session, promotion, skus, now)


@pytest.fixture
def fixed(deal) -> Deal:
    """The same goods at 99 and 50.03 yuan, if 5 pieces are taken."""
    first, second = deal.skus
    promotion = make_bulk_buy(
        deal.session,
        prices={first: 9_900, second: 5_003},
        now=deal.now,
        terms={"min_pieces": 5, "with_coupons": True},
    )
    deal.session.commit()
    return replace(deal, promotion=promotion)


@pytest.fixture
def all_hold(session):
    """Say that every promise holds."""

    def check() -> None:
        session.flush()
        for each in PROOFS:
            assert list(each.verify(session)) == []

    return check


@pytest.fixture
def buyer(session):
    """A member who has an address."""
    member = make_member(session)
    make_address(session, member_id=member.id)
    session.commit()
    return member


@pytest.fixture
def as_buyer(buyer, token_for):
    return token_for(Audience.SHOPPER, buyer.id)
