"""Bulk buys over HTTP: what shoppers see and order, and what is refused and changes nothing."""

import secrets
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.core.auth import Audience
from app.orders.models import Order
from promotions import campaigns
from tests.builders.bulk_buys import bulk_terms, end
from tests.builders.catalogue import make_sku
from tests.builders.members import make_address, make_member
from tests.builders.promotions import STAFF, make_campaign


@pytest.fixture
def address_id(session, buyer):
    address = make_address(session, member_id=buyer.id)
    session.commit()
    return address.id


@pytest.fixture
def place(client, deal, address_id, as_buyer):
    """Order of the bulk buy over HTTP."""

    def post(*, headers=as_buyer, key=None, promotion_id=deal.promotion.id, drop=(), **changes):
        body = {
            "address_id": address_id,
            "lines": [{"sku_id": deal.skus[0], "quantity": 2}],
            "expected_payable_fen": 2 * 9_900 + 1_000,
            **changes,
        }
        for name in drop:
            del body[name]
        return client.post(
            f"/api/v1/bulk-buys/{promotion_id}/orders",
            json=body,
            headers={**headers, "Idempotency-Key": key or secrets.token_hex(8)},
        )

    return post


def placed(session):
    session.rollback()
    return session.scalar(select(func.count()).select_from(Order))


class TestPages:
    def test_a_bulk_buy_tells_its_tiers_what_is_collected_and_the_time(self, client, deal):
        deal.paid(12)
        deal.session.commit()

        shown = client.get(f"/api/v1/bulk-buys/{deal.promotion.id}").json

        first = deal.skus[0]
        assert (shown["collected"], shown["reached"], shown["pieces_to_next"]) == (12, 1, 8)
        assert [(tier["pieces"], tier["is_reached"]) for tier in shown["tiers"]] == [
            (1, True),
            (10, True),
            (20, False),
        ]
        goods = {one["sku_id"]: one for one in shown["goods"]}[first]
        assert [goods[name] for name in ("list_price_fen", "price_fen")] == [12_000, 9_900]
        assert (goods["reached_price_fen"], goods["lowest_price_fen"]) == (8_900, 7_900)
        assert shown["phase"] == "running"
        assert shown["server_time"] < shown["ends_at"]
        assert shown["rule"].endswith("差价自动退回。")

    def test_one_that_needs_pieces_says_how_many(self, client, fixed):
        shown = client.get(f"/api/v1/bulk-buys/{fixed.promotion.id}").json

        assert (shown["min_pieces"], shown["reached"], shown["pieces_to_next"]) == (5, None, 5)
        assert shown["rule"].startswith("活动结束时累计满5件成团")

    def test_those_that_sell_are_listed_and_ended_ones_still_shown(self, client, deal, fixed):
        end(deal.session, fixed.promotion, now=fixed.now)
        fixed.close()
        deal.session.commit()

        listed = client.get("/api/v1/bulk-buys").json["items"]
        ended = client.get(f"/api/v1/bulk-buys/{fixed.promotion.id}").json

        assert [one["id"] for one in listed] == [deal.promotion.id]
        assert (ended["phase"], ended["pieces_to_next"]) == ("ended", None)

    def test_drafts_and_other_campaigns_are_not_found(self, client, session, deal, now):
        terms = bulk_terms({deal.skus[0]: 9}, [(2, {deal.skus[0]: 8})])
        window = {"starts_at": now, "ends_at": now + timedelta(days=1)}
        draft = campaigns.create(
            session,
            campaign=make_campaign(kind="bulk_buy", terms=terms, **window),
            staff_id=STAFF,
            now=now,
        )
        other = campaigns.create(
            session, campaign=make_campaign(starts_at=now), staff_id=STAFF, now=now
        )
        session.commit()

        for number in (draft.id, other.id, 10**9):
            answer = client.get(f"/api/v1/bulk-buys/{number}")
            assert (answer.status_code, answer.json["code"]) == (404, "bulk_buy_not_found")


