"""Cancel, expire, pay, close: the two ends of an unpaid order, each at most once."""

from datetime import timedelta

import pytest
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.core.auth import Audience
from app.members.models import Member
from app.orders import queries
from app.orders import service as orders
from app.orders.closing import ASK_AGAIN_AFTER
from app.orders.models import CloseReason, OrderStatus
from app.orders.queries import OrderNotFound
from app.orders.service import AmountDiffers, OrderClosed
from promotions import buyers
from tests.builders.catalogue import make_sku
from tests.builders.distribution import make_chain, make_rules
from tests.builders.members import make_member
from tests.builders.orders import make_order, pay, refund_all
from tests.builders.promotions import make_published


@pytest.fixture
def waiting(session):
    """The queue's waiting jobs as (task, order id), oldest first."""

    def find():
        rows = session.execute(
            text(
                "SELECT task_name, (args->>'order_id')::int FROM procrastinate_jobs"
                " WHERE status = 'todo' ORDER BY id"
            )
        )
        return [tuple(row) for row in rows]

    return find


def stock_of(session, order):
    session.flush()
    return session.execute(
        text(
            "SELECT available, held, sold FROM sku JOIN order_line ON sku_id = sku.id"
            " WHERE order_id = :order_id"
        ),
        {"order_id": order.id},
    ).one()


class TestMarkPaid:
    @pytest.mark.parametrize("status", [OrderStatus.UNPAID, OrderStatus.CLOSING])
    def test_sells_the_stock_and_counts_the_sale(self, session, now, status, breaches):
        sku = make_sku(session, available=10)
        order = make_order(session, now=now, sku=sku, quantity=3, status=status)

        assert pay(session, order, now=now) is True

        fresh = queries.get(session, order_no=order.order_no)
        assert (fresh.status, fresh.paid_fen) == (OrderStatus.PAID, fresh.payable_fen)
        assert (fresh.closing_at, fresh.close_reason) == (None, None)
        assert stock_of(session, order) == (7, 0, 3)
        assert session.scalar(text("SELECT sales_count FROM spu")) == 3
        session.commit()
        assert breaches() == []

    def test_happens_once(self, session, now, breaches):
        order = make_order(session, now=now, quantity=2)
        pay(session, order, now=now)

        assert pay(session, order, now=now + timedelta(hours=1)) is False

        assert queries.get(session, order_no=order.order_no).paid_at == now
        assert stock_of(session, order) == (8, 0, 2)
        assert session.scalar(text("SELECT sales_count FROM spu")) == 2
        session.commit()
        assert breaches() == []

    @pytest.mark.parametrize(
        "status",
        [
            OrderStatus.SHIPPED,
            OrderStatus.RECEIVED,
            OrderStatus.COMPLETED,
            OrderStatus.REFUNDED,
        ],
    )
    def test_changes_nothing_later_in_life(self, session, now, status):
        order = make_order(session, now=now, status=status)

        assert pay(session, order, now=now) is False
        assert queries.get(session, order_no=order.order_no).status == status

    def test_money_for_a_closed_order_is_refused(self, session, now):
        order = make_order(session, now=now, status=OrderStatus.CLOSED)

        with pytest.raises(OrderClosed):
            pay(session, order, now=now)
        assert stock_of(session, order) == (10, 0, 0)

    @pytest.mark.parametrize("difference_fen", [-1, 1])
    def test_another_amount_is_refused(self, session, now, difference_fen):
        order = make_order(session, now=now)

        with pytest.raises(AmountDiffers):
            orders.mark_paid(
                session,
                order_id=order.id,
                transaction_id="42",
                paid_fen=order.payable_fen + difference_fen,
                paid_at=now,
                now=now,
            )

        assert queries.get(session, order_no=order.order_no).status == "unpaid"

    def test_an_order_that_is_not_there_is_not_found(self, session, now):
        with pytest.raises(OrderNotFound):
            orders.mark_paid(
                session, order_id=7, transaction_id="42", paid_fen=1, paid_at=now, now=now
            )

    def test_commission_is_of_what_each_line_really_paid_without_freight(self, session, now):
        buyer, upline = make_member(session), make_member(session)
        make_rules(session, now=now)
        make_chain(session, buyer.id, upline.id, now=now)
        first, second = make_sku(session, price_fen=6000), make_sku(session, price_fen=4000)
        make_published(session, steps=[(10_000, 1000)], starts_at=now, now=now)

        make_order(
            session,
            now=now,
            buyer=buyer,
            quantities={first.id: 1, second.id: 1},
            status=OrderStatus.PAID,
        )

        rows = session.execute(
            text("SELECT base_fen, beneficiary_id FROM commission ORDER BY base_fen")
        ).all()
        assert rows == [(3600, upline.id), (5400, upline.id)]


def test_a_buyer_is_new_until_an_order_of_theirs_is_paid_and_never_again(session, now):
    buyer = make_member(session)
    first = make_order(session, buyer=buyer, now=now)
    assert not buyers.has_paid(session, [buyer.id])

    pay(session, first, now=now)
    refund_all(session, first, now=now)

    assert buyers.has_paid(session, [buyer.id])


