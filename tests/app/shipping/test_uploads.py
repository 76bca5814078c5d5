"""WeChat ends up knowing the parcels of each order as they stand, whatever goes wrong between."""

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from app.core import clock
from app.core.auth import Audience
from app.members import service as members
from app.orders import leaving, parcels, queries
from app.orders.leaving import Carrier
from app.orders.models import OrderStatus
from app.payments import calls as payments
from app.payments.models import Payment
from app.shipping import calls, jobs
from app.shipping.models import ShippingUpload
from app.shop.rules import UploadShipping
from app.wechat.shipping import ShippingClient
from tests.builders.catalogue import make_sku
from tests.builders.members import make_member
from tests.builders.orders import make_order
from tests.builders.shop import decide
from tests.builders.staff import make_staff

CALL = "upload_shipping_info"


class Shop:
    """A shop that sells, ships and tells, and what WeChat knows of it."""

    def __init__(self, session, wechat, client, token_for, run_jobs):
        self.session, self.wechat, self.client = session, wechat, client
        self.run_jobs = run_jobs
        self.staff = make_staff(session)
        session.commit()
        self.headers = token_for(Audience.STAFF, self.staff.id)
        wechat.control("POST", "settings", trade_managed="yes")

    def sell(self, **pieces):
        """An order paid at WeChat of `a` pieces of one thing and `b` of another."""
        quantities = {make_sku(self.session).id: count for count in pieces.values()}
        order = make_order(
            self.session, now=clock.now(), buyer=make_member(self.session), quantities=quantities
        )
        self.session.commit()
        payments.prepay(order_no=order.order_no, buyer_id=order.buyer_id)
        number = self.payment(order).out_trade_no
        self.wechat.control("POST", f"trades/{number}/pay", unchecked=True)
        payments.ask(number)
        self.run_jobs()
        return self.look(order)

    def look(self, order):
        self.session.rollback()
        return queries.get(self.session, order_no=order.order_no)

    def payment(self, order):
        return self.session.query(Payment).filter_by(order_id=order.id).one()

    def ship(self, order, number, *counts):
        """Send an express parcel with so many pieces of each line; all that waits if none said."""
        lines = zip(self.look(order).lines, counts, strict=False)
        leaving.ship(
            self.session,
            order_no=order.order_no,
            company_code="SF",
            company_name="顺丰速运",
            tracking_no=number,
            quantities={line.id: count for line, count in lines if count} or None,
            now=clock.now(),
        )
        self.session.commit()

    def correct(self, order, index, number):
        shipment = sorted(self.look(order).shipments, key=lambda each: each.id)[index]
        parcels.correct(
            self.session,
            order_no=order.order_no,
            shipment_id=shipment.id,
            right=Carrier("SF", "顺丰速运", number),
            staff_id=self.staff.id,
            reason="抄错",
            now=clock.now(),
        )
        self.session.commit()

    def upload(self, order):
        self.session.rollback()
        return self.session.get(ShippingUpload, order.id, populate_existing=True)

    def told(self, order):
        """What WeChat knows: whether it is all, and the numbers of the parcels."""
        shown = self.wechat.control("GET", f"shipping/{self.payment(order).out_trade_no}")
        known = shown["shipping"]
        numbers = [each.get("tracking_no") for each in known.get("shipping_list", [])]
        return known["finish_shipping"], numbers

    def settle(self, hours=3):
        """Time passes until nothing is due."""
        for _ in range(hours):
            self.run_jobs(ahead=timedelta(hours=1))
            self.session.rollback()
            self.session.execute(
                ShippingUpload.__table__.update()
                .where(ShippingUpload.next_at.is_not(None))
                .values(next_at=clock.now())
            )
            self.session.commit()
            jobs.sweep()
        self.run_jobs()


@pytest.fixture
def shop(app, session, wechat, client, token_for, run_jobs):
    return Shop(session, wechat, client, token_for, run_jobs)


def test_a_parcel_with_everything_is_told_as_one(shop, wechat):
    order = shop.sell(a=2)

    shop.ship(order, "SF0001")
    shop.run_jobs()

    assert shop.told(order) == (True, ["SF0001"])
    shown = wechat.control("GET", f"shipping/{shop.payment(order).out_trade_no}")
    assert shown["order_state"] == 2
    assert shown["shipping"]["delivery_mode"] == 1
    (parcel,) = shown["shipping"]["shipping_list"]
    assert parcel["item_desc"].endswith("×2")
    assert parcel["contact"]["receiver_contact"][3:7] == "****"
    upload = shop.upload(order)
    assert (upload.status, upload.next_at, upload.attempts) == ("accepted", None, 1)


