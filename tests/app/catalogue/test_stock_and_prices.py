"""What staff do with stock and prices, and the proof that nothing is lost."""

import random
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest

from app.catalogue import prices, service, stock, verify
from app.catalogue.models import Spu, StockCarve
from app.core.db import db, transaction
from tests.builders.catalogue import make_category, make_sku, make_spu


class TestStock:
    def test_is_set_as_counted_and_the_reason_kept(self, staff, merchant, product):
        sku = product["skus"][0]

        response = staff("put", f"/skus/{sku['id']}/stock", {"available": 3, "reason": "盘点"})

        assert (response.status_code, response.json["available"]) == (200, 3)
        rows = staff("get", f"/skus/{sku['id']}/stock-adjustments").json["items"]
        assert [(row["delta"], row["available_after"], row["reason"]) for row in rows] == [
            (-17, 3, "盘点"),
            (20, 20, service.FIRST_STOCK),
        ]
        assert rows[0]["staff_id"] == merchant.id

    def test_is_adjusted_once_per_key_and_never_below_zero(self, staff, product):
        path = f"/skus/{product['skus'][0]['id']}/stock-adjustments"
        taken = {"delta": -15, "reason": "损坏"}

        first = staff("post", path, taken, key="the-same-key")
        again = staff("post", path, taken, key="the-same-key")
        third = staff("post", path, taken)

        assert (first.status_code, first.json["available"]) == (201, 5)
        assert again.json == first.json
        assert (third.status_code, third.json["code"]) == (409, "out_of_stock")
        assert third.json["available"] == 5

    @pytest.mark.parametrize(
        ("verb", "path", "body"),
        [
            ("put", "stock", {"available": -1, "reason": "盘点"}),
            ("put", "stock", {"available": 10**9, "reason": "盘点"}),
            ("put", "stock", {"available": "5", "reason": "盘点"}),
            ("put", "stock", {"available": 5}),
            ("put", "stock", {"available": 5, "reason": "长" * 101}),
            ("put", "stock", {"available": 5, "reason": "盘点", "held": 0}),
            ("post", "stock-adjustments", {"delta": 10**9, "reason": "盘点"}),
            ("post", "stock-adjustments", {"delta": 1.5, "reason": "盘点"}),
            ("post", "stock-adjustments", {"delta": 1, "reason": ""}),
            ("put", "price", {"price_fen": 0}),
            ("put", "price", {"price_fen": -5}),
            ("put", "price", {"price_fen": 10**9}),
            ("put", "price", {"price_fen": "5"}),
            ("put", "price", {"price_fen": 5, "market_price_fen": 0}),
            ("put", "price", {"price_fen": 5, "cost": 1}),
        ],
    )
    def test_wrong_fields_are_refused_and_change_nothing(self, staff, product, verb, path, body):
        sku = product["skus"][0]

        assert staff(verb, f"/skus/{sku['id']}/{path}", body).status_code == 422

        assert staff("get", f"/products/{product['id']}").json["skus"][0] == sku


class TestPrices:
    def test_a_change_is_written_once_and_moves_the_range(self, staff, session, product):
        sku = product["skus"][0]
        body = {"price_fen": 8900, "market_price_fen": 12900}

        for _ in range(2):
            assert staff("put", f"/skus/{sku['id']}/price", body).json["price_fen"] == 8900

        history = staff("get", f"/skus/{sku['id']}/prices").json
        assert [row["price_fen"] for row in history["items"]] == [8900, 5900]
        assert history["lowest_of_seven_days_fen"] == 5900
        assert staff("get", f"/products/{product['id']}").json["max_price_fen"] == 8900
        assert list(verify.verify(session)) == []

    def test_the_lowest_of_seven_days_counts_what_was_in_force_when_they_began(self, session, now):
        sku = make_sku(session, price_fen=5000, now=now - timedelta(days=30))
        for price_fen, days in ((4000, 20), (7000, 10), (9000, 3)):
            sku.price_fen = price_fen
            prices.record(session, [sku], staff_id=None, now=now - timedelta(days=days))

        assert prices.lowest_of_seven_days(session, sku_id=sku.id, now=now) == 7000
        long_ago = now - timedelta(days=60)
        assert prices.lowest_of_seven_days(session, sku_id=sku.id, now=long_ago) is None

    @pytest.mark.race
    def test_repricing_and_selling_at_once_keeps_range_sums_and_no_deadlock(
        self, app, session, now
    ):
        spus = [make_spu(session) for _ in range(2)]
        skus = [make_sku(session, spu=spu, available=500).id for spu in spus for _ in range(3)]
        session.commit()

        def move(number):
            chance = random.Random(number)
            with app.app_context():
                try:
                    with transaction() as own:
                        if number % 2:
                            service.change_price(
                                own,
                                sku_id=chance.choice(skus),
                                price_fen=chance.randint(1, 9),
                                market_price_fen=chance.randint(1, 9),
                                staff_id=None,
                                now=now,
                            )
                        else:
                            source, bought = f"order:{number}", dict.fromkeys(skus, 1)
                            stock.hold(own, source=source, quantities=bought, now=now)
                            stock.confirm(own, source=source, now=now)
                            service.add_sales(own, spu_quantities={spu.id: 3 for spu in spus})
                finally:
                    db.session.remove()

        with ThreadPoolExecutor(10) as pool:
            list(pool.map(move, range(200)))

        session.expire_all()
        assert list(verify.verify(session)) == []
        assert [session.get(Spu, spu.id).sales_count for spu in spus] == [300, 300]


class TestVerify:
    def test_names_every_promise_that_is_broken(self, session, now):
        sku, other = make_sku(session), make_sku(session)
        child = make_category(session, parent=make_category(session))
        sku.held, other.sold = 2, 1
        sku.price_fen = 1
        stock.hold(
            session, source="order:1", quantities={sku.id: 1}, drawn_from="promotion:1", now=now
        )
        session.add(StockCarve(source="promotion:1", sku_id=sku.id, quantity=0, carved_at=now))
        child.path = [child.path[0] + 10**6, child.parent_id, child.id]
        session.flush()

        rules = [breach.rule for breach in verify.verify(session)]

        assert rules == [
            "stock.held_is_sum_of_holds_and_carves",
            "stock.carve_covers_what_is_drawn_from_it",
            "stock.sold_is_sum_of_confirmed",
            "stock.total_is_sum_of_adjustments",
            "stock.total_is_sum_of_adjustments",
            "price.history_ends_with_the_price",
            "price.range_is_that_of_active_skus",
            "category.path_extends_the_parents",
        ]
