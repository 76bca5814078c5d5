"""Flash sales as their merchant publishes them, and who looks at them."""

from datetime import timedelta

import pytest

from app.core.auth import Audience
from app.marketing import carving
from tests.builders.catalogue import make_sku
from tests.builders.members import make_member
from tests.builders.promotions import make_published
from tests.builders.staff import make_staff


class Signed(dict[str, str]):
    """Headers of somebody; `id` is who."""

    def __init__(self, who, headers):
        super().__init__(headers)
        self.id = who


@pytest.fixture
def sign_in(session, token_for):
    """Make a member, or with a role staff, and return their headers."""

    def make(role=None, **fields):
        somebody = make_staff(session, role=role) if role else make_member(session, **fields)
        session.commit()
        side = Audience.STAFF if role else Audience.SHOPPER
        return Signed(somebody.id, token_for(side, somebody.id))

    return make


@pytest.fixture
def me(sign_in):
    return sign_in()


@pytest.fixture
def staff(sign_in):
    return sign_in("merchant")


@pytest.fixture
def sku(session):
    made = make_sku(session, price_fen=5_000, available=100)
    session.commit()
    return made


@pytest.fixture
def publish(session, sku, now):
    """
    Publish a sale of `total` pieces of a SKU; it opened a minute ago, for an hour, unless told.

    `opens` is how long from now on it opens.
    """

    def make(opens=timedelta(minutes=-1), lasts=timedelta(hours=1), total=10, goods=None, **more):
        terms = {
            "prices": [{"sku_id": one.id, "price_fen": 990} for one in goods or [sku]],
            **more.pop("terms", {}),
        }
        starts_at = now + opens
        promotion = make_published(
            session,
            now=min(now, starts_at) - timedelta(minutes=1),
            kind="flash_sale",
            terms=terms,
            stock=[{"sku_id": one.id, "total": total} for one in goods or [sku]],
            **{"title": "整点秒杀", "starts_at": starts_at, "ends_at": starts_at + lasts, **more},
        )
        carving.follow(session, promotion, now=now)
        session.commit()
        return promotion

    return make
