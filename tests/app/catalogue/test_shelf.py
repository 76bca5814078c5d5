"""What is on the shelf, in every order and page by page."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.catalogue import shelf
from app.catalogue.models import Spu, SpuStatus
from tests.builders.catalogue import NOON, make_category, make_sku, make_spu


def walk(session, **query):
    """The ids of all pages, one after another."""
    ids, cursor = [], None
    while True:
        page = shelf.list_products(session, cursor=cursor, **query)
        ids += [each["id"] for each in page["items"]]
        cursor = page["next_cursor"]
        if cursor is None:
            return ids


class TestList:
    def test_a_card_carries_what_pricing_needs(self, session):
        home = make_category(session)
        category = make_category(session, parent=home)
        sku = make_sku(session, price_fen=5900, category=category)
        other = make_sku(session, spu=session.get(Spu, sku.spu_id), price_fen=6900)
        make_sku(session, spu=session.get(Spu, sku.spu_id), is_active=False)

        (card,) = shelf.list_products(session)["items"]

        assert card["path"] == [home.id, category.id]
        assert card["skus"] == [[sku.id, 5900], [other.id, 6900]]

    def test_a_market_price_not_above_the_price_is_not_crossed_out(self, session):
        make_sku(session, price_fen=5900, market_price_fen=5900)

        assert shelf.list_products(session)["items"][0]["crossed_out_fen"] is None

    @pytest.mark.parametrize("status", [SpuStatus.DRAFT, SpuStatus.OFF_SHELF])
    def test_leaves_out_what_is_not_on_the_shelf(self, session, status):
        make_sku(session, status=status)

        assert shelf.list_products(session)["items"] == []

    def test_of_a_category_has_everything_below_it(self, session):
        home = make_category(session, name="家居")
        cups = make_category(session, name="杯壶", parent=home)
        in_cups = make_sku(session, category=cups)
        in_home = make_sku(session, category=home)
        make_sku(session)

        assert walk(session, category_id=home.id) == [in_home.spu_id, in_cups.spu_id]
        assert walk(session, category_id=cups.id) == [in_cups.spu_id]
        assert walk(session, category_id=cups.id + 10**6) == []

    def test_is_sorted_as_asked(self, session):
        made = {}
        for name, sort, price_fen, sales_count, day in (
            ("a", 1, 300, 20, 3),
            ("b", 3, 100, 30, 2),
            ("c", 2, 200, 10, 1),
        ):
            spu = make_spu(
                session, sort=sort, sales_count=sales_count, listed_at=NOON + timedelta(days=day)
            )
            make_sku(session, spu=spu, price_fen=price_fen)
            made[spu.id] = name

        shown = {
            sort: "".join(made[id_] for id_ in walk(session, sort=sort)) for sort in shelf.Sort
        }

        assert shown == {
            "default": "bca",
            "price_asc": "bca",
            "price_desc": "acb",
            "sales": "bac",
            "new": "abc",
        }

    @pytest.mark.parametrize("sort", shelf.Sort)
    @settings(
        max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
    )
    @given(
        values=st.lists(st.integers(1, 3), max_size=12),
        limit=st.integers(1, 5),
        narrow=st.booleans(),
    )
    def test_pages_neither_skip_nor_repeat_under_ties(self, session, values, limit, sort, narrow):
        category = make_category(session)
        query = {"category_id": category.id, "q": "保温"} if narrow else {}
        spus = []
        for value in values:
            listed_at = NOON + timedelta(microseconds=value)
            spu = make_spu(
                session, category=category, sort=value, sales_count=value, listed_at=listed_at
            )
            make_sku(session, spu=spu, price_fen=value)
            spus.append((value, spu.id))

        expected = sorted(spus, reverse=sort != shelf.Sort.PRICE_ASC)
        assert walk(session, sort=sort, limit=limit, **query) == [id_ for _, id_ in expected]
        session.rollback()