class TestCancelAndClose:
    def test_cancelling_asks_payments_and_holds_everything_meanwhile(
        self, session, now, client, token_for, waiting
    ):
        order = make_order(session, now=now, quantity=2)
        session.commit()
        me = token_for(Audience.SHOPPER, order.buyer_id)

        answer = client.post(f"/api/v1/orders/{order.order_no}/cancel", headers=me)

        assert (answer.status_code, answer.json["status"]) == (200, "closing")
        assert answer.json["close_reason"] == "buyer"
        assert ("payments.close_order", order.id) in waiting()
        assert stock_of(session, order) == (8, 2, 0)

    def test_cancelling_twice_asks_once(self, session, now, client, token_for, waiting):
        order = make_order(session, now=now)
        session.commit()
        me = token_for(Audience.SHOPPER, order.buyer_id)

        for _ in range(2):
            answer = client.post(f"/api/v1/orders/{order.order_no}/cancel", headers=me)
            assert (answer.status_code, answer.json["status"]) == (200, "closing")

        assert waiting().count(("payments.close_order", order.id)) == 1

    def test_a_paid_order_cannot_be_cancelled(self, session, now, client, token_for):
        order = make_order(session, now=now, status=OrderStatus.PAID)
        session.commit()

        answer = client.post(
            f"/api/v1/orders/{order.order_no}/cancel",
            headers=token_for(Audience.SHOPPER, order.buyer_id),
        )

        assert (answer.status_code, answer.json["code"]) == (409, "order_state_forbids")
        assert answer.json["order_status"] == "paid"

    def test_somebody_elses_order_is_not_found(self, session, now, client, as_stranger, waiting):
        order = make_order(session, now=now)
        session.commit()

        for path in (f"/api/v1/orders/{order.order_no}/cancel", "/api/v1/orders/O123/cancel"):
            answer = client.post(path, headers=as_stranger)
            assert (answer.status_code, answer.json["code"]) == (404, "order_not_found")
        assert client.post(f"/api/v1/orders/{order.order_no}/cancel").status_code == 401

        assert waiting() == [("orders.expire", order.id)]
        assert queries.get(session, order_no=order.order_no).status == "unpaid"

    @pytest.mark.parametrize("status", [OrderStatus.UNPAID, OrderStatus.CLOSING])
    def test_closing_gives_everything_back_once(self, session, now, status, breaches):
        make_published(session, steps=[(9900, 100)], max_uses=1, starts_at=now, now=now)
        order = make_order(session, now=now, quantity=2, status=status)

        closed = [
            orders.close(session, order_id=order.id, reason=CloseReason.EXPIRED, now=now)
            for _ in range(2)
        ]

        assert closed == [True, False]
        assert stock_of(session, order) == (10, 0, 0)
        fresh = queries.get(session, order_no=order.order_no)
        was_cancelled = status is OrderStatus.CLOSING
        assert fresh.close_reason == (CloseReason.BUYER if was_cancelled else CloseReason.EXPIRED)
        session.commit()
        assert breaches() == []

    def test_a_paid_order_is_not_closed(self, session, now):
        order = make_order(session, now=now, status=OrderStatus.PAID)

        assert orders.close(session, order_id=order.id, reason="expired", now=now) is False
        assert stock_of(session, order) == (9, 0, 1)


class TestExpiry:
    def test_an_order_expires_when_its_time_is_over_and_not_before(self, session, now, waiting):
        order = make_order(session, now=now, pay_within=timedelta(minutes=5))

        before = orders.expire(
            session, order_id=order.id, now=order.expires_at - timedelta.resolution
        )
        on_time = orders.expire(session, order_id=order.id, now=order.expires_at)
        again = orders.expire(session, order_id=order.id, now=order.expires_at)

        assert (before, on_time, again) == (False, True, False)
        fresh = queries.get(session, order_no=order.order_no)
        assert (fresh.status, fresh.close_reason) == ("closing", "expired")
        assert waiting().count(("payments.close_order", order.id)) == 1

    def test_a_paid_order_does_not_expire(self, session, now):
        order = make_order(session, now=now, status=OrderStatus.PAID)

        assert orders.expire(session, order_id=order.id, now=now + timedelta(days=1)) is False

    def test_the_timer_is_a_job_of_the_order(self, session, now, run_jobs, waiting):
        order = make_order(session, now=now - timedelta(minutes=31))
        session.commit()

        run_jobs()

        assert queries.get(session, order_no=order.order_no).status in {"closing", "closed"}

    def test_the_sweep_finds_what_the_timer_missed(self, session, now, waiting):
        late, early = (
            make_order(session, now=now),
            make_order(session, now=now + timedelta(minutes=9)),
        )
        session.execute(text("DELETE FROM procrastinate_jobs"))

        assert orders.expire_due(session, now=late.expires_at) == 1

        assert waiting() == [("payments.close_order", late.id)]
        assert queries.get(session, order_no=early.order_no).status == "unpaid"

    def test_the_sweep_asks_again_what_hangs_in_closing(self, session, now, waiting):
        order = make_order(session, now=now, status=OrderStatus.CLOSING)
        session.execute(text("DELETE FROM procrastinate_jobs"))

        assert orders.expire_due(session, now=now + ASK_AGAIN_AFTER - timedelta.resolution) == 0
        assert orders.expire_due(session, now=now + ASK_AGAIN_AFTER) == 1
        orders.expire_due(session, now=now + ASK_AGAIN_AFTER)

        assert waiting() == [("payments.close_order", order.id)]


