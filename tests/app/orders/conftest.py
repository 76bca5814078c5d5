"""A buyer, a shop assistant, and something to buy."""

import pytest
from sqlalchemy import func, select, text

from app.catalogue import verify as catalogue
from app.catalogue.models import StockHold
from app.core.auth import Audience
from app.marketing import verify as marketing
from app.members import queries as members
from app.orders import verify as orders
from app.orders.models import Order, OrderLine
from distribution import verify as distribution
from promotions import coupons
from tests.builders.catalogue import make_freight_template, make_sku
from tests.builders.members import make_address, make_member
from tests.builders.orders import make_order
from tests.builders.promotions import AGREED, make_published
from tests.builders.staff import make_staff


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


@pytest.fixture
def as_staff(session, token_for):
    """The headers of a shop assistant."""
    staff = make_staff(session)
    session.commit()
    return token_for(Audience.STAFF, staff.id)


@pytest.fixture
def placed(session, now):
    """Make an order in a status and commit it."""

    def make(status, **fields):
        order = make_order(session, now=now, status=status, **fields)
        session.commit()
        return order

    return make


@pytest.fixture
def as_stranger(session, token_for):
    """The headers of somebody else."""
    member = make_member(session)
    session.commit()
    return token_for(Audience.SHOPPER, member.id)


@pytest.fixture
def twin(session, buyer, token_for):
    """The headers of a second account of the buyer's."""
    buyer.unionid = "u-of-the-buyer"
    member = make_member(session, unionid=buyer.unionid)
    session.commit()
    return token_for(Audience.SHOPPER, member.id)


@pytest.fixture
def breaches(session):
    """Every breach of the promises of orders and of what they stand on."""

    def find():
        session.rollback()
        checks = (catalogue.verify, marketing.verify, orders.verify, distribution.verify)
        return [breach for check in checks for breach in check(session)]

    return find


@pytest.fixture
def address_id(session, buyer):
    return members.list_addresses(session, buyer.id)[0].id


@pytest.fixture
def sku(session):
    template = make_freight_template(session)
    sku = make_sku(session, price_fen=5000, available=10, freight_template=template)
    session.commit()
    return sku


@pytest.fixture
def body(sku, address_id):
    """A body that buys two pieces for 100 yuan and 10 yuan of freight."""
    return {
        "lines": [{"sku_id": sku.id, "quantity": 2}],
        "address_id": address_id,
        "expected_payable_fen": 11_000,
    }


@pytest.fixture
def place(client, as_buyer):
    def post(body, key="a-key-of-mine", headers=as_buyer):
        return client.post("/api/v1/orders", json=body, headers={**headers, "Idempotency-Key": key})

    return post


@pytest.fixture
def preview(client, as_buyer):
    def post(body, headers=as_buyer):
        return client.post("/api/v1/orders/preview", json=body, headers=headers)

    return post


@pytest.fixture
def nothing_happened(session, sku):
    """Nothing was ordered or held."""

    def check():
        session.rollback()
        session.refresh(sku)
        assert (sku.available, sku.held) == (10, 0)
        for table in (Order, OrderLine, StockHold):
            assert session.scalar(select(func.count()).select_from(table)) == 0
        assert session.scalar(text("SELECT count(*) FROM procrastinate_jobs")) == 0

    return check


@pytest.fixture
def template(session, now):
    """A template of 10 yuan off from 50 yuan on."""
    made = make_published(
        session,
        kind="coupon_amount",
        title="十元券",
        terms={"threshold_fen": 5000, "off_fen": 1000},
        issue={"valid_days": 7},
        **AGREED,
        starts_at=now,
        now=now,
    )
    session.commit()
    return made


@pytest.fixture
def give(session, now):
    """Put a coupon of a template into a member's hands."""

    def issue(template, member, source="gift:1"):
        (coupon_id,) = coupons.issue(
            session, promotion_id=template.id, member_id=member.id, source=source, now=now
        )
        session.commit()
        return coupon_id

    return issue


@pytest.fixture
def gift(session):
    sku = make_sku(session, title="杯垫", price_fen=900, available=3)
    session.commit()
    return sku


@pytest.fixture
def with_gift(session, now, gift):
    """From 100 yuan on a coaster comes along, worth 5 yuan."""

    def publish(**tier):
        tier = {
            "threshold": 10_000,
            "gifts": [{"sku_id": gift.id, "quantity": 1, "value_fen": 500}],
            **tier,
        }
        made = make_published(
            session,
            kind="spend_and_gift",
            terms={"tiers": [tier]},
            starts_at=now,
            now=now,
            **AGREED,
        )
        session.commit()
        return made

    return publish


@pytest.fixture
def coupon_id(give, template, buyer):
    """A coupon of ten yuan in the buyer's hands."""
    return give(template, buyer)