class TestOrders:
    def test_it_is_previewed_and_placed_at_what_everybody_pays(
        self, client, deal, place, as_buyer, address_id
    ):
        body = {"address_id": address_id, "lines": [{"sku_id": deal.skus[0], "quantity": 2}]}
        preview = client.post(
            f"/api/v1/bulk-buys/{deal.promotion.id}/orders/preview", json=body, headers=as_buyer
        )
        payable_fen = preview.json["quote"]["payable_fen"]

        made = place(expected_payable_fen=payable_fen, key="one-key-for-ever")
        again = place(expected_payable_fen=payable_fen, key="one-key-for-ever")

        assert made.status_code == 201
        assert again.json == made.json
        assert placed(deal.session) == 1
        order = deal.session.scalars(select(Order)).one()
        assert (order.origin, order.payable_fen) == ("bulk_buy", payable_fen)
        assert order.expires_at - order.placed_at == timedelta(minutes=30)

    def test_after_its_end_nothing_can_be_ordered(self, deal, place):
        end(deal.session, deal.promotion, now=deal.now)
        deal.session.commit()

        answer = place()

        assert (answer.status_code, answer.json["code"]) == (409, "deal_gone")
        assert placed(deal.session) == 0

    def test_another_price_is_refused_with_the_quote(self, deal, place):
        answer = place(expected_payable_fen=1)

        assert (answer.status_code, answer.json["code"]) == (409, "price_changed")
        assert placed(deal.session) == 0

    def test_goods_it_does_not_sell_are_refused(self, deal, place):
        other = make_sku(deal.session)
        deal.session.commit()

        answer = place(lines=[{"sku_id": other.id, "quantity": 1}])

        assert (answer.status_code, answer.json["code"]) == (409, "deal_gone")
        assert placed(deal.session) == 0

    @pytest.mark.parametrize(
        "changes",
        [
            {"lines": []},
            {"lines": [{"sku_id": 1, "quantity": 0}]},
            {"lines": [{"sku_id": 1, "quantity": "2"}]},
            {"lines": [{"sku_id": 1, "quantity": 1}] * 2},
            {"lines": [{"sku_id": 1, "quantity": 1, "price_fen": 1}]},
            {"remark": "长" * 201},
            {"price_fen": 1},
            {"expected_payable_fen": -1},
            {"coupon_ids": ["1"]},
            {"drop": ["address_id"]},
        ],
    )
    def test_what_makes_no_sense_is_refused_and_changes_nothing(self, deal, place, changes):
        assert place(**changes).status_code == 422
        assert placed(deal.session) == 0

    def test_without_a_token_nothing_is_ordered(self, deal, place):
        assert place(headers={}).status_code == 401
        assert placed(deal.session) == 0

    def test_it_is_not_sent_to_somebody_elses_address(self, deal, place):
        other = make_member(deal.session)
        address = make_address(deal.session, member_id=other.id)
        deal.session.commit()

        assert place(address_id=address.id).status_code == 404
        assert placed(deal.session) == 0

    def test_an_unknown_bulk_buy_is_not_found(self, deal, place):
        assert place(promotion_id=10**9).status_code == 404


class TestOutcome:
    def test_the_order_tells_what_came_back_and_why(self, client, deal, buyer, as_buyer):
        order = deal.paid(20, buyer=buyer)
        path = f"/api/v1/orders/{order.order_no}/bulk-buy"
        deal.session.commit()

        def ask():
            return client.get(path, headers=as_buyer).json

        assert ask()["message"] == "已计入团购件数，活动结束后按最终价格结算"

        deal.close()
        deal.settle(order)
        deal.session.commit()
        assert ask()["message"] == "团购达到更低价格，差价 400 元正在原路退回"

        deal.money_arrives()
        deal.session.commit()
        told = ask()
        assert (told["state"], told["tier"], told["due_back_fen"]) == ("lowered", 2, 40_000)
        assert told["is_back"]
        assert told["message"] == "团购达到更低价格，差价 400 元已原路退回"

    def test_it_is_the_buyers_alone(self, client, deal, as_buyer, token_for):
        order = deal.paid(1)
        deal.session.commit()
        path = f"/api/v1/orders/{order.order_no}/bulk-buy"

        assert client.get(path).status_code == 401
        assert client.get(path, headers=as_buyer).json["code"] == "order_not_found"
        owner = token_for(Audience.SHOPPER, order.buyer_id)
        assert client.get(path, headers=owner).status_code == 200

    def test_an_unpaid_order_has_none(self, client, deal, buyer, as_buyer):
        order = deal.order(1, buyer=buyer)
        deal.session.commit()

        answer = client.get(f"/api/v1/orders/{order.order_no}/bulk-buy", headers=as_buyer)

        assert (answer.status_code, answer.json["code"]) == (404, "no_bulk_buy_order")
