"""What may go wrong between gate and database, F1 to F12, and that it heals without a unit lost."""

from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
import redis
from sqlalchemy.exc import OperationalError

from app.core import auth, clock
from app.core import redis as core_redis
from app.flash_sales import buying_routes, extension, gate, jobs, sweeping
from app.flash_sales.extension import Entrance, entrance
from app.flash_sales.gate import Attempt, Gate, Word, keys_of
from app.flash_sales.sold_out import Memory
from app.marketing import campaigns as staffing
from app.orders import service as placing
from app.orders.service import OrderClosed
from tests.app.flash_sales.shop import (
    Shopping,
    figures,
    make_buyer,
    make_sale,
    orders,
    refusal,
)
from tests.builders.orders import pay
from tests.builders.promotions import STAFF

LATER = timedelta(seconds=20)


@pytest.fixture
def sale(session, now):
    return make_sale(session, now=now, total=3, member_max_units=1)


@pytest.fixture
def shop(app, session, client, token_for):
    return Shopping(session, client, token_for)


@pytest.fixture
def at_gate(session):
    """The gate as it stands."""
    return entrance().gate


@pytest.fixture
def sweep(session, at_gate, now):
    """Sweep a sale as the job does, `later`."""

    def run(sale, later=LATER):
        session.rollback()
        assert sweeping.refresh(at_gate, sale[0].id, now=clock.now() + later)

    return run


def left(at_gate, sale):
    return at_gate.state(sale[0].id).left[sale[1].id]


def test_f1_who_dies_behind_the_gate_leaves_a_ticket_that_comes_back(
    sale, shop, sweep, at_gate, now
):
    sweep(sale)
    dead, _ = make_buyer(shop.session)
    attempt = Attempt(sale[0].id, sale[1].id, 1, dead.id, "key-of-the-dead")
    assert at_gate.ask(attempt, now=clock.now()).word is Word.MAYBE

    sweep(sale, timedelta())
    assert left(at_gate, sale) == 2, "they may still be at it"
    sweep(sale)
    assert left(at_gate, sale) == 3
    assert at_gate.ask(attempt, now=clock.now()).word is Word.MAYBE, "the key is free again"


def test_f2_who_dies_after_the_commit_has_the_order_and_the_key_its_answer(
    sale, shop, sweep, at_gate, monkeypatch
):
    with monkeypatch.context() as dying:
        dying.setattr(Gate, "clear", lambda *_: None)
        first = shop.buy(sale, key="key-of-the-dead")
    (note,) = at_gate.state(sale[0].id).pending
    assert note.key == "key-of-the-dead"

    sweep(sale)
    assert at_gate.state(sale[0].id).pending == []
    assert left(at_gate, sale) == 2
    assert shop.buy(sale, key="key-of-the-dead").json == first.json
    assert len(orders(shop.session)) == 1


def test_f2_a_database_that_goes_away_is_busy_and_its_token_is_left_to_the_sweep(
    sale, shop, sweep, at_gate, monkeypatch
):
    sweep(sale)
    with monkeypatch.context() as away:
        away.setattr(buying_routes.service, "buy", _raises(OperationalError("", {}, Exception())))
        answer = shop.buy(sale)
    assert refusal(answer) == (429, "sale_busy")
    assert answer.headers["Retry-After"] == "1"
    assert len(at_gate.state(sale[0].id).pending) == 1
    sweep(sale)
    assert left(at_gate, sale) == 3


def test_f2_a_database_that_is_away_before_anybody_is_known_is_busy_too(sale, shop, monkeypatch):
    shop.headers(shop.me)
    monkeypatch.setattr(auth, "_asked", _raises(OperationalError("", {}, Exception())))
    assert refusal(shop.buy(sale)) == (429, "sale_busy")


def test_f3_what_the_database_refuses_comes_back_once(sale, shop, sweep, at_gate):
    sweep(sale)
    for _ in range(2):
        assert shop.buy(sale, key="the-same-key", expected_payable_fen=1).status_code == 409
    assert left(at_gate, sale) == 3


