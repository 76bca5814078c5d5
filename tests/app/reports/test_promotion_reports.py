"""What campaigns brought, over HTTP."""

from datetime import timedelta

import pytest

from app.core import clock
from app.orders.models import OrderStatus
from app.reports import figures
from promotions import campaigns
from tests.builders.catalogue import make_sku
from tests.builders.members import make_member
from tests.builders.promotions import STAFF, make_campaign, make_published

MISSING = 999_999_999
DAY = timedelta(days=1)


@pytest.fixture
def running(session, now):
    def make(**changes):
        made = make_published(session, now=now - 9 * DAY, starts_at=now - 10 * DAY, **changes)
        session.commit()
        return made

    return make


@pytest.fixture
def report(client, analyst):
    def get(promotion_id, headers=analyst, **query):
        path = f"/admin/v1/reports/promotions/{promotion_id}"
        return client.get(path, query_string=query, headers=headers)

    return get


class TestOne:
    def test_counts_orders_discount_revenue_and_refunds(self, report, running, paid, now):
        promotion_id = running(max_uses=10, budget_fen=10_000).id
        first, second = paid(1), paid(2, at=now - 2 * DAY)
        refunded = paid(1, status=OrderStatus.REFUNDED)
        paid(1, status=OrderStatus.UNPAID), paid(1, status=OrderStatus.CLOSED)

        answer = report(promotion_id)

        assert answer.status_code == 200
        found = answer.json
        assert (found["placed_orders"], found["paid_orders"], found["uses"]) == (5, 3, 3)
        assert (found["discount_fen"], found["held_fen"]) == (3_000, 1_000)
        assert found["revenue_fen"] == sum(one.payable_fen for one in (first, second, refunded))
        assert found["refunded_fen"] == refunded.payable_fen
        assert (found["uses_left"], found["budget_left_fen"], found["units_left"]) == (
            6,
            6_000,
            None,
        )
        assert (found["phase"], found["gifts_left"]) == ("running", [])

    def test_is_told_by_the_day_the_orders_were_placed(self, report, running, paid, now):
        promotion_id = running().id
        early, late = paid(2, at=now - 2 * DAY), paid(1)
        paid(1, at=now - 5 * DAY)

        found = report(promotion_id, days=3).json

        assert found["placed_orders"] == 3
        assert [
            (one["day"], one["placed_orders"], one["revenue_fen"]) for one in found["days"]
        ] == [
            (clock.china_day(order.placed_at).isoformat(), 1, order.payable_fen)
            for order in (early, late)
        ]

    def test_counts_in_how_many_orders_it_was_in_the_running_and_why_it_did_not_apply(
        self, report, running, paid, session
    ):
        weak = running(group="g", steps=((10_000, 100),)).id
        running(group="g", steps=((20_000, 5_000),))
        other = make_sku(session, price_fen=100)
        paid(1), paid(1), paid(2), paid(1, sku=other)

        found = report(weak).json["exposure"]

        assert (found["scanned_orders"], found["orders"], found["is_cut"]) == (4, 4, False)
        assert {one["code"]: one["orders"] for one in found["verdicts"]} == {
            "applied": 2,
            "dominated": 1,
            "condition_failed": 1,
        }
        assert found["verdicts"][0]["code"] == "applied"

    def test_orders_it_could_not_concern_are_no_exposure(self, report, running, paid):
        promotion_id = running(includes={"sku_ids": [MISSING]}).id
        paid(1)

        found = report(promotion_id).json["exposure"]

        assert (found["scanned_orders"], found["orders"], found["verdicts"]) == (1, 0, [])

    def test_only_so_many_quotes_are_read(self, report, running, paid, monkeypatch):
        promotion_id = running().id
        paid(1), paid(1), paid(1)
        monkeypatch.setattr(figures, "QUOTES_MAX", 2)

        found = report(promotion_id).json["exposure"]

        assert (found["scanned_orders"], found["orders"], found["is_cut"]) == (2, 2, True)

    def test_a_draft_has_brought_nothing(self, report, session, now):
        gift = {"sku_id": 5, "quantity": 1, "value_fen": 900}
        tier = {"threshold": 10_000, "gifts": [gift]}
        campaign = make_campaign(
            kind="spend_and_gift",
            terms={"measure": "amount_fen", "tiers": [tier]},
            gift_stock=[{"sku_id": 5, "total": 3}],
        )
        draft = campaigns.create(session, campaign=campaign, staff_id=STAFF, now=now)
        session.commit()

        found = report(draft.id).json

        assert (found["placed_orders"], found["revenue_fen"], found["days"]) == (0, 0, [])
        assert (found["phase"], found["uses_left"]) == ("draft", None)
        assert found["gifts_left"] == [{"sku_id": 5, "left": 3}]

    def test_of_nothing_is_not_found(self, report):
        answer = report(MISSING)

        assert (answer.status_code, answer.json["code"]) == (404, "promotion_not_found")

    @pytest.mark.parametrize("query", [{"days": 0}, {"days": 367}, {"days": "x"}, {"from": 1}])
    def test_refuses_a_bad_query(self, report, running, query):
        assert report(running().id, **query).status_code == 422


class TestList:
    def test_names_campaigns_and_what_each_brought(self, client, analyst, running, paid):
        old = running(includes={"sku_ids": [MISSING]}).id
        new = running(budget_fen=5_000).id
        paid(1), paid(2)

        first = client.get("/admin/v1/reports/promotions?limit=1", headers=analyst).json
        query = f"limit=1&cursor={first['next_cursor']}"
        second = client.get(f"/admin/v1/reports/promotions?{query}", headers=analyst).json

        (one,), (other,) = first["items"], second["items"]
        assert (one["promotion_id"], one["discount_fen"], one["budget_left_fen"]) == (
            new,
            2_000,
            3_000,
        )
        assert (other["promotion_id"], other["placed_orders"]) == (old, 0)
        assert second["next_cursor"] is None

    def test_may_be_of_one_status(self, client, analyst, running):
        running()

        drafts = client.get("/admin/v1/reports/promotions?status=draft", headers=analyst).json

        assert drafts["items"] == []

    @pytest.mark.parametrize("query", ["limit=0", "limit=101", "status=gone", "cursor=!", "page=2"])
    def test_refuses_a_bad_query(self, client, analyst, query):
        answer = client.get(f"/admin/v1/reports/promotions?{query}", headers=analyst)

        assert answer.status_code == 422


def test_asks_for_staff(client, session, token_for):
    member = make_member(session)
    session.commit()

    for headers in ({}, token_for("shopper", member.id)):
        for path in ("/admin/v1/reports/promotions", "/admin/v1/reports/promotions/1"):
            assert client.get(path, headers=headers).status_code == 401
