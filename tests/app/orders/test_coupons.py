"""Coupons on real orders over HTTP: picked, held, used and given back."""

from app.orders import service as orders
from app.orders.models import CloseReason
from tests.builders.catalogue import make_sku
from tests.builders.coupons import coupon_status
from tests.builders.members import make_member
from tests.builders.orders import make_order, only_order, pay, refund_all
from tests.builders.promotions import make_published


class TestCoupons:
    def test_the_best_is_applied_and_the_others_say_why_not(
        self, session, preview, body, template, give, buyer, now
    ):
        better = make_published(
            session,
            kind="coupon_percent",
            terms={"threshold_fen": 0, "off_bp": 2000, "max_off_fen": 1500},
            issue={"valid_days": 7},
            starts_at=now,
            now=now,
        )
        too_dear = make_published(
            session,
            kind="coupon_amount",
            terms={"threshold_fen": 12_000, "off_fen": 5000},
            issue={"valid_days": 7},
            starts_at=now,
            now=now,
        )
        elsewhere = make_published(
            session,
            kind="coupon_amount",
            terms={"threshold_fen": 0, "off_fen": 5000},
            issue={"valid_days": 7},
            includes={"sku_ids": [make_sku(session).id]},
            starts_at=now,
            now=now,
        )
        ids = [give(each, buyer) for each in (template, better, too_dear, elsewhere)]

        shown = preview({"lines": body["lines"]}).json

        by_id = {each["coupon_id"]: each for each in shown["coupons"]}
        assert set(by_id) == set(ids)
        assert shown["quote"]["payable_fen"] == 8500
        flags = [(by_id[id_]["is_usable"], by_id[id_]["is_applied"]) for id_ in ids]
        assert flags == [(True, False), (True, True), (False, False), (False, False)]
        assert [by_id[id_]["saves_fen"] for id_ in ids] == [1000, 1500, 0, 0]
        assert by_id[ids[2]]["message"].startswith("还差 20 元")
        assert by_id[ids[3]]["message"] == "所选商品不适用"
        assert shown["coupons"][0]["coupon_id"] == ids[1]

    def test_another_may_be_picked_or_none(
        self, session, preview, body, template, give, buyer, now, monkeypatch
    ):
        better = make_published(
            session,
            kind="coupon_amount",
            terms={"threshold_fen": 0, "off_fen": 3000},
            issue={"valid_days": 7},
            starts_at=now,
            now=now,
        )
        small, great = give(template, buyer), give(better, buyer)

        picked = preview({"lines": body["lines"], "coupon_ids": [small]}).json
        none = preview({"lines": body["lines"], "coupon_ids": []}).json

        assert picked["quote"]["payable_fen"] == 9000
        assert [each["is_applied"] for each in picked["coupons"]] == [True, False]
        assert all(each["is_usable"] for each in picked["coupons"])
        assert [each["saves_fen"] for each in picked["coupons"]] == [1000, 3000]
        monkeypatch.setattr("promotions.coupons.queries.HELD_MAX", 1)
        last = preview({"lines": body["lines"], "coupon_ids": [great]}).json
        assert last["quote"]["payable_fen"] == 7000, "it ends last, and only one is looked at"
        assert none["quote"]["payable_fen"] == 10_000
        assert all(each["is_usable"] and not each["is_applied"] for each in none["coupons"])

    def test_an_order_holds_it_payment_uses_it_and_a_whole_refund_gives_it_back(
        self, session, place, body, now, breaches, coupon_id
    ):
        answer = place(body | {"expected_payable_fen": 10_000})

        assert answer.status_code == 201, answer.json
        assert coupon_status(session, coupon_id) == "held"
        order = only_order(session)
        pay(session, order, now=now)
        assert coupon_status(session, coupon_id) == "used"
        refund_all(session, order, now=now)
        session.commit()
        assert coupon_status(session, coupon_id) == "issued"
        assert breaches() == []

    def test_closing_gives_it_back(self, session, place, body, now, breaches, coupon_id):
        place(body | {"expected_payable_fen": 10_000})
        order = only_order(session)

        for _ in range(2):
            orders.close(session, order_id=order.id, reason=CloseReason.EXPIRED, now=now)
        session.commit()

        assert coupon_status(session, coupon_id) == "issued"
        assert breaches() == []

    def test_of_a_part_that_is_refunded_it_stays_used(
        self, session, now, breaches, buyer, coupon_id
    ):
        order = make_order(
            session, now=now, buyer=buyer, sku=make_sku(session, price_fen=5000), quantity=2
        )
        (line,) = order.lines
        pay(session, order, now=now)
        parts = {"line_amounts": {line.id: 4500}, "quantities": {line.id: 1}, "freight_fen": 0}
        orders.begin_refund(session, order_id=order.id, refund_source="x", now=now, **parts)
        orders.finish_refund(session, order_id=order.id, refund_source="x", now=now)
        session.commit()

        assert coupon_status(session, coupon_id) == "used"
        assert breaches() == []

    def test_one_coupon_is_on_one_order(self, session, place, body, coupon_id):
        place(body | {"expected_payable_fen": 10_000})

        again = place(body | {"expected_payable_fen": 10_000}, key="another-key")

        assert (again.status_code, again.json["code"]) == (409, "price_changed")
        assert again.json["quote"]["payable_fen"] == 11_000

    def test_a_coupon_of_somebody_else_does_nothing(
        self, session, preview, place, body, template, give
    ):
        foreign = give(template, make_member(session))

        shown = preview({"lines": body["lines"], "coupon_ids": [foreign]}).json
        answer = place(body | {"expected_payable_fen": 10_000, "coupon_ids": [foreign]})

        assert (shown["quote"]["discount_fen"], shown["coupons"]) == (0, [])
        assert (answer.status_code, answer.json["code"]) == (409, "price_changed")
        assert coupon_status(session, foreign) == "issued"

    def test_a_refused_order_leaves_it_alone(self, session, place, body, sku, coupon_id):
        sku.available = 1
        session.commit()

        assert place(body | {"expected_payable_fen": 10_000}).status_code == 409
        assert coupon_status(session, coupon_id) == "issued"