def test_f4_tickets_that_reappear_sell_nothing_twice(session, now, shop, sweep, at_gate):
    sale = make_sale(session, now=now, total=1)
    sweep(sale)
    before = shop.saved(sale)
    assert shop.buy(sale).status_code == 201
    shop.restore(before)
    assert left(at_gate, sale) == 1

    assert refusal(shop.buy(sale, who=make_buyer(session))) == (409, "sold_out")
    assert left(at_gate, sale) == 0, "the contradiction mended the gate"
    assert figures(session, sale[0].id) == (1, 0)


def test_f4_a_limit_that_redis_forgot_holds(session, now, sale, shop, sweep):
    sweep(sale)
    before = shop.saved(sale)
    assert shop.buy(sale).status_code == 201
    shop.restore(before)
    answer = shop.buy(sale)
    assert refusal(answer) == (409, "sale_limit_reached")
    assert answer.json["limit"] == 1


def test_f5_an_empty_redis_is_filled_by_whoever_comes_first(session, now, sale, shop, at_gate):
    first = shop.buy(sale, key="the-first-key")
    core_redis.client().flushdb()
    other = make_buyer(session)

    assert shop.buy(sale, who=other).status_code == 201
    assert left(at_gate, sale) == 1
    assert refusal(shop.buy(sale)) == (409, "sale_limit_reached")
    assert shop.buy(sale, key="the-first-key").json == first.json


def test_f5_while_somebody_fills_it_the_others_go_to_the_database(sale, shop, monkeypatch):
    monkeypatch.setattr(sweeping, "_is_ours", lambda *_: False)
    assert shop.buy(sale).status_code == 201
    assert figures(shop.session, sale[0].id) == (1, 0)


@pytest.fixture
def no_redis(app, tmp_path):
    client = redis.Redis.from_url(f"unix://{tmp_path}/nobody.sock")
    app.extensions["flash_sales"] = Entrance(Gate(client), Memory())
    yield
    extension.init_app(app)


@pytest.mark.usefixtures("no_redis")
class TestF6WithoutRedis:
    def test_the_same_call_works_and_is_equally_exact(self, session, now, shop):
        sale = make_sale(session, now=now, total=2, member_max_units=1)
        assert shop.buy(sale, key="the-first-key").status_code == 201
        assert refusal(shop.buy(sale)) == (409, "sale_limit_reached")
        assert shop.buy(sale, key="the-first-key").status_code == 201
        others = [shop.buy(sale, who=make_buyer(session)) for _ in range(3)]
        assert [each.status_code for each in others] == [201, 409, 409]
        assert refusal(others[2]) == (409, "sold_out")
        assert figures(session, sale[0].id) == (2, 0)

    def test_only_a_few_at_a_time_and_the_others_are_told_to_come_back(
        self, sale, shop, monkeypatch
    ):
        monkeypatch.setattr(gate, "WAIT_SECONDS", 0.01)
        at = entrance().gate
        with at.place(), at.place(), at.place(), at.place():
            assert refusal(shop.buy(sale)) == (429, "sale_busy")

    def test_the_sweep_waits_for_better_days(self, sale, session):
        session.rollback()
        jobs.sweep()
        assert not sweeping.refresh(entrance().gate, sale[0].id, now=clock.now())

    def test_so_does_what_was_returned(self, sale, session, monkeypatch):
        monkeypatch.setattr(jobs, "TRIES", 2)
        session.rollback()
        jobs.returned(promotion_id=sale[0].id, member_id=1)


def test_f6_in_doubt_a_refusal_asks_the_database_about_the_key(sale, shop, at_gate, sweep):
    sweep(sale)
    before = shop.saved(sale)
    first = shop.buy(sale, key="the-first-key")
    shop.restore(before)
    sweep(sale)  # It knows of the piece, and after this not of the key.
    core_redis.client().delete(keys_of(sale[0].id)[3])
    assert refusal(shop.buy(sale, key="the-first-key")) == (409, "sale_limit_reached")

    at_gate.breaker.failed(redis.ConnectionError("a moment ago"))
    at_gate.breaker.succeeded()
    assert shop.buy(sale, key="the-first-key").json == first.json
    assert refusal(shop.buy(sale, key="another-key")) == (409, "sale_limit_reached")


