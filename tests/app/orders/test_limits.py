"""What a buyer may have of promotions, and what an order keeps of its price."""

import json

from sqlalchemy import text

from app.orders import service as orders
from app.orders.models import CloseReason
from promotions import pricing, replay
from tests.builders.orders import make_order, only_order, pay
from tests.builders.promotions import make_published


class TestLimits:
    def test_more_than_a_promotion_sells_is_refused_if_it_says_so(
        self, session, place, preview, body, sku, now, nothing_happened
    ):
        promotion = make_published(
            session,
            kind="limited_time",
            terms={"off_fen": 1000, "max_units_per_order": 1, "over_limit": "refuse"},
            starts_at=now,
            now=now,
        )
        session.commit()

        shown = preview({"lines": body["lines"]}).json
        answer = place(body | {"expected_payable_fen": shown["quote"]["payable_fen"]})

        refusal = {"promotion_id": promotion.id, "line_id": 1, "most": 1}
        assert shown["quote"]["refusals"] == [refusal]
        assert (answer.status_code, answer.json["code"]) == (409, "quantity_over_limit")
        assert answer.json["refusals"] == [{**refusal, "sku_id": sku.id}]
        nothing_happened()

    def test_one_person_gets_what_one_person_may(
        self, session, place, preview, body, now, breaches
    ):
        make_published(
            session,
            kind="limited_time",
            terms={"off_fen": 1000},
            member_max_units=3,
            starts_at=now,
            now=now,
        )
        session.commit()

        payable = [preview(body_of(body, body["address_id"])).json["quote"]["payable_fen"]]
        place(body | {"expected_payable_fen": payable[0]})
        payable.append(preview(body_of(body, body["address_id"])).json["quote"]["payable_fen"])

        assert payable == [9000, 10_000]
        assert place(body | {"expected_payable_fen": 10_000}, key="second-key").status_code == 201
        assert breaches() == []

    def test_only_who_has_never_paid_is_new(self, session, preview, body, buyer, now):
        make_published(
            session,
            steps=[(5000, 3000)],
            audience={"is_new": True},
            starts_at=now,
            now=now,
        )
        session.commit()

        before = preview({"lines": body["lines"]}).json["quote"]
        pay(session, make_order(session, now=now, buyer=buyer), now=now)
        session.commit()
        after = preview({"lines": body["lines"]}).json["quote"]

        assert (before["discount_fen"], after["discount_fen"]) == (3000, 0)
        assert after["trace"][0]["code"] == "not_for_you"

    def test_an_unpaid_order_at_a_price_for_new_buyers_is_the_only_one(
        self, session, place, preview, body, now, breaches
    ):
        make_published(
            session, steps=[(5000, 3000)], audience={"is_new": True}, starts_at=now, now=now
        )
        session.commit()
        cheap = body | {"expected_payable_fen": 8000}
        assert place(cheap).status_code == 201

        shown = preview({"lines": body["lines"]}).json["quote"]
        again = place(cheap, key="second-key")

        assert shown["trace"][0]["code"] == "not_for_you"
        assert (again.status_code, again.json["code"]) == (409, "price_changed")

        order = only_order(session)
        orders.close(session, order_id=order.id, reason=CloseReason.BUYER, now=now)
        session.commit()

        assert place(cheap, key="third-key").status_code == 201
        assert breaches() == []

    def test_a_second_account_is_no_new_buyer_once_the_first_has_paid_or_may(
        self, session, place, preview, body, buyer, twin, now, breaches
    ):
        make_published(
            session, steps=[(5000, 3000)], audience={"is_new": True}, starts_at=now, now=now
        )
        session.commit()

        def code_for_twin():
            shown = preview({"lines": body["lines"]}, headers=twin).json["quote"]
            return shown["trace"][0]["code"]

        assert code_for_twin() == "applied"
        assert place(body | {"expected_payable_fen": 8000}).status_code == 201
        assert code_for_twin() == "not_for_you"

        order = only_order(session)
        orders.close(session, order_id=order.id, reason=CloseReason.BUYER, now=now)
        session.commit()
        assert code_for_twin() == "applied"

        pay(session, make_order(session, now=now, buyer=buyer), now=now)
        session.commit()
        assert code_for_twin() == "not_for_you"
        assert breaches() == []

    def test_a_declined_promotion_is_left_out(self, session, place, preview, body, now):
        promotion = make_published(session, steps=[(5000, 3000)], starts_at=now, now=now)
        session.commit()
        declined = {"declined_promotion_ids": [promotion.id]}

        shown = preview({"lines": body["lines"], **declined}).json

        assert shown["quote"]["discount_fen"] == 0
        assert shown["quote"]["trace"][0]["code"] == "declined"
        assert place(body | declined).status_code == 201


class TestWhatIsKept:
    def test_the_quote_is_made_again_byte_for_byte(
        self, session, place, body, with_gift, coupon_id
    ):
        with_gift()

        place(body | {"expected_payable_fen": 10_000})

        order = only_order(session)
        cart = pricing.Cart.from_json(json.loads(order.quote_input))
        snapshot = replay.snapshot(session, order.snapshot_version)
        assert pricing.price(cart, snapshot).canonical() == order.quote

    def test_an_order_from_before_shows_without_what_it_does_not_know(
        self, session, client, place, body, as_buyer
    ):
        order_no = place(body).json["order_no"]
        order = only_order(session)
        quote = {
            name: value
            for name, value in json.loads(order.quote).items()
            if name not in {"gifts", "refusals", "member_saves_fen", "tender_fen"}
        }
        session.execute(
            text(
                "UPDATE shop_order SET quote_input = NULL, quote = :quote,"
                " quote_digest = encode(sha256(:quote), 'hex')"
            ),
            {"quote": json.dumps(quote).encode()},
        )
        session.commit()

        shown = client.get(f"/api/v1/orders/{order_no}", headers=as_buyer)

        assert shown.status_code == 200
        assert shown.json["quote"]["payable_fen"] == 11_000


def body_of(body, address_id):
    return {"lines": body["lines"], "address_id": address_id}
