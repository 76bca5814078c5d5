"""The money of a case: through WeChat and back, exactly once, and everything with it."""

import itertools
import threading
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.aftersales import jobs, service, verify
from app.aftersales.models import OPEN, TRANSITIONS, AfterSale, AfterSaleStatus
from app.catalogue.models import Sku
from app.orders import queries as orders_queries
from app.orders import service as orders
from app.orders import verify as orders_verify
from app.payments import verify as payments_verify
from app.payments.models import Refund
from tests.builders.aftersales import make_case, make_paid_order
from tests.builders.catalogue import make_sku
from tests.builders.orders import PARCEL, make_order
from tests.builders.payments import settle_refund
from tests.builders.promotions import make_published
from tests.builders.staff import make_staff


def breaches(session):
    session.rollback()
    return [
        breach
        for check in (verify, orders_verify, payments_verify)
        for breach in check.verify(session)
    ]


class TestApproving:
    def test_asks_payments_for_every_share_and_the_freight(
        self, client, case, order, merchant, session
    ):
        answer = client.post(
            f"/admin/v1/after-sales/{case.after_sale_no}/approve", json={}, headers=merchant
        )

        assert (answer.status_code, answer.json["status"]) == (200, "refunding")
        refund = session.scalar(select(Refund))
        assert refund.source == f"after_sale:{case.after_sale_no}"
        assert refund.amount_fen == case.amount_fen
        assert refund.freight_fen == order.freight_fen
        assert sum(refund.line_amounts.values()) == order.payable_fen - order.freight_fen
        assert refund.reason == "不想要了"
        assert breaches(session) == []

    def test_from_then_on_the_order_is_not_shipped(
        self, client, case, order, merchant, session, now
    ):
        client.post(
            f"/admin/v1/after-sales/{case.after_sale_no}/approve", json={}, headers=merchant
        )

        with pytest.raises(orders.RefundInProgress):
            orders.ship(session, order_no=order.order_no, now=now, **PARCEL)

    def test_an_order_that_left_meanwhile_is_not_refunded(
        self, client, case, order, merchant, session, now
    ):
        orders.ship(session, order_no=order.order_no, now=now, **PARCEL)
        session.commit()

        answer = client.post(
            f"/admin/v1/after-sales/{case.after_sale_no}/approve", json={}, headers=merchant
        )

        assert (answer.status_code, answer.json["code"]) == (409, "not_before_shipping")
        session.refresh(case)
        assert case.status == "applied"
        assert session.scalar(select(func.count(Refund.id))) == 0

    @pytest.mark.race
    def test_of_shipping_and_approving_at_once_one_happens(
        self, app, session, now, merchant, token_for
    ):
        for _ in range(5):
            case = make_case(session, now=now)
            session.commit()
            order_no, case_no = case.order_no, case.after_sale_no
            done = {}

            def post(name, path, body=None, done=done):
                done[name] = app.test_client().post(path, json=body, headers=merchant).status_code

            threads = [
                threading.Thread(
                    target=post, args=("yes", f"/admin/v1/after-sales/{case_no}/approve", {})
                ),
                threading.Thread(
                    target=post,
                    args=(
                        "ship",
                        f"/admin/v1/orders/{order_no}/ship",
                        PARCEL,
                    ),
                ),
            ]
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()

            assert sorted(done.values()) == [200, 409]
            assert breaches(session) == []

    @pytest.mark.race
    def test_eight_approvals_at_once_ask_for_the_money_once(self, app, case, merchant, session):
        path = f"/admin/v1/after-sales/{case.after_sale_no}/approve"
        statuses = []

        def go():
            statuses.append(app.test_client().post(path, json={}, headers=merchant).status_code)

        threads = [threading.Thread(target=go) for _ in range(8)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

        assert sorted(statuses) == [200] + [409] * 7
        assert session.scalar(select(func.count(Refund.id))) == 1


class TestSettling:
    def test_the_case_ends_when_payments_says_the_money_is_back(
        self, client, case, merchant, session, now, run_jobs
    ):
        client.post(
            f"/admin/v1/after-sales/{case.after_sale_no}/approve", json={}, headers=merchant
        )
        settle_refund(session, refund=session.scalar(select(Refund)), now=now)
        session.commit()

        jobs.refund_settled(case.source)
        jobs.refund_settled(case.source)

        session.refresh(case)
        assert case.status == "refunded"
        assert case.refunded_at is not None
        order = orders_queries.get(session, order_no=case.order_no)
        assert (order.status, order.refunded_fen) == ("refunded", order.paid_fen)
        assert session.scalars(select(Sku.sold)).all() == [0, 0]
        assert breaches(session) == []

    def test_a_refund_that_no_case_asked_for_is_nothing_to_us(self, session, now):
        assert service.settle(session, source="late:P1", now=now) is False

    def test_an_order_that_cost_nothing_takes_the_same_way_without_wechat(
        self, client, session, now, merchant, run_jobs, free_order
    ):
        case = make_case(session, order=free_order, now=now)
        session.commit()

        client.post(
            f"/admin/v1/after-sales/{case.after_sale_no}/approve", json={}, headers=merchant
        )
        run_jobs()

        session.refresh(case)
        assert (case.status, case.amount_fen) == ("refunded", 0)
        order = orders_queries.get(session, order_no=case.order_no)
        assert (order.status, order.refunded_fen) == ("refunded", 0)
        assert breaches(session) == []

    @pytest.fixture
    def free_order(self, session, now):
        yesterday = now - timedelta(days=1)
        make_published(session, steps=[(9900, 9900)], starts_at=yesterday, now=yesterday)
        order = make_order(session, sku=make_sku(session, price_fen=9900), now=now)
        session.commit()
        assert order.status == "paid"
        return order

    def test_through_wechat_from_the_purchase_to_the_money_back(
        self, client, wechat, session, now, run_jobs, apply, merchant
    ):
        """
        The whole way over HTTP: sign in, order, pay, ask for the money back, approve, be refunded.
        """
        sku = make_sku(session, price_fen=9900, available=3)
        session.commit()
        signed_in = client.post("/api/v1/sessions", json={"code": wechat.login_code()}).json
        me = {"Authorization": f"Bearer {signed_in['token']}"}
        order = place(client, me, sku.id)

        # The buyer pays in WeChat, which tells the mall.
        wanted = client.post(f"/api/v1/orders/{order['order_no']}/pay", headers=me).json
        wechat.control("POST", "pay", **wanted)
        assert {answer.status_code for answer in wechat.deliver(client)} == {204}
        run_jobs()

        # The buyer asks for the money, the merchant agrees, WeChat brings it back.
        case = apply(order["order_no"], me).json
        path = f"after-sales/{case['after_sale_no']}"
        client.post(f"/admin/v1/{path}/approve", json={}, headers=merchant)
        run_jobs()
        wechat.control("POST", "idle")
        assert {answer.status_code for answer in wechat.deliver(client)} == {204}
        run_jobs(ahead=timedelta(hours=1))

        assert client.get(f"/api/v1/{path}", headers=me).json["status"] == "refunded"
        shown = client.get(f"/api/v1/orders/{order['order_no']}", headers=me).json
        assert (shown["status"], shown["refunded_fen"]) == ("refunded", 9900)
        session.refresh(sku)
        assert (sku.available, sku.held, sku.sold) == (3, 0, 0)
        assert breaches(session) == []


def place(client, me, sku_id):
    address = {
        "receiver": "王小明",
        "phone": "13812345678",
        "region_code": "440305",
        "province": "广东省",
        "city": "深圳市",
        "district": "南山区",
        "detail": "科技园 1 号楼",
    }
    address_id = client.post("/api/v1/addresses", json=address, headers=me).json["id"]
    body = {
        "lines": [{"sku_id": sku_id, "quantity": 1}],
        "address_id": address_id,
        "expected_payable_fen": 9900,
    }
    answer = client.post(
        "/api/v1/orders", json=body, headers={**me, "Idempotency-Key": "order-once"}
    )
    assert answer.status_code == 201, answer.json
    return answer.json


class TestStates:
    def test_every_status_says_where_it_may_go_and_only_open_ones_go_anywhere(self):
        assert set(TRANSITIONS) == set(AfterSaleStatus)
        assert {status for status, targets in TRANSITIONS.items() if targets} == {
            *OPEN,
            AfterSaleStatus.REJECTED,
        }

    @pytest.mark.parametrize(
        "verbs", list(itertools.permutations(["cancel", "approve", "reject"], 2))
    )
    def test_of_two_decisions_the_first_stands(self, session, now, verbs):
        case = make_case(session, now=now)
        staff_id = make_staff(session).id
        number = {"after_sale_no": case.after_sale_no, "now": now}
        verbs_of = {
            "cancel": lambda: service.cancel(session, buyer_id=case.buyer_id, **number),
            "approve": lambda: service.approve(session, staff_id=staff_id, **number),
            "reject": lambda: service.reject(session, staff_id=staff_id, answer="x", **number),
        }
        first, second = (verbs_of[verb] for verb in verbs)
        stands = first().status

        with pytest.raises(service.AfterSaleStateForbids):
            second()

        assert session.get(AfterSale, case.id, populate_existing=True).status == stands


class TestVerify:
    def test_finds_money_that_moved_without_approval_and_cases_without_their_money(
        self, session, now
    ):
        staff_id = make_staff(session).id
        unapproved, unasked, unsettled = (make_case(session, now=now) for _ in range(3))
        for case in (unapproved, unsettled):
            service.approve(session, after_sale_no=case.after_sale_no, staff_id=staff_id, now=now)
        unapproved.status, unapproved.decided_at, unapproved.decided_by = "applied", None, None
        unapproved.due_at, unasked.due_at = now, None
        unasked.status, unasked.decided_at, unasked.decided_by = "refunding", now, staff_id
        unsettled.status, unsettled.refunded_at = "refunded", now
        lost = session.scalar(select(Refund).where(Refund.source == unsettled.source))
        session.flush()

        found = {(each.rule, each.subject) for each in verify.verify(session)}

        assert found == {
            (
                "aftersales.money_moves_only_when_approved",
                f"after-sale {unapproved.after_sale_no}",
            ),
            (
                "aftersales.an_approved_case_has_its_refund",
                f"after-sale {unasked.after_sale_no}",
            ),
            (
                "aftersales.refunded_means_the_money_is_back",
                f"after-sale {unsettled.after_sale_no}",
            ),
            (
                "aftersales.open_cases_hold_commissions_back",
                f"{unsettled.source}, order:{unsettled.order_no}:1",
            ),
            ("aftersales.open_cases_are_counted", f"order {unsettled.order_no}"),
            ("aftersales.pieces_are_asked_for_once", f"order {unapproved.order_no}, line 1"),
        }
        lost.source = "after_sale:A0"
        session.flush()
        rules = {each.rule for each in verify.verify(session)}
        assert "aftersales.a_refund_has_its_case" in rules

    def test_an_untouched_order_breaks_nothing(self, session, now):
        make_paid_order(session, now=now)

        assert list(verify.verify(session)) == []