def test_parcels_are_told_as_they_leave_and_at_last_that_it_is_all(shop):
    order = shop.sell(a=2, b=1)

    shop.ship(order, "SF0001", 1)
    shop.run_jobs()
    assert shop.told(order) == (False, ["SF0001"])

    shop.ship(order, "SF0002")
    shop.run_jobs()
    assert shop.told(order) == (True, ["SF0001", "SF0002"])


def test_a_number_put_right_is_told_once_and_then_refused_for_staff_to_see(shop, client):
    order = shop.sell(a=1)
    shop.ship(order, "SF0001")
    shop.run_jobs()

    shop.correct(order, 0, "SF0002")
    shop.run_jobs()
    assert shop.told(order) == (True, ["SF0002"])

    shop.correct(order, 0, "SF0003")
    shop.run_jobs()
    assert shop.told(order) == (True, ["SF0002"])
    assert shop.upload(order).status == "refused"
    listed = client.get("/admin/v1/shipping/uploads", headers=shop.headers).json["items"]
    assert [(each["order_no"], "10060003" in each["last_error"]) for each in listed] == [
        (order.order_no, True)
    ]


def test_what_nobody_tracks_is_told_when_all_has_left(shop):
    order = shop.sell(a=2)
    first = {order.lines[0].id: 1}
    for quantities in (first, None):
        assert shop.upload(order) is None or shop.upload(order).next_at is None
        parcels.deliver(
            shop.session,
            order_no=order.order_no,
            courier_name="小周",
            courier_phone="13900001111",
            quantities=quantities,
            now=clock.now(),
        )
        shop.session.commit()
        shop.run_jobs()

    shown = shop.wechat.control("GET", f"shipping/{shop.payment(order).out_trade_no}")["shipping"]
    assert (shown["logistics_type"], shown["delivery_mode"]) == (2, 1)
    assert shop.upload(order).status == "accepted"


@pytest.mark.parametrize("rule", ["off", "auto", "on"])
def test_wechat_is_told_as_the_rules_say(shop, wechat, session, now, rule):
    wechat.control("POST", "settings", trade_managed="no")
    decide(session, now=now, upload_shipping=UploadShipping(rule))
    session.commit()
    order = shop.sell(a=1)

    shop.ship(order, "SF0001")
    shop.run_jobs()

    upload = shop.upload(order)
    found = None if upload is None else upload.status
    # Told although it does not want to know, WeChat refuses: the rule says so, staff see it.
    assert found == {"off": None, "auto": "not_needed", "on": "refused"}[rule]


def test_an_order_that_is_not_paid_at_wechat_is_never_told(shop, session, now):
    order = make_order(session, now=now, status=OrderStatus.PAID)
    order.transaction_id = None
    session.commit()

    shop.ship(order, "SF0001")
    shop.run_jobs()

    assert shop.upload(order) is None


@pytest.mark.parametrize("kind", ["500", "lost", "error", "malformed_json", "accepted_500"])
def test_an_unknown_answer_is_asked_again(shop, wechat, kind):
    order = shop.sell(a=1)
    wechat.fault(CALL, kind)

    shop.ship(order, "SF0001")
    shop.run_jobs()
    waiting = shop.upload(order)
    assert (waiting.status, waiting.attempts) == ("waiting", 1)
    assert waiting.last_error
    calls.carry(order.id)
    assert shop.upload(order).attempts == 1, "not before its time"
    shop.settle(1)

    assert shop.told(order) == (True, ["SF0001"])
    assert shop.upload(order).status == "accepted"
    assert shop.upload(order).last_error is None


def test_what_changes_during_the_call_is_told_after_it(shop, wechat, monkeypatch):
    order = shop.sell(a=2)
    shop.ship(order, "SF0001", 1)
    upload = ShippingClient.upload

    def slow(client, body):
        upload(client, body)
        monkeypatch.setattr(ShippingClient, "upload", upload)
        shop.ship(order, "SF0002")
        jobs.parcels_changed(order.id)

    monkeypatch.setattr(ShippingClient, "upload", slow)
    shop.run_jobs()

    assert shop.told(order) == (True, ["SF0001", "SF0002"])


def test_a_person_who_left_and_money_that_went_back_need_nothing(shop, session, now):
    order = shop.sell(a=1)
    shop.ship(order, "SF0001")
    members.leave(session, member_id=order.buyer_id, now=now)
    session.commit()

    shop.run_jobs()

    assert shop.upload(order).status == "not_needed"


