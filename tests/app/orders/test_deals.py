"""Orders at a deal: priced by it alone, out of pieces that are carved from the shelf."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.catalogue import stock as shelf
from app.catalogue.models import Sku, StockCarve
from app.catalogue.stock import OutOfStock
from app.marketing import campaigns, carving, jobs
from app.marketing.service import PromotionGone
from app.orders import service as orders
from app.orders.drafts import DealGone
from app.orders.models import CloseReason, OrderStatus
from app.orders.service import PriceChanged, QuantityOverLimit
from promotions import campaigns as engine
from tests.builders.catalogue import make_sku
from tests.builders.deals import end_deal, make_deal, place_at
from tests.builders.orders import pay, refund_all
from tests.builders.promotions import STAFF


def figures(session, sku):
    session.expire_all()
    row = session.get_one(Sku, sku.id)
    return row.available, row.held, row.sold


def carved(session, promotion):
    source = carving.source_of(promotion.id)
    return session.scalars(select(StockCarve.quantity).where(StockCarve.source == source)).all()


@pytest.fixture
def cup(session):
    return make_sku(session, price_fen=9_900, available=20)


@pytest.fixture
def sale(session, cup, now):
    return make_deal(session, cup, now=now)


def close(session, order, now):
    orders.close(session, order_id=order.id, reason=CloseReason.EXPIRED, now=now)


class TestCarve:
    def test_publishing_takes_the_pieces_off_the_shelf(self, session, cup, sale, breaches):
        session.commit()

        assert figures(session, cup) == (10, 10, 0)
        assert breaches() == []

    def test_a_sale_of_more_than_there_is_cannot_be_published(self, session, cup, now):
        with pytest.raises(OutOfStock):
            make_deal(session, cup, now=now, total=21)

    def test_an_order_leaves_the_shelf_alone_until_it_is_paid(
        self, session, cup, sale, buyer, now, breaches
    ):
        order = place_at(session, sale, cup, buyer_id=buyer.id, now=now, quantity=2)
        assert figures(session, cup) == (10, 10, 0)

        pay(session, order, now=now)
        assert figures(session, cup) == (10, 8, 2)
        assert carved(session, sale) == [8]
        session.commit()
        assert breaches() == []

    def test_a_closed_orders_pieces_go_back_to_the_sale(
        self, session, cup, sale, buyer, now, breaches
    ):
        order = place_at(session, sale, cup, buyer_id=buyer.id, now=now, quantity=10)

        close(session, order, now)

        assert figures(session, cup) == (10, 10, 0)
        place_at(session, sale, cup, buyer_id=buyer.id, now=now, quantity=10)
        session.commit()
        assert breaches() == []

    def test_ending_puts_back_what_nobody_holds_and_later_what_they_gave_up(
        self, session, cup, sale, buyer, now, breaches
    ):
        kept, dropped = (
            place_at(session, sale, cup, buyer_id=buyer.id, now=now, quantity=2) for _ in "ab"
        )

        end_deal(session, sale, now=now)
        assert figures(session, cup) == (16, 4, 0)
        carving.follow(session, sale, now=now)
        close(session, dropped, now)
        assert figures(session, cup) == (18, 2, 0)
        pay(session, kept, now=now)

        assert figures(session, cup) == (18, 0, 2)
        session.commit()
        assert breaches() == []

    def test_the_end_of_the_window_puts_it_back_too(self, session, cup, sale, now, set_clock):
        session.commit()
        set_clock(now + timedelta(hours=1))

        jobs.close_deals()

        assert figures(session, cup) == (20, 0, 0)

    def test_resuming_carves_nothing_again(self, session, cup, sale, now):
        for step in (engine.pause, engine.resume):
            campaigns.move(session, step, promotion_id=sale.id, staff_id=STAFF, now=now)

        assert figures(session, cup) == (10, 10, 0)

    def test_more_for_the_sale_comes_off_the_shelf(self, session, cup, sale, now, breaches):
        more = {"stock": [{"sku_id": cup.id, "total": 15}]}

        campaigns.change_limits(session, promotion_id=sale.id, limits=more, staff_id=STAFF, now=now)

        assert figures(session, cup) == (5, 15, 0)
        session.commit()
        assert breaches() == []

    def test_a_refund_brings_the_goods_back_to_the_shelf(
        self, session, cup, sale, buyer, now, breaches
    ):
        order = place_at(session, sale, cup, buyer_id=buyer.id, now=now, quantity=3)
        pay(session, order, now=now)

        refund_all(session, order, now=now)

        assert figures(session, cup) == (13, 7, 0)
        session.commit()
        assert breaches() == []


class TestPlace:
    def test_the_deal_alone_sets_the_price(self, session, cup, sale, buyer, now):
        order = place_at(session, sale, cup, buyer_id=buyer.id, now=now)

        assert order.payable_fen == 100
        assert (order.origin, order.deal_id) == ("flash_sale", sale.id)
        assert order.status == OrderStatus.UNPAID

    def test_the_last_piece_is_sold_though_the_shelf_is_empty(self, session, buyer, now):
        cup = make_sku(session, price_fen=9_900, available=1)
        sale = make_deal(session, cup, now=now, total=1)

        place_at(session, sale, cup, buyer_id=buyer.id, now=now)

        with pytest.raises(PromotionGone) as refused:
            place_at(session, sale, cup, buyer_id=buyer.id, now=now)
        assert refused.value.members["reason"] == "sold_out"

    def test_one_person_may_have_so_many(self, session, cup, buyer, now):
        sale = make_deal(session, cup, now=now, member_max_units=1)
        place_at(session, sale, cup, buyer_id=buyer.id, now=now)

        with pytest.raises((QuantityOverLimit, PromotionGone, DealGone)):
            place_at(session, sale, cup, buyer_id=buyer.id, now=now)

    def test_a_group_buy_without_stock_of_its_own_sells_from_the_shelf(
        self, session, cup, buyer, now
    ):
        group = make_deal(session, cup, now=now, kind="group_buy", total=None)

        place_at(session, group, cup, buyer_id=buyer.id, now=now)

        assert figures(session, cup) == (19, 1, 0)

    @pytest.mark.parametrize("step", ["pause", "end", "not yet"])
    def test_what_is_not_on_sells_nothing(self, session, cup, buyer, now, step):
        starts = {"starts_at": now + timedelta(minutes=1)} if step == "not yet" else {}
        sale = make_deal(session, cup, now=now, **starts)
        if step != "not yet":
            getattr(engine, step)(session, promotion_id=sale.id, staff_id=STAFF, now=now)

        with pytest.raises((DealGone, OutOfStock)):
            place_at(session, sale, cup, buyer_id=buyer.id, now=now)

    def test_who_it_is_not_for_is_told_so(self, session, cup, buyer, now):
        sale = make_deal(session, cup, now=now, audience={"levels": [7]})

        with pytest.raises(DealGone) as refused:
            place_at(session, sale, cup, buyer_id=buyer.id, now=now)

        assert refused.value.members == {"promotion_id": sale.id, "reason": "not_for_you"}

    def test_another_sku_is_not_in_it(self, session, sale, buyer, now):
        bag = make_sku(session, price_fen=100, available=5)

        with pytest.raises(DealGone) as refused:
            place_at(session, sale, bag, buyer_id=buyer.id, now=now)

        assert refused.value.members["reason"] == "not_running"

    def test_more_than_an_order_may_have_is_refused(self, session, cup, buyer, now):
        sale = make_deal(session, cup, now=now, terms={"max_units_per_order": 1})

        with pytest.raises(QuantityOverLimit) as refused:
            place_at(session, sale, cup, buyer_id=buyer.id, now=now, quantity=2)

        assert refused.value.members["refusals"][0]["most"] == 1

    def test_another_price_than_was_shown_is_refused(self, session, cup, sale, buyer, now):
        with pytest.raises(PriceChanged):
            place_at(session, sale, cup, buyer_id=buyer.id, now=now, price_fen=99)


def test_a_carve_of_nothing_is_nothing(session, now):
    shelf.carve(session, source="promotion:1", quantities={}, now=now)

    assert not shelf.is_carved(session, "promotion:1")
