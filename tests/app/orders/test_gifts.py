"""Gifts with real orders over HTTP: lines of their own with stock, choices, and grants."""

import pytest
from sqlalchemy import select

from app.catalogue.models import Sku
from app.orders import queries
from app.orders import service as orders
from app.orders.models import CloseReason, LineKind, OrderLine
from promotions import campaigns, points
from promotions.coupons.models import Coupon
from tests.builders.catalogue import make_sku
from tests.builders.coupons import coupon_status
from tests.builders.orders import give_back, make_order, only_order, pay, refund_all
from tests.builders.promotions import AGREED, make_published


class TestGifts:
    def test_a_gift_is_a_line_of_the_order_with_stock_of_its_own(
        self, session, place, preview, body, with_gift, gift, now, breaches
    ):
        promotion = with_gift()

        shown = preview({"lines": body["lines"]}).json
        answer = place(body)

        assert answer.status_code == 201, answer.json
        assert shown["gifts"] == [
            {
                "promotion_id": promotion.id,
                "sku_id": gift.id,
                "spu_id": gift.spu_id,
                "title": "杯垫",
                "spec_text": "",
                "image_url": shown["gifts"][0]["image_url"],
                "quantity": 1,
                "value_fen": 500,
            }
        ]
        order = only_order(session)
        _, line = order.lines
        assert (line.kind, line.sku_id, line.payable_fen) == ("gift", gift.id, 0)
        assert (line.promotion_id, line.value_fen) == (promotion.id, 500)
        stock = session.get(Sku, gift.id, populate_existing=True)
        assert (stock.available, stock.held) == (2, 1)
        pay(session, order, now=now)
        session.refresh(stock)
        assert (stock.available, stock.held, stock.sold) == (2, 0, 1)
        refund_all(session, order, now=now)
        session.refresh(stock)
        assert (stock.available, stock.held, stock.sold) == (3, 0, 0)
        session.commit()
        assert breaches() == []

    def test_a_gift_the_buyer_saw_does_not_vanish_in_silence(
        self, session, place, body, with_gift, gift, sku
    ):
        with_gift()
        seen = body | {"expected_gifts": [{"sku_id": gift.id, "quantity": 1}]}
        others = ([], [{"sku_id": sku.id, "quantity": 1}], [{"sku_id": gift.id, "quantity": 2}])

        assert place(seen).status_code == 201
        for gifts in others:
            refused = place(body | {"expected_gifts": gifts}, key="other-gifts")
            assert (refused.status_code, refused.json["code"]) == (409, "price_changed")

        session.get(Sku, gift.id, populate_existing=True).available = 0
        session.commit()
        gone = place(seen, key="second-key")
        assert (gone.status_code, gone.json["code"]) == (409, "price_changed")
        assert place(body | {"expected_gifts": []}, key="third-key").status_code == 201
        assert place(body | {"expected_gifts": None}, key="fourth-key").status_code == 201

    @pytest.mark.parametrize(
        "wrong",
        [
            1,
            [{"sku_id": 1}],
            [{"sku_id": 1, "quantity": 0}],
            [{"sku_id": "1", "quantity": 1}],
            [{"sku_id": 1, "quantity": 1, "value_fen": 1}],
            [{"sku_id": 1, "quantity": 1}] * 201,
        ],
    )
    def test_gifts_that_make_no_sense_are_refused(self, place, body, wrong, nothing_happened):
        answer = place(body | {"expected_gifts": wrong})

        assert answer.status_code == 422
        assert all(path.startswith("expected_gifts") for path in answer.json["errors"])
        nothing_happened()

    def test_coupons_and_points_the_buyer_saw_do_not_vanish_in_silence(
        self, session, place, body, with_gift, template, now
    ):
        campaign = with_gift(
            gifts=[], points=30, coupons=[{"promotion_id": template.id, "count": 2}]
        )
        coupon = {"promotion_id": template.id, "count": 1}
        seen = {"expected_coupons": [coupon, coupon], "expected_points": 30, "expected_gifts": []}

        assert place(body | seen).status_code == 201
        for other in (
            {"expected_coupons": []},
            {"expected_coupons": [coupon]},
            {"expected_coupons": [{"promotion_id": campaign.id, "count": 2}]},
            {"expected_points": 0},
            {"expected_points": 31},
        ):
            refused = place(body | seen | other, key="other-grants")
            assert (refused.status_code, refused.json["code"]) == (409, "price_changed")
            assert refused.json["quote"]["adjustments"][0]["points"] == 30

        campaigns.end(session, promotion_id=campaign.id, staff_id=1, now=now)
        session.commit()
        assert place(body | seen, key="second-key").json["code"] == "price_changed"
        nothing = {"expected_coupons": [], "expected_points": 0}
        assert place(body | nothing, key="third-key").status_code == 201
        unsaid = dict.fromkeys(nothing)
        assert place(body | unsaid, key="fourth-key").status_code == 201

    @pytest.mark.parametrize(
        "wrong",
        [
            {"expected_points": -1},
            {"expected_points": 1.5},
            {"expected_points": "1"},
            {"expected_points": True},
            {"expected_coupons": {}},
            {"expected_coupons": [{"promotion_id": 1}]},
            {"expected_coupons": [{"promotion_id": 1, "count": 0}]},
            {"expected_coupons": [{"promotion_id": 1, "count": 1, "more": 1}]},
            {"expected_coupons": [{"promotion_id": 1, "count": 1}] * 201},
        ],
    )
    def test_grants_that_make_no_sense_are_refused(self, place, body, wrong, nothing_happened):
        answer = place(body | wrong)

        assert answer.status_code == 422
        assert all(path.startswith(next(iter(wrong))) for path in answer.json["errors"])
        nothing_happened()

    def test_closing_puts_it_back(self, session, place, body, with_gift, gift, now, breaches):
        with_gift()
        place(body)

        orders.close(session, order_id=only_order(session).id, reason=CloseReason.BUYER, now=now)
        session.commit()

        assert session.get(Sku, gift.id, populate_existing=True).available == 3
        assert breaches() == []

    def test_what_is_not_on_the_shelf_is_not_given(self, session, preview, body, with_gift, gift):
        with_gift()
        gift.available = 0
        session.commit()

        shown = preview({"lines": body["lines"]}).json

        assert shown["gifts"] == []
        assert shown["quote"]["trace"][0]["code"] == "gift_out"

    def test_what_the_order_itself_buys_is_not_given_too(
        self, session, place, preview, body, with_gift, gift, breaches
    ):
        with_gift()
        body["lines"].append({"sku_id": gift.id, "quantity": 3})

        shown = preview({"lines": body["lines"]}).json
        body["lines"][1]["quantity"] = 2
        answer = place(body | {"expected_payable_fen": 11_000 + 1800})

        assert shown["gifts"] == []
        assert answer.status_code == 201, answer.json
        stock = session.get(Sku, gift.id, populate_existing=True)
        assert (stock.available, stock.held) == (0, 3)
        assert breaches() == []

    def test_two_promotions_do_not_give_the_same_piece(
        self, session, place, preview, body, with_gift, gift, now
    ):
        gift.available = 1
        for threshold in (5000, 10_000):
            tier = {
                "threshold": threshold,
                "gifts": [{"sku_id": gift.id, "quantity": 1, "value_fen": 500}],
            }
            make_published(
                session,
                kind="spend_and_gift",
                terms={"tiers": [tier]},
                starts_at=now,
                now=now,
                **AGREED,
            )
        session.commit()

        shown = preview({"lines": body["lines"]}).json

        assert [each["quantity"] for each in shown["gifts"]] == [1]
        assert place(body).status_code == 201

    def test_the_buyer_chooses_among_gifts(self, session, place, preview, body, with_gift, gift):
        other = make_sku(session, title="茶巾", available=5)
        session.commit()
        promotion = with_gift(
            gifts=[
                {"sku_id": gift.id, "quantity": 1, "value_fen": 500},
                {"sku_id": other.id, "quantity": 2, "value_fen": 100},
            ],
            choose=1,
        )
        choice = {"gift_choices": [{"promotion_id": promotion.id, "sku_ids": [other.id]}]}

        first = preview({"lines": body["lines"]}).json
        chosen = preview({"lines": body["lines"], **choice}).json

        assert [each["sku_id"] for each in first["gifts"]] == [gift.id]
        (option,) = first["gift_options"]
        assert (option["choose"], [each["sku_id"] for each in option["gifts"]]) == (
            1,
            [gift.id, other.id],
        )
        assert [each["is_chosen"] for each in option["gifts"]] == [True, False]
        assert [(each["sku_id"], each["quantity"]) for each in chosen["gifts"]] == [(other.id, 2)]
        assert place(body | choice).status_code == 201
        gifts = session.scalars(select(OrderLine).where(OrderLine.kind == LineKind.GIFT)).all()
        assert [(line.sku_id, line.quantity) for line in gifts] == [(other.id, 2)]

    def test_payment_grants_coupons_and_points_once_and_a_refund_takes_them_back(
        self, session, now, template, buyer, breaches
    ):
        make_published(
            session,
            kind="spend_and_gift",
            terms={
                "tiers": [
                    {
                        "threshold": 5000,
                        "gifts": [],
                        "points": 30,
                        "coupons": [{"promotion_id": template.id, "count": 2}],
                    }
                ]
            },
            starts_at=now,
            now=now,
        )
        order = make_order(session, now=now, buyer=buyer, sku=make_sku(session, price_fen=5000))
        assert points.balance(session, buyer.id) == 0

        pay(session, order, now=now)

        assert points.balance(session, buyer.id) == 30
        granted = session.scalars(select(Coupon).where(Coupon.source == order.source)).all()
        assert [each.status for each in granted] == ["issued", "issued"]
        refund_all(session, order, now=now)
        session.commit()
        assert points.balance(session, buyer.id) == 0
        assert {coupon_status(session, each.id) for each in granted} == {"revoked"}
        assert breaches() == []

    def test_coupons_and_points_go_as_far_as_the_kept_goods_do_not_earn_them(
        self, session, now, template, buyer, breaches
    ):
        tier = {
            "threshold": 5000,
            "gifts": [],
            "points": 30,
            "coupons": [{"promotion_id": template.id, "count": 1}],
        }
        make_published(
            session,
            kind="spend_and_gift",
            terms={"tiers": [tier], "max_times": 3},
            starts_at=now,
            now=now,
        )
        dear, cheap = make_sku(session, price_fen=5000), make_sku(session, price_fen=1)
        order = make_order(session, now=now, buyer=buyer, quantities={dear.id: 3, cheap.id: 1})
        of_dear = order.lines[0].id
        pay(session, order, now=now)
        granted = session.scalars(select(Coupon.id).where(Coupon.source == order.source)).all()

        found = []
        for pieces in (1, 2):
            give_back(session, order, {of_dear: pieces}, source=f"test:{pieces}", now=now)
            unused = [coupon_status(session, each) for each in granted].count("issued")
            found.append((unused, points.balance(session, buyer.id)))

        assert queries.get(session, order_no=order.order_no).status == "paid"
        assert found == [(2, 60), (0, 0)]
        session.commit()
        assert breaches() == []

    def test_a_gift_coupon_that_ran_out_does_not_keep_money_from_coming(
        self, session, now, buyer, breaches
    ):
        scarce = make_published(
            session,
            kind="coupon_amount",
            terms={"threshold_fen": 0, "off_fen": 1},
            issue={"valid_days": 7, "max_issued": 1},
            starts_at=now,
            now=now,
        )
        tier = {
            "threshold": 5000,
            "gifts": [],
            "coupons": [{"promotion_id": scarce.id, "count": 2}],
        }
        make_published(
            session, kind="spend_and_gift", terms={"tiers": [tier]}, starts_at=now, now=now
        )
        order = make_order(session, now=now, buyer=buyer, sku=make_sku(session, price_fen=5000))

        assert pay(session, order, now=now) is True

        session.commit()
        assert session.scalars(select(Coupon)).all() == []
        assert breaches() == []