class TestHearing:
    @pytest.mark.parametrize("form", ["json", "xml"])
    def test_a_receipt_at_wechat_is_a_receipt_here(self, shop, wechat, client, form):
        wechat.control("POST", "settings", push_format=form)
        order = shop.sell(a=1)
        shop.ship(order, "SF0001")
        shop.run_jobs()

        wechat.control("POST", f"shipping/{shop.payment(order).out_trade_no}/confirm")
        for _ in range(2):
            wechat.deliver(client)
        shop.run_jobs()

        assert shop.look(order).status == "received"
        assert shop.upload(order).settled_at is not None

    def test_a_receipt_wechat_does_not_confirm_is_none(self, shop, wechat, client):
        order = shop.sell(a=1)
        shop.ship(order, "SF0001")
        shop.run_jobs()
        number = shop.payment(order).out_trade_no
        wechat.push(
            "o-1",
            calls.SETTLED,
            merchant_trade_no=number,
            confirm_receive_time=1,
            settlement_time=1,
        )

        wechat.deliver(client)
        shop.run_jobs()

        assert shop.look(order).status == "shipped"
        assert shop.upload(order).settled_at is None

    def test_what_wechat_waits_for_is_in_the_list_of_staff(self, shop, wechat, client):
        order = shop.sell(a=1)
        order.paid_at -= timedelta(hours=49)
        shop.session.commit()
        wechat.control("POST", f"shipping/{shop.payment(order).out_trade_no}/late")
        wechat.push("o-1", "trade_manage_remind_access_api", msg="请尽快接入")

        wechat.deliver(client)
        shop.run_jobs()

        (listed,) = client.get("/admin/v1/shipping/to-ship", headers=shop.headers).json["items"]
        assert (listed["order_no"], listed["is_late"]) == (order.order_no, True)
        assert listed["reminded_at"] is not None
        shop.ship(shop.look(order), "SF0001")
        assert client.get("/admin/v1/shipping/to-ship", headers=shop.headers).json["items"] == []


class TestStaff:
    def test_the_buyer_is_reminded_to_confirm_once(self, shop, client):
        order = shop.sell(a=1)
        path = f"/admin/v1/orders/{order.order_no}/receipt-reminder"
        assert client.post(path, headers=shop.headers).json["code"] == "shipping_upload_not_found"
        shop.ship(order, "SF0001")
        shop.run_jobs()

        first = client.post(path, headers=shop.headers)
        second = client.post(path, headers=shop.headers)

        assert (first.status_code, first.json["receipt_asked_at"] is None) == (200, False)
        assert (second.status_code, second.json["code"]) == (409, "receipt_reminder_used")

    def test_a_reminder_that_came_to_nothing_may_be_asked_for_again(self, shop, client, wechat):
        order = shop.sell(a=1)
        shop.ship(order, "SF0001")
        shop.run_jobs()
        path = f"/admin/v1/orders/{order.order_no}/receipt-reminder"
        wechat.fault("notify_confirm_receive", "accepted_500")

        assert client.post(path, headers=shop.headers).status_code == 503
        assert shop.upload(order).receipt_asked_at is None
        assert client.post(path, headers=shop.headers).status_code == 200

    def test_what_was_refused_is_told_again_when_staff_say_so(self, shop, client, wechat):
        order = shop.sell(a=1)
        path = f"/admin/v1/orders/{order.order_no}/shipping-upload"
        assert client.post(path, headers=shop.headers).status_code == 404
        wechat.fault(CALL, "error", args={"errcode": 10060014})
        shop.ship(order, "SF0001")
        shop.run_jobs()
        assert client.get(path, headers=shop.headers).json["status"] == "refused"

        assert client.post(path, headers=shop.headers).json["status"] == "waiting"
        shop.run_jobs()

        assert client.get(path, headers=shop.headers).json["status"] == "accepted"
        assert shop.told(order) == (True, ["SF0001"])


@settings(
    max_examples=4, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
@given(data=st.data())
def test_wechat_knows_the_parcels_as_they_stand_whatever_happened(shop, data):
    order = shop.sell(a=3, b=2)
    left, expected = [3, 2], []
    corrections = 0
    for step in range(data.draw(st.integers(1, 4))):
        if data.draw(st.booleans()):
            shop.wechat.fault(CALL, data.draw(st.sampled_from(["500", "accepted_500", "lost"])))
        counts = [data.draw(st.integers(0, each)) for each in left]
        if any(counts):
            number = f"SF{step:04d}"
            shop.ship(order, number, *counts)
            left = [have - gone for have, gone in zip(left, counts, strict=True)]
            expected.append(number)
        elif expected and any(left):
            corrections += 1
            expected[0] = f"SF9{corrections:03d}"
            shop.correct(order, 0, expected[0])
        if data.draw(st.booleans()):
            shop.run_jobs()

    shop.settle()

    upload = shop.upload(order)
    assert shop.told(order) == (bool(expected) and not any(left), expected)
    assert (upload.status if upload else None) == ("accepted" if expected else None)
    shop.wechat.control("DELETE", "faults")
