"""S1 to S10: any history of a sale, with a Redis that forgets what it did last, or everything."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    rule,
    run_state_machine_as_test,
)
from sqlalchemy import text

from app.core import clock, remembered
from app.core import redis as core_redis
from app.flash_sales import extension, jobs, sweeping
from app.flash_sales.extension import entrance
from app.flash_sales.gate import Attempt, Gate
from app.marketing import verify
from app.orders import service as placing
from app.orders.models import Order
from tests.app.flash_sales.shop import FLASH_FEN, Shopping, make_buyer, make_sale
from tests.builders.orders import pay

TOTAL, LIMIT, PEOPLE = 4, 2, 4
KEYS = 3
LATER = timedelta(seconds=20)
REFUSALS = {"sold_out", "sale_limit_reached", "sale_busy", "price_changed"}
WHO, KEY = st.integers(0, PEOPLE - 1), st.integers(0, KEYS - 1)


class Sale(RuleBasedStateMachine):
    """One sale over HTTP, on real PostgreSQL and Redis, beside what a plain model expects."""

    def __init__(self, shop, begin_anew, now):
        super().__init__()
        self.shop, self.begin_anew, self.now = shop, begin_anew, now
        self.answers, self.states = {}, []

    @initialize()
    def open(self):
        self.begin_anew()
        session = self.shop.session
        self.people = [make_buyer(session) for _ in range(PEOPLE)]
        self.sale = make_sale(session, now=self.now, total=TOTAL, member_max_units=LIMIT)
        self.sale_id, self.sku_id = self.sale[0].id, self.sale[1].id

    def buy(self, who, key, **body):
        self.states.append(self.shop.saved(self.sale))
        entrance().memory.forget()
        return self.shop.buy(self.sale, who=self.people[who], key=f"key-{who}-{key:04d}", **body)

    @rule(who=WHO, key=KEY)
    def somebody_buys(self, who, key):
        answer = self.buy(who, key)
        kept = self.answers.get((who, key))
        if answer.status_code == 201:
            assert kept in (None, answer.json["order_no"]), "S4: one key, one order"
            self.answers[who, key] = answer.json["order_no"]
        else:
            assert answer.json["code"] in REFUSALS, answer.json
            assert answer.status_code < 500

    @rule(who=WHO, key=KEY)
    def somebody_is_refused_by_the_database(self, who, key):
        if (who, key) not in self.answers:
            assert self.buy(who, key, expected_payable_fen=FLASH_FEN + 1).status_code == 409

    @rule(who=WHO, key=KEY)
    def somebody_dies_behind_the_gate(self, who, key):
        member, key_text = self.people[who][0], f"key-{who}-{key:04d}"
        attempt = Attempt(self.sale_id, self.sku_id, 1, member.id, key_text)
        entrance().gate.ask(attempt, now=clock.now())

    @rule(who=WHO, key=KEY)
    def somebody_dies_after_the_commit(self, who, key):
        clear, Gate.clear = Gate.clear, lambda *_: None
        try:
            self.somebody_buys(who, key)
        finally:
            Gate.clear = clear

    @rule()
    def redis_is_flushed(self):
        core_redis.client().flushdb()

    @rule(back=st.integers(1, 4))
    def redis_loses_what_it_did_last(self, back):
        if len(self.states) >= back:
            self.shop.restore(self.states[-back])

    @rule()
    def redis_goes_away_and_comes_back(self):
        entrance().gate.breaker.failed(core_redis.redis.ConnectionError("gone"))

    @rule(pick=st.integers(0, 20), is_paid=st.booleans())
    def an_order_ends(self, pick, is_paid):
        session = self.shop.session
        session.rollback()
        open_ = [each for each in _orders(session) if each.status == "unpaid"]
        if not open_:
            return
        order = open_[pick % len(open_)]
        if is_paid:
            pay(session, order, now=self.now)
        else:
            placing.cancel(session, order_no=order.order_no, buyer_id=order.buyer_id, now=self.now)
            placing.close(session, order_id=order.id, reason="buyer", now=self.now)
        session.commit()
        if not is_paid:
            jobs.returned(promotion_id=self.sale_id, member_id=order.buyer_id)

    @rule()
    def sweep(self):
        """S5, S7: nobody is at it any more, so the gate says exactly what the database does."""
        self.shop.session.rollback()
        gate = entrance().gate
        assert sweeping.refresh(gate, self.sale_id, now=clock.now() + LATER)
        state = gate.state(self.sale_id)
        reserved, used = self.row()
        assert state.pending == []
        assert state.left == {self.sku_id: TOTAL - reserved - used}

    @invariant()
    def the_database_keeps_its_promises(self):
        if not hasattr(self, "sale"):
            return
        session = self.shop.session
        session.rollback()
        reserved, used = self.row()
        by_status = dict(
            session.execute(
                text("SELECT status, sum(units) FROM promotion_reservation GROUP BY status")
            ).all()
        )
        assert reserved + used <= TOTAL, "S1"
        assert (reserved, used) == (by_status.get("reserved", 0), by_status.get("confirmed", 0)), (
            "S2"
        )
        counts = session.execute(
            text(
                "SELECT member_id, sum(units) FROM promotion_reservation"
                " WHERE status <> 'released' GROUP BY member_id"
            )
        )
        assert all(units <= LIMIT for _, units in counts), "S3"
        assert len(_orders(session)) == len(self.answers), "S4"

    def row(self):
        row = self.shop.session.execute(
            text("SELECT units_reserved, units_used FROM promotion_stock")
        ).one()
        return tuple(row)

    def teardown(self):
        if hasattr(self, "sale"):
            self.sweep()
            assert list(verify.verify(self.shop.session)) == []


def _orders(session):
    return session.query(Order).populate_existing().all()


@pytest.fixture
def live(app, session, client, token_for, empty_tables, now):
    """Run so many histories of so many steps."""

    def begin_anew():
        session.rollback()
        session.expunge_all()
        empty_tables()
        core_redis.client().flushdb()
        remembered.forget_all()
        extension.init_app(app)
        shop.forget_tokens()

    shop = Shopping(session, client, token_for)

    def run(*, lives, steps):
        run_state_machine_as_test(
            lambda: Sale(shop, begin_anew, now),
            settings=settings(
                max_examples=lives,
                stateful_step_count=steps,
                deadline=None,
                suppress_health_check=list(HealthCheck),
            ),
        )

    return run


def test_any_history_of_a_sale_keeps_its_promises(live):
    live(lives=12, steps=15)


@pytest.mark.soak
def test_any_history_of_a_sale_keeps_its_promises_in_full_size(live):
    live(lives=400, steps=50)
