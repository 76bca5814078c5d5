"""Stock is set aside, sold and given back; never below zero, and never lost."""

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import text
from sqlalchemy.exc import DBAPIError

from app.catalogue import queries, stock, verify
from app.catalogue.models import Sku
from app.core.db import db, transaction
from app.core.metrics import stock_refusals
from tests.builders.catalogue import make_sku, make_spu


def figures(session, sku):
    session.expire_all()
    row = session.get(Sku, sku.id)
    return row.available, row.held, row.sold


def refused():
    return stock_refusals._value.get()


class TestHold:
    def test_moves_units_from_available_to_held(self, session, now):
        sku = make_sku(session, available=10)

        stock.hold(session, source="order:1", quantities={sku.id: 3}, now=now)

        assert figures(session, sku) == (7, 3, 0)
        assert list(verify.verify(session)) == []

    def test_refuses_everything_when_one_sku_is_short_and_counts_it(self, session, now):
        plenty, short = make_sku(session, available=10), make_sku(session, available=2)
        before = refused()

        with pytest.raises(stock.OutOfStock) as caught:
            stock.hold(session, source="order:1", quantities={plenty.id: 1, short.id: 3}, now=now)

        assert caught.value.members == {"sku_id": short.id, "available": 2}
        assert refused() == before + 1
        assert figures(session, plenty) == (10, 0, 0)
        assert figures(session, short) == (2, 0, 0)

    def test_twice_for_one_source_holds_once_even_when_nothing_is_left(self, session, now):
        sku = make_sku(session, available=3)

        for _ in range(2):
            stock.hold(session, source="order:1", quantities={sku.id: 3}, now=now)

        assert figures(session, sku) == (0, 3, 0)

    def test_refuses_a_sku_that_is_unknown_or_no_longer_offered(self, session, now):
        gone = make_sku(session, available=5, is_active=False)

        for sku_id in (gone.id, gone.id + 1_000_000):
            with pytest.raises(stock.OutOfStock):
                stock.hold(session, source="order:1", quantities={sku_id: 1}, now=now)

    def test_holds_anew_what_was_released(self, session, now):
        sku = make_sku(session, available=5)
        stock.hold(session, source="order:1", quantities={sku.id: 2}, now=now)
        stock.release(session, source="order:1", now=now)

        stock.hold(session, source="order:1", quantities={sku.id: 4}, now=now)

        assert figures(session, sku) == (1, 4, 0)
        assert list(verify.verify(session)) == []


class TestConfirmAndRelease:
    def test_confirming_twice_sells_once(self, session, now):
        sku = make_sku(session, available=5)
        stock.hold(session, source="order:1", quantities={sku.id: 2}, now=now)

        for _ in range(2):
            stock.confirm(session, source="order:1", now=now)

        assert figures(session, sku) == (3, 0, 2)

    def test_releasing_twice_gives_back_once(self, session, now):
        sku = make_sku(session, available=5)
        stock.hold(session, source="order:1", quantities={sku.id: 2}, now=now)

        for _ in range(2):
            stock.release(session, source="order:1", now=now)

        assert figures(session, sku) == (5, 0, 0)

    def test_what_is_sold_cannot_be_released_nor_the_released_be_sold(self, session, now):
        sold, freed = make_sku(session, available=5), make_sku(session, available=5)
        stock.hold(session, source="order:1", quantities={sold.id: 2}, now=now)
        stock.hold(session, source="order:2", quantities={freed.id: 2}, now=now)
        stock.confirm(session, source="order:1", now=now)
        stock.release(session, source="order:2", now=now)

        stock.release(session, source="order:1", now=now)
        stock.confirm(session, source="order:2", now=now)

        assert figures(session, sold) == (3, 0, 2)
        assert figures(session, freed) == (5, 0, 0)

    def test_only_the_source_named_is_touched(self, session, now):
        sku = make_sku(session, available=5)
        stock.hold(session, source="order:1", quantities={sku.id: 1}, now=now)
        stock.hold(session, source="order:2", quantities={sku.id: 2}, now=now)

        stock.confirm(session, source="order:1", now=now)

        assert figures(session, sku) == (2, 2, 1)


class TestRestock:
    def test_in_parts_until_all_is_back(self, session, now):
        sku = make_sku(session, available=5)
        stock.hold(session, source="order:1", quantities={sku.id: 3}, now=now)
        stock.confirm(session, source="order:1", now=now)

        stock.restock(session, source="order:1", quantities={sku.id: 1}, now=now)
        assert figures(session, sku) == (3, 0, 2)
        assert list(verify.verify(session)) == []

        stock.restock(session, source="order:1", quantities={sku.id: 2}, now=now)
        assert figures(session, sku) == (5, 0, 0)
        assert list(verify.verify(session)) == []

    @pytest.mark.parametrize("sources", [("order:1", 4), ("order:2", 1)])
    def test_refuses_more_than_the_source_bought(self, session, now, sources):
        source, quantity = sources
        sku = make_sku(session, available=9)
        stock.hold(session, source="order:1", quantities={sku.id: 3}, now=now)
        stock.confirm(session, source="order:1", now=now)

        with pytest.raises(stock.RestockRefused):
            stock.restock(session, source=source, quantities={sku.id: quantity}, now=now)


