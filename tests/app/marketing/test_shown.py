"""The price and the badges goods show are those the cart would have."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.catalogue import queries as catalogue
from app.marketing import service, shown
from app.marketing.service import QuoteLine
from promotions import limits
from promotions.pricing import Lane
from tests.builders.catalogue import make_category, make_sku, make_spu
from tests.builders.promotions import NOON, make_line, make_published

HOUR = timedelta(hours=1)


def publish(session, **more):
    """限时8折 on everything unless told otherwise."""
    return make_published(
        session, **{"kind": "limited_time", "terms": {"off_bp": 2_000}, "title": "限时", **more}
    )


def piece(number, *, fen=10_000, **more):
    return make_line(number, fen=fen, **more)


def price(session, *lines, now=NOON):
    seen = shown.shown(session, lines, now=now)
    return [seen.prices[line.sku_id].price_fen for line in lines]


def badges(session, *lines, now=NOON):
    seen = shown.shown(session, lines, now=now)
    return {
        spu_id: [one.promotion_id for one in found] for spu_id, found in seen.concerning.items()
    }


class TestPrice:
    def test_a_piece_costs_its_list_price_without_promotions(self, session):
        seen = shown.shown(session, [piece(1)], now=NOON)

        assert seen.prices == {1: shown.Promoted(10_000, None)}

    def test_a_limited_time_offer_sets_it_and_says_so(self, session):
        offer = publish(session)

        assert shown.shown(session, [piece(1)], now=NOON).prices == {
            1: shown.Promoted(8_000, offer.id)
        }

    def test_each_named_sku_has_its_own_price(self, session):
        prices = [{"sku_id": 1, "price_fen": 900}, {"sku_id": 2, "price_fen": 800}]
        publish(session, terms={"prices": prices})

        assert price(session, *(piece(number) for number in (1, 2, 3))) == [900, 800, 10_000]

    def test_what_depends_on_the_rest_of_a_cart_is_not_in_it(self, session):
        make_published(session, steps=[(1, 1)])

        assert price(session, piece(1)) == [10_000]

    def test_what_is_used_up_has_no_price_and_no_badge(self, session):
        offer = publish(session, max_units=1)
        line = piece(1)
        before = price(session, line), badges(session, line)
        use = limits.Use(offer.id, 2_000, units=1)
        limits.reserve(session, source="order:A", member_id=1, uses=[use], now=NOON)

        assert before == ([8_000], {1: [offer.id]})
        assert (price(session, line), badges(session, line)) == ([10_000], {})

    def test_a_price_for_new_buyers_is_not_everybodys_but_its_badge_is(self, session):
        offer = publish(session, audience={"is_new": True})

        assert price(session, piece(1)) == [10_000]
        assert badges(session, piece(1)) == {1: [offer.id]}

    @pytest.mark.parametrize("audience", [{"tags": ["VIP"]}, {"levels": [3]}])
    def test_a_price_for_some_members_is_neither_told_nor_had(self, session, audience):
        publish(session, audience=audience)

        assert price(session, piece(1)) == [10_000]
        assert badges(session, piece(1)) == {}


class TestBadges:
    def test_they_are_found_by_sku_spu_category_and_tag(self, session):
        goods = [
            piece(1, spu_id=11, category_path=(5, 6)),
            piece(2, spu_id=11, category_path=(5, 6)),
            piece(3, spu_id=12, category_path=(5,), tags=frozenset({"新品"})),
            piece(4, spu_id=13, category_path=(7,)),
        ]
        scopes = [{"sku_ids": [2]}, {"category_ids": [5]}, {"tags": ["新品"]}, {"spu_ids": [13]}]
        made = [make_published(session, includes=scope).id for scope in scopes]

        assert badges(session, *goods) == {
            11: [made[0], made[1]],
            12: [made[1], made[2]],
            13: [made[3]],
        }

    def test_they_come_by_lane_and_then_by_rank(self, session):
        late = make_published(session)
        urgent = make_published(session, priority=9)
        first = publish(session)

        assert badges(session, piece(1)) == {1: [first.id, urgent.id, late.id]}


@pytest.mark.slow
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(
    offers=st.lists(
        st.fixed_dictionaries(
            {
                "terms": st.one_of(
                    st.builds(lambda off: {"off_bp": off}, st.integers(1, 10_000)),
                    st.builds(lambda off: {"off_fen": off}, st.integers(1, 3_000)),
                ),
                "priority": st.integers(0, 2),
                "max_units": st.none() | st.integers(1, 2),
                "excludes": st.sampled_from([{}, {"tags": ["新品"]}]),
            }
        ),
        max_size=4,
    ),
    prices=st.lists(st.integers(1, 3_000), min_size=1, max_size=4),
)
def test_a_shown_price_is_what_a_cart_of_one_piece_costs_in_the_price_lane(session, offers, prices):
    category = make_category(session)
    skus = [
        make_sku(session, spu=make_spu(session, category=category, tags=tags), price_fen=fen)
        for fen in prices
        for tags in ([], ["新品"])
    ]
    for offer in offers:
        publish(session, **offer)
    make_published(session, steps=[(1, 1)])
    sellable = list(catalogue.skus_for_pricing(session, [sku.id for sku in skus]).values())
    goods = [
        make_line(
            one.sku_id, fen=one.price_fen, category_path=one.category_path, tags=frozenset(one.tags)
        )
        for one in sellable
    ]
    seen = shown.shown(session, goods, now=NOON).prices

    for one in sellable:
        line = QuoteLine(1, one, 1)
        quote = service.quote(session, lines=[line], member_id=1, freight_fen=0, now=NOON)
        off_fen = sum(each.amount_fen for each in quote.adjustments if each.lane is Lane.PRICE)
        assert seen[one.sku_id].price_fen == one.price_fen - off_fen
    session.rollback()
