"""The proof finds what should never happen: every rule is broken on purpose."""

import pytest
from sqlalchemy import text

from app.orders import verify
from app.orders.models import OrderStatus
from tests.builders.catalogue import make_sku
from tests.builders.members import make_member
from tests.builders.orders import make_order
from tests.builders.promotions import AGREED, make_published

WRECKS = {
    "orders.parcels_are_what_left": "UPDATE order_line SET shipped_quantity = 1",
    "orders.parcels_are_of_their_order": """
        ALTER TABLE shipment DROP CONSTRAINT fk_shipment_order_id;
        WITH parcel AS (
            INSERT INTO shipment (id, order_id, company_code, company_name, tracking_no, shipped_at)
            SELECT 1, id + 1, 'SF', '顺丰', 'SF1', now() FROM shop_order RETURNING id
        )
        INSERT INTO shipment_line SELECT parcel.id, l.id, 1 FROM parcel, order_line AS l
    """,
    "orders.shipped_means_nothing_waits": "UPDATE shop_order SET status = 'shipped'",
    "orders.withheld_is_on_record": "UPDATE order_line SET quantity = 2, withheld_quantity = 1",
    "orders.items_are_the_sum_of_lines": "UPDATE order_line SET amount_fen = 1",
    "orders.discount_is_the_sum_of_lines": "UPDATE order_line SET discount_fen = 1",
    "orders.member_saves_are_the_sum_of_lines": "UPDATE order_line SET member_saves_fen = 1",
    "orders.tender_is_the_sum_of_lines": "UPDATE shop_order SET tender_fen = 1",
    "orders.payable_is_lines_and_freight": "UPDATE order_line SET payable_fen = 1",
    "orders.refunding_is_lines_and_freight": "UPDATE shop_order SET refunding_fen = 1",
    "orders.refunded_is_lines_and_freight": "UPDATE order_line SET refunded_fen = 1",
    "orders.refunds_are_on_record": "UPDATE shop_order SET refunded_fen = 1",
    "orders.returned_pieces_are_on_record": "UPDATE order_line SET refunded_quantity = 1",
    "orders.input_is_what_was_priced": "UPDATE shop_order SET quote_input = '{}'",
    "orders.gifts_are_the_quotes": "UPDATE order_line SET kind = 'gift', promotion_id = 1",
    "orders.quote_is_what_was_agreed": "UPDATE shop_order SET quote = quote || ' '",
    "orders.amounts_are_the_quotes": "UPDATE shop_order SET snapshot_version = 99",
    "orders.lines_are_the_quotes": "UPDATE order_line SET sku_id = sku_id + 1",
    "orders.stock_follows_the_status": "UPDATE stock_hold SET status = 'held'",
    "orders.holds_have_an_order": "UPDATE stock_hold SET source = 'order:O0'",
    "orders.coupons_follow_the_status": "UPDATE coupon SET status = 'held'",
    "orders.coupons_are_the_quotes": "UPDATE coupon SET held_by = NULL",
    "orders.promotions_follow_the_status": "UPDATE promotion_reservation SET status = 'released'",
}


@pytest.fixture
def an_order(session, now, template, give):
    make_published(session, steps=[(9900, 100)], starts_at=now, now=now, **AGREED)
    buyer = make_member(session)
    give(template, buyer)
    make_order(session, now=now, status=OrderStatus.PAID, buyer=buyer)
    make_sku(session)
    session.commit()


def test_every_rule_has_its_wreck():
    assert WRECKS.keys() == verify.RULES.keys()


@pytest.mark.parametrize("broken", WRECKS)
def test_a_broken_promise_is_found(session, an_order, broken):
    assert list(verify.verify(session)) == []

    # Without constraints, as a faulty restore or a hand in the database would do it.
    for table in (
        "shop_order",
        "order_line",
        "shipment",
        "stock_hold",
        "promotion_reservation",
        "coupon",
    ):
        drop = text(
            "SELECT 'ALTER TABLE ' || conrelid::regclass || ' DROP CONSTRAINT ' || conname"
            " FROM pg_constraint WHERE contype = 'c' AND conrelid = CAST(:table AS regclass)"
        )
        for statement in session.scalars(drop, {"table": table}).all():
            session.execute(text(statement))
    session.execute(text(WRECKS[broken]))

    found = {breach.rule for breach in verify.verify(session)}
    assert broken in found
    session.rollback()