def test_f7_a_gate_that_says_too_little_learns_better(sale, shop, at_gate, sweep):
    sweep(sale)
    gate_key = keys_of(sale[0].id)[0]
    core_redis.client().hset(gate_key, f"left:{sale[1].id}", 0)
    assert refusal(shop.buy(sale)) == (409, "sold_out")
    sweep(sale)
    entrance().memory.forget()
    assert shop.buy(sale).status_code == 201


def test_f7_the_job_sweeps_only_what_is_due(sale, shop, at_gate, session, set_clock):
    session.rollback()
    jobs.sweep()
    built = at_gate.state(sale[0].id).epoch
    jobs.sweep()
    assert at_gate.state(sale[0].id).epoch == built
    set_clock(clock.now() + sweeping.EVERY)
    jobs.sweep()
    assert at_gate.state(sale[0].id).epoch != built


def test_f9_money_for_a_piece_that_went_back_pays_nothing(session, now, sale, shop):
    shop.buy(sale)
    (order,) = orders(session)
    placing.cancel(session, order_no=order.order_no, buyer_id=order.buyer_id, now=now)
    placing.close(session, order_id=order.id, reason="buyer", now=now)
    session.commit()
    with pytest.raises(OrderClosed):
        pay(session, order, now=now)
    assert figures(session, sale[0].id) == (0, 0)


def test_f10_more_pieces_in_the_middle_of_a_sale(session, now, shop, sweep):
    sale = make_sale(session, now=now, total=1)
    shop.buy(sale)
    other = make_buyer(session)
    assert refusal(shop.buy(sale, who=other)) == (409, "sold_out")
    limits = {"stock": [{"sku_id": sale[1].id, "total": 2}]}
    staffing.change_limits(session, promotion_id=sale[0].id, limits=limits, staff_id=STAFF, now=now)
    session.commit()
    sweep(sale)
    entrance().memory.forget()
    assert shop.buy(sale, who=other).status_code == 201


def test_f11_one_key_many_times_at_once_is_one_order(sale, shop):
    shop.headers(shop.me)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda _: shop.buy(sale, key="the-same-key"), range(8)))
    assert {each.status_code for each in answers} <= {201, 409}
    placed = {each.json["order_no"] for each in answers if each.status_code == 201}
    refused = {each.json["code"] for each in answers if each.status_code == 409}
    assert len(placed) == len(orders(shop.session)) == 1
    assert refused <= {"request_in_progress"}


def test_f12_a_day_that_ends_begins_new_counts(session, now, shop, at_gate, set_clock):
    sale = make_sale(
        session, now=now, member_max_units=1, member_period="day", ends_at=now + timedelta(days=3)
    )
    assert shop.buy(sale).status_code == 201
    assert refusal(shop.buy(sale)) == (409, "sale_limit_reached")
    set_clock(now + timedelta(days=1))
    shop.forget_tokens()
    assert shop.buy(sale).status_code == 201


def test_a_stampede_sells_every_piece_once(session, now, app, shop):
    sale = make_sale(session, now=now, total=5, member_max_units=1)
    people = [make_buyer(session) for _ in range(15)]
    for each in people:
        shop.headers(each)
    with ThreadPoolExecutor(8) as pool:
        answers = list(pool.map(lambda who: shop.buy(sale, who=who), people * 2))
    codes = [each.json.get("code", "placed") for each in answers]
    assert codes.count("placed") == 5
    assert set(codes) <= {"placed", "sold_out", "sale_limit_reached", "sale_busy"}
    assert figures(session, sale[0].id) == (5, 0)
    assert len({order.buyer_id for order in orders(session)}) == 5


def _raises(error):
    def fail(*_, **__):
        raise error

    return fail
