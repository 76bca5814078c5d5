"""Why an order cost what it did, and that the same comes out again."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from app.orders.models import Order
from app.reports import explanation, verify
from promotions import campaigns
from promotions.pricing import ENGINE_VERSION
from tests.builders.members import make_member
from tests.builders.promotions import STAFF, make_published

DAY = timedelta(days=1)


@pytest.fixture
def running(session, now):
    def make(**changes):
        made = make_published(session, now=now - DAY, starts_at=now - DAY, **changes)
        session.commit()
        return made

    return make


@pytest.fixture
def explain(client, analyst):
    def get(order_no, headers=analyst):
        return client.get(f"/admin/v1/orders/{order_no}/explanation", headers=headers)

    return get


def change(session, order, **values):
    session.execute(update(Order).where(Order.id == order.id).values(**values))
    session.commit()


class TestOrder:
    def test_is_explained_in_words(self, explain, running, paid):
        running(title="满减")
        order = paid(1)

        answer = explain(order.order_no)

        assert answer.status_code == 200
        found = answer.json
        (verdict,) = found["quote"]["trace"]
        assert (verdict["title"], verdict["message"]) == ("满减", "已省 10 元")
        assert (found["order_no"], found["quote"]["payable_fen"]) == (
            order.order_no,
            order.payable_fen,
        )
        assert (found["replay"], found["replayed"]) == ("identical", None)

    def test_comes_out_again_whatever_became_of_the_campaign(
        self, explain, running, paid, session, now
    ):
        one = running(max_uses=5, member_max_uses=1)
        order = paid(1)
        for move in (campaigns.pause, campaigns.resume, campaigns.end):
            move(session, promotion_id=one.id, staff_id=STAFF, now=now)
        running(steps=((100, 99),))

        assert explain(order.order_no).json["replay"] == "identical"
        assert list(verify.verify(session)) == []

    def test_without_its_cart_cannot_be_made_again(self, explain, paid, session):
        order = paid(1)
        change(session, order, quote_input=None)

        assert explain(order.order_no).json["replay"] == "not_stored"
        assert list(verify.verify(session)) == []

    def test_of_an_unknown_snapshot_cannot_be_made_again(self, explain, paid, session):
        order = paid(1)
        change(session, order, snapshot_version=999_999)

        assert explain(order.order_no).json["replay"] == "not_stored"
        (breach,) = verify.verify(session)
        assert breach.subject == f"order {order.order_no}"
        assert "gives nothing" in breach.detail

    def test_that_differs_says_so_and_shows_what_comes_out(self, explain, running, paid, session):
        order = paid(1)
        running()
        later = paid(2)
        change(session, order, snapshot_version=later.snapshot_version)

        found = explain(order.order_no).json

        assert (found["replay"], found["replayed"]["discount_fen"]) == ("different", 1_000)
        (breach,) = verify.verify(session)
        assert breach.rule == "reports.quotes_come_out_again"

    def test_of_another_engine_may_differ(self, explain, running, paid, session, monkeypatch):
        order = paid(1)
        running()
        change(session, order, snapshot_version=paid(2).snapshot_version)
        for module in (explanation, verify):
            monkeypatch.setattr(module, "ENGINE_VERSION", ENGINE_VERSION + 1)

        assert explain(order.order_no).json["replay"] == "other_engine"
        assert list(verify.verify(session)) == []

    def test_unknown_is_not_found(self, explain):
        answer = explain("O" + "0" * 26)

        assert (answer.status_code, answer.json["code"]) == (404, "order_not_found")

    def test_is_for_staff(self, explain, paid, session, token_for):
        order, member = paid(1), make_member(session)
        session.commit()

        for headers in ({}, token_for("shopper", member.id)):
            assert explain(order.order_no, headers=headers).status_code == 401