class TestAdjust:
    def test_adds_and_takes_but_never_below_zero(self, session, now):
        sku = make_sku(session, available=5)

        given = {"sku_id": sku.id, "reason": "盘点", "staff_id": None, "now": now}
        assert stock.adjust(session, delta=3, **given) == 8
        assert stock.adjust(session, delta=-8, **given) == 0
        with pytest.raises(stock.OutOfStock):
            stock.adjust(session, delta=-1, **given)

        assert figures(session, sku) == (0, 0, 0)
        assert list(verify.verify(session)) == []

    def test_setting_leaves_held_units_alone(self, session, now):
        sku = make_sku(session, available=5)
        stock.hold(session, source="order:1", quantities={sku.id: 2}, now=now)

        for _ in range(2):
            stock.set_available(
                session, sku_id=sku.id, available=100, reason="到货", staff_id=7, now=now
            )

        assert figures(session, sku) == (100, 2, 0)
        assert list(verify.verify(session)) == []

    def test_an_unknown_sku_is_not_found(self, session, now):
        with pytest.raises(queries.SkuNotFound):
            stock.adjust(session, sku_id=1, delta=1, reason="盘点", staff_id=None, now=now)

    @pytest.mark.parametrize("table", ["stock_adjustment", "price_history"])
    @pytest.mark.parametrize("verb", ["UPDATE {} SET staff_id = 1", "DELETE FROM {}"])
    def test_history_cannot_be_rewritten(self, session, table, verb):
        make_sku(session)
        session.commit()

        with pytest.raises(DBAPIError, match="append-only"):
            session.execute(text(verb.format(table)))
        session.rollback()


def in_threads(app: Flask, work: Callable[[int], Any], times: int, threads: int) -> list[Any]:
    """Run `work(number)` in its own context and transaction, many at once."""

    def one(number: int) -> Any:
        with app.app_context():
            try:
                return work(number)
            finally:
                db.session.remove()

    with ThreadPoolExecutor(threads) as pool:
        return list(pool.map(one, range(times)))


@pytest.mark.race
class TestRaces:
    def test_fifty_buyers_of_ten_units_make_exactly_ten_sales(self, app, session, now):
        sku = make_sku(session, available=10)
        session.commit()

        def buy(number):
            try:
                with transaction() as own:
                    stock.hold(own, source=f"order:{number}", quantities={sku.id: 1}, now=now)
                return True
            except stock.OutOfStock:
                return False

        assert sum(in_threads(app, buy, times=50, threads=50)) == 10
        assert figures(session, sku) == (0, 10, 0)
        assert list(verify.verify(session)) == []

    def test_one_source_held_by_many_threads_at_once_is_held_once(self, app, session, now):
        sku = make_sku(session, available=2)
        session.commit()

        def buy(_):
            with transaction() as own:
                stock.hold(own, source="order:same", quantities={sku.id: 2}, now=now)

        in_threads(app, buy, times=20, threads=20)

        assert figures(session, sku) == (0, 2, 0)
        assert list(verify.verify(session)) == []

    def test_a_storm_of_every_move_neither_deadlocks_nor_loses_a_unit(self, app, session, now):
        spu = make_spu(session)
        skus = [make_sku(session, spu=spu, available=20).id for _ in range(6)]
        session.commit()

        def move(number):
            chance = random.Random(number)
            source = f"order:{chance.randrange(25)}"
            bought = dict.fromkeys(chance.sample(skus, 4), chance.randint(1, 4))
            moves = [
                lambda own: stock.hold(own, source=source, quantities=bought, now=now),
                lambda own: stock.confirm(own, source=source, now=now),
                lambda own: stock.release(own, source=source, now=now),
                lambda own: stock.restock(own, source=source, quantities=bought, now=now),
                lambda own: stock.adjust(
                    own, sku_id=skus[0], delta=-1, reason="盘亏", staff_id=None, now=now
                ),
            ]
            try:
                with transaction() as own:
                    chance.choice(moves)(own)
            except (stock.OutOfStock, stock.RestockRefused):
                pass

        in_threads(app, move, times=600, threads=12)

        assert list(verify.verify(session)) == []

    def test_confirm_and_release_of_one_source_have_one_winner(self, app, session, now):
        sku = make_sku(session, available=40)
        for number in range(20):
            stock.hold(session, source=f"order:{number}", quantities={sku.id: 2}, now=now)
        session.commit()

        def end(number):
            verb = stock.confirm if number % 2 else stock.release
            with transaction() as own:
                verb(own, source=f"order:{number // 2 % 20}", now=now)

        in_threads(app, end, times=80, threads=16)

        available, held, sold = figures(session, sku)
        assert held == 0
        assert available + sold == 40
        assert list(verify.verify(session)) == []