class TestShow:
    def test_a_buyer_sees_all_of_their_order_and_nobody_elses(
        self, session, now, client, token_for, as_stranger
    ):
        make_published(session, steps=[(9900, 900)], starts_at=now, now=now)
        order = make_order(session, now=now, status=OrderStatus.SHIPPED, remark="轻拿轻放")
        orders.remark(session, order_no=order.order_no, text="老客户")
        session.commit()
        me = token_for(Audience.SHOPPER, order.buyer_id)

        shown = client.get(f"/api/v1/orders/{order.order_no}", headers=me).json

        assert shown["quote"]["trace"][0]["message"].startswith("已省 9 元")
        assert shown["shipments"][0]["tracking_no"] == "SF1234567890"
        assert shown["remark"] == "轻拿轻放"
        assert "staff_remark" not in shown
        other = client.get(f"/api/v1/orders/{order.order_no}", headers=as_stranger)
        assert (other.status_code, other.json["code"]) == (404, "order_not_found")

    def test_lists_page_by_page_and_counts_by_status(self, session, now, client, token_for):
        first = make_order(session, now=now, status=OrderStatus.PAID)
        buyer_id = first.buyer_id
        sku_id = session.scalar(text("SELECT sku_id FROM order_line"))
        session.execute(text("UPDATE sku SET available = 1000"))
        buyer = session.get(Member, buyer_id)
        made = [
            make_order(session, now=now, buyer=buyer, quantities={sku_id: 1}).order_no
            for _ in range(19)
        ]
        made.append(make_order(session, now=now, buyer=buyer, quantities={sku_id: 1}).order_no)
        make_order(session, now=now)
        session.commit()
        me = token_for(Audience.SHOPPER, buyer_id)

        page = client.get("/api/v1/orders", headers=me).json
        rest = client.get(f"/api/v1/orders?cursor={page['next_cursor']}", headers=me).json
        paid = client.get("/api/v1/orders?status=paid", headers=me).json
        counts = client.get("/api/v1/orders/counts", headers=me).json

        seen = [each["order_no"] for each in page["items"] + rest["items"]]
        assert seen == [*reversed(made), first.order_no]
        assert rest["next_cursor"] is None
        assert [each["order_no"] for each in paid["items"]] == [first.order_no]
        assert counts == dict.fromkeys(OrderStatus, 0) | {"unpaid": 20, "paid": 1}

    @pytest.mark.parametrize("query", ["status=lost", "cursor=x", "page=2", "cursor=WyJhIl0"])
    def test_bad_queries_are_refused(self, client, as_buyer, query):
        answer = client.get(f"/api/v1/orders?{query}", headers=as_buyer)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")


def test_for_payment_locks_only_the_buyers_own_order(session, now):
    order = make_order(session, now=now)

    mine = queries.for_payment(session, order_no=order.order_no, buyer_id=order.buyer_id)

    assert mine.id == order.id
    assert queries.locked(session, order_id=order.id).source == f"order:{order.order_no}"
    assert queries.order_nos(session, [order.id]) == {order.id: order.order_no}
    for order_no, buyer_id in ((order.order_no, 2**62), ("O", order.buyer_id)):
        with pytest.raises(OrderNotFound):
            queries.for_payment(session, order_no=order_no, buyer_id=buyer_id)


def test_the_database_itself_refuses_what_must_never_be(session, now):
    make_order(session, now=now, status=OrderStatus.PAID)
    session.commit()
    for change in (
        "payable_fen = payable_fen + 1",
        "refunded_fen = paid_fen + 1",
        "refunding_fen = paid_fen, refunded_fen = 1",
        "discount_fen = -1",
        "paid_fen = 1",
        "status = 'closed'",
        "status = 'shipped'",
        "status = 'refunded'",
        "status = 'lost'",
        "paid_at = NULL",
        "quote = 'x'",
        "freight_refunded_fen = 1",
    ):
        with pytest.raises(IntegrityError):
            session.execute(text(f"UPDATE shop_order SET {change}"))
        session.rollback()
    for change in (
        "quantity = 0",
        "amount_fen = amount_fen + 1",
        "payable_fen = payable_fen - 1",
        "refunding_fen = payable_fen, refunded_fen = 1",
        "restocked_quantity = quantity + 1",
    ):
        with pytest.raises(IntegrityError):
            session.execute(text(f"UPDATE order_line SET {change}"))
        session.rollback()
