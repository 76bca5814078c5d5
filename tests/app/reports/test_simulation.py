"""A draft tried on real orders and on sample carts, over HTTP."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select, text, update

from app.core import clock
from app.orders.models import Order, OrderStatus
from app.reports import history, simulation
from promotions import campaigns
from promotions.models import PromotionReservation
from promotions.pricing import ENGINE_VERSION
from tests.builders.catalogue import make_sku
from tests.builders.members import make_member
from tests.builders.promotions import STAFF, make_campaign, make_published

MISSING = 999_999_999
DAY = timedelta(days=1)


@pytest.fixture
def draft(session, now):
    """满100减10, to start tomorrow; what it says may be changed."""

    def make(**changes):
        campaign = make_campaign(**{"starts_at": now + DAY, **changes})
        made = campaigns.create(session, campaign=campaign, staff_id=STAFF, now=now)
        session.commit()
        return made

    return make


@pytest.fixture
def running(session, now):
    """满100减10 as it runs since yesterday."""

    def make(**changes):
        made = make_published(session, now=now - DAY, starts_at=now - 2 * DAY, **changes)
        session.commit()
        return made

    return make


@pytest.fixture
def simulate(client, analyst):
    def post(promotion_id, headers=analyst, **body):
        path = f"/admin/v1/promotions/{promotion_id}/simulation"
        return client.post(path, json=body, headers=headers)

    return post


def forget_carts(session, *orders):
    """Make orders look as if they had been placed before carts were kept."""
    numbers = [order.order_no for order in orders]
    session.execute(update(Order).where(Order.order_no.in_(numbers)).values(quote_input=None))
    session.commit()


class TestOrders:
    def test_costs_what_the_orders_would_have_paid_less(self, simulate, draft, paid, now):
        paid(1), paid(3), paid(1, at=now - 2 * DAY)

        answer = simulate(draft().id, days=7)

        assert answer.status_code == 200
        found = answer.json
        assert (found["orders"], found["affected_orders"], found["cost_fen"]) == (3, 3, 3_000)
        assert found["before_fen"] - found["after_fen"] == 3_000
        assert (found["rebuilt_orders"], found["is_cut"]) == (0, False)
        first, second = found["days"]
        assert (first["orders"], first["cost_fen"], second["cost_fen"]) == (1, 1_000, 2_000)
        assert second["day"] == clock.china_day(now).isoformat()

    def test_looks_at_paid_orders_of_those_days_only(self, simulate, draft, paid, now):
        paid(status=OrderStatus.UNPAID), paid(status=OrderStatus.CLOSED)
        paid(status=OrderStatus.REFUNDED), paid(at=now - 3 * DAY)

        assert simulate(draft().id, days=2).json["orders"] == 1

    def test_what_was_saved_already_is_no_cost(self, simulate, draft, running, paid):
        running()
        order = paid(1)

        found = simulate(draft(steps=((10_000, 2_500),)).id, days=1).json

        assert found["before_fen"] == order.payable_fen
        assert (found["affected_orders"], found["cost_fen"]) == (1, 1_500)

    def test_the_campaigns_of_the_time_count_and_not_those_of_today(
        self, simulate, draft, running, paid, session, now
    ):
        old = running()
        order = paid(1)
        campaigns.end(session, promotion_id=old.id, staff_id=STAFF, now=now)
        running(steps=((100, 99),))

        found = simulate(draft(steps=((10_000, 2_500),)).id, days=1).json

        assert (found["before_fen"], found["cost_fen"]) == (order.payable_fen, 1_500)

    def test_a_campaign_that_ran_is_compared_with_itself_left_out(self, simulate, running, paid):
        promotion_id = running().id
        order = paid(1)

        found = simulate(promotion_id, days=1).json

        assert (found["after_fen"], found["cost_fen"]) == (order.payable_fen, 1_000)

    def test_a_draft_without_effect_costs_nothing(self, simulate, draft, paid):
        orders = [paid(1), paid(2)]

        found = simulate(draft(steps=((9_999_999, 1),)).id, days=1).json

        assert (found["affected_orders"], found["cost_fen"]) == (0, 0)
        assert found["before_fen"] == sum(order.payable_fen for order in orders)

    def test_goods_below_the_margin_floor_are_named(self, simulate, draft, paid, sku, session):
        unknown = make_sku(session, price_fen=10_000)
        paid(1), paid(1, sku=unknown)
        cheap, fair = draft(steps=((10_000, 1_600),)).id, draft().id

        found = simulate(cheap, days=1).json

        assert found["below_floor"] == [{"sku_id": sku.id, "lines": 1, "worst_loss_fen": 100}]
        assert (found["lines_below_floor"], found["lines_without_cost"]) == (1, 1)
        assert simulate(fair, days=1).json["lines_below_floor"] == 0
        assert simulate(fair, days=1, margin_floor_bp=600).json["lines_below_floor"] == 1

    def test_an_order_without_its_cart_is_rebuilt_from_its_lines(
        self, simulate, draft, running, paid, session
    ):
        running()
        tagged = make_sku(session, price_fen=10_000, tags=["新品"])
        orders = [paid(1), paid(1, sku=tagged), paid(1, sku=tagged)]
        forget_carts(session, *orders)
        promotion_id = draft(steps=((10_000, 2_500),), includes={"tags": ["新品"]}).id

        found = simulate(promotion_id, days=1).json

        assert (found["orders"], found["rebuilt_orders"]) == (3, 3)
        assert found["before_fen"] == sum(order.payable_fen for order in orders)
        assert (found["affected_orders"], found["cost_fen"]) == (2, 3_000)

    def test_an_order_older_than_the_log_is_priced_without_other_campaigns(
        self, simulate, draft, running, paid, session
    ):
        running()
        order = paid(1)
        forget_carts(session, order)
        session.execute(update(Order).where(Order.id == order.id).values(snapshot_version=MISSING))
        session.commit()

        assert simulate(draft().id, days=1).json["before_fen"] == order.payable_fen + 1_000

    def test_an_order_of_another_engine_is_priced_again(self, simulate, draft, paid, monkeypatch):
        order = paid(1)
        monkeypatch.setattr(history, "ENGINE_VERSION", ENGINE_VERSION + 1)

        assert simulate(draft().id, days=1).json["before_fen"] == order.payable_fen

    def test_more_orders_than_are_looked_at_are_cut_from_the_oldest(
        self, simulate, draft, paid, monkeypatch, now
    ):
        _, *latest = paid(2, at=now - 2 * DAY), paid(1, at=now - DAY), paid(1)
        promotion_id = draft().id
        monkeypatch.setattr(simulation, "ORDERS_MAX", 3)
        assert simulate(promotion_id, days=7).json["is_cut"] is False
        monkeypatch.setattr(simulation, "ORDERS_MAX", 2)

        found = simulate(promotion_id, days=7).json

        assert (found["orders"], found["is_cut"]) == (2, True)
        assert found["before_fen"] == sum(order.payable_fen for order in latest)

    def test_a_second_one_is_refused_while_one_runs(self, simulate, draft, paid):
        paid(1)
        promotion_id = draft().id

        with simulation.one_at_a_time():
            for body in ({"days": 1}, {"carts": [{"lines": [{"sku_id": 1, "quantity": 1}]}]}):
                refused = simulate(promotion_id, **body)
                assert (refused.status_code, refused.json["code"]) == (429, "simulation_busy")
                assert refused.headers["Retry-After"] == "5"

        assert simulate(MISSING, days=1).status_code == 404
        assert simulate(promotion_id, days=1).json["orders"] == 1

    def test_reads_batch_by_batch(self, simulate, draft, paid, monkeypatch):
        for quantity in (1, 2, 3, 1, 2):
            paid(quantity)
        monkeypatch.setattr(history, "BATCH", 2)

        assert simulate(draft().id, days=1).json["orders"] == 5

    def test_keeps_few_snapshots(self, simulate, draft, running, paid, monkeypatch):
        paid(1)
        running(includes={"sku_ids": [MISSING]})
        paid(1)
        monkeypatch.setattr(history, "SNAPSHOTS_MAX", 1)

        assert simulate(draft().id, days=1).json["cost_fen"] == 2_000

    def test_limits_are_used_up_as_time_went_by(self, simulate, draft, paid, session):
        buyer = make_member(session)
        paid(1, buyer=buyer), paid(1, buyer=buyer), paid(1)

        assert simulate(draft(member_max_uses=1).id, days=1).json["cost_fen"] == 2_000
        assert simulate(draft(budget_fen=1_500).id, days=1).json["cost_fen"] == 1_000

    def test_writes_nothing(self, simulate, draft, paid, session):
        paid(1)
        promotion_id = draft(max_uses=5).id
        versions = text("SELECT max(id), count(*) FROM promotion_version")
        before = session.execute(versions).one()

        simulate(promotion_id, days=1)

        session.rollback()
        assert session.execute(versions).one() == before
        assert session.scalar(select(func.count(PromotionReservation.id))) == 0


class TestCarts:
    def test_are_priced_now_beside_what_is_running(self, simulate, draft, running, sku):
        running()
        carts = [
            {"lines": [{"sku_id": sku.id, "quantity": 1}]},
            {"lines": [{"sku_id": sku.id, "quantity": 2}], "freight_fen": 800},
        ]

        found = simulate(draft(steps=((20_000, 3_000),)).id, carts=carts).json

        assert (found["orders"], found["affected_orders"]) == (2, 1)
        assert (found["before_fen"], found["cost_fen"]) == (9_000 + 19_800, 2_000)
        assert found["lines_below_floor"] == 0

    def test_of_unknown_goods_are_refused(self, simulate, draft, sku):
        carts = [{"lines": [{"sku_id": MISSING, "quantity": 1}]}]

        answer = simulate(draft().id, carts=carts)

        assert (answer.status_code, answer.json["code"]) == (404, "sku_not_found")
        assert answer.json["sku_id"] == MISSING


LINE = {"sku_id": 1, "quantity": 1}


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({}, "days"),
        ({"days": 1, "carts": [{"lines": [LINE]}]}, "days"),
        ({"days": 0}, "days"),
        ({"days": 91}, "days"),
        ({"days": "7"}, "days"),
        ({"days": 1.5}, "days"),
        ({"days": 1, "margin_floor_bp": 10_001}, "margin_floor_bp"),
        ({"days": 1, "margin_floor_bp": -1}, "margin_floor_bp"),
        ({"days": 1, "publish": True}, "publish"),
        ({"carts": []}, "carts"),
        ({"carts": [{"lines": [LINE]}] * 101}, "carts"),
        ({"carts": [{"lines": []}]}, "carts.0.lines"),
        ({"carts": [{"lines": [LINE] * 101}]}, "carts.0.lines"),
        ({"carts": [{"lines": [{**LINE, "quantity": 0}]}]}, "carts.0.lines.0.quantity"),
        ({"carts": [{"lines": [{**LINE, "quantity": 1_000}]}]}, "carts.0.lines.0.quantity"),
        ({"carts": [{"lines": [{**LINE, "price_fen": 1}]}]}, "carts.0.lines.0.price_fen"),
        ({"carts": [{"lines": [LINE], "freight_fen": -1}]}, "carts.0.freight_fen"),
    ],
)
def test_refuses_what_is_wrong(simulate, draft, body, path):
    answer = simulate(draft().id, **body)

    assert answer.status_code == 422
    assert path in answer.json["errors"]


def test_of_nothing_is_not_found(simulate):
    answer = simulate(MISSING, days=1)

    assert (answer.status_code, answer.json["code"]) == (404, "promotion_not_found")


def test_asks_for_staff(simulate, session, token_for):
    member = make_member(session)
    session.commit()

    for headers in ({}, token_for("shopper", member.id)):
        assert simulate(1, headers=headers, days=1).status_code == 401
