"""What `flask verify` finds when the tables say something the coupons do not."""

import pytest
from sqlalchemy import select, text

from promotions import coupons
from promotions.coupons.models import CouponCode
from promotions.coupons.verify import verify
from promotions.pricing import Buyer
from tests.builders.coupons import make_coupon, make_template
from tests.builders.promotions import NOON, STAFF

ME = 7


@pytest.fixture
def promotion(session):
    """A limited template with a claimed, a pushed, a given and a redeemed coupon."""
    promotion = make_template(session, max_issued=9, member_max=4, member_day_max=3)
    wanted = {"promotion_id": promotion.id, "now": NOON}
    coupons.claim(session, member_id=ME, buyer=Buyer(), **wanted)
    coupons.push(session, member_ids=[ME], source="push:1", **wanted)
    coupons.issue(session, member_id=ME, source="order:A", **wanted)
    coupons.make_codes(session, count=2, staff_id=STAFF, **wanted)
    code = session.scalar(select(CouponCode.code))
    coupons.redeem(session, code=code, member_id=ME, now=NOON)
    return promotion


def found(session):
    return [breach.rule for breach in verify(session)]


def test_a_sound_house_has_nothing_to_report(session, promotion):
    make_coupon(session, member_id=ME)
    coupons.expire(session, now=NOON)

    assert found(session) == []


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        (
            "UPDATE coupon_template SET issued = 3",
            "coupons.issued_is_count_of_coupons",
        ),
        (
            "UPDATE coupon_member_counter SET issued = 1 WHERE day = '0001-01-01'",
            "coupons.member_counter_is_count_of_coupons",
        ),
        (
            "UPDATE coupon_member_counter SET issued = 1 WHERE day <> '0001-01-01'",
            "coupons.member_counter_is_count_of_coupons",
        ),
        ("UPDATE coupon_code_batch SET codes = 9", "coupons.batch_is_whole"),
        (
            "UPDATE coupon SET source = 'code:0' WHERE way = 'code'",
            "coupons.code_became_its_coupon",
        ),
        (
            (
                "ALTER TABLE coupon DROP CONSTRAINT ck_coupon_held_by;"
                "UPDATE coupon SET held_by = 'order:A' WHERE way = 'gift'"
            ),
            "coupons.on_one_order_while_held",
        ),
        (
            (
                "ALTER TABLE coupon_template"
                " DROP CONSTRAINT ck_coupon_template_issued_within_total;"
                "UPDATE coupon_template SET max_issued = 1"
            ),
            "coupons.issued_is_count_of_coupons",
        ),
        (
            (
                "ALTER TABLE coupon_member_counter"
                " DROP CONSTRAINT ck_coupon_member_counter_issued_within_limit;"
                "UPDATE coupon_member_counter SET max_issued = 1 WHERE day = '0001-01-01'"
            ),
            "coupons.member_counter_is_count_of_coupons",
        ),
    ],
)
def test_what_does_not_add_up_is_found(session, promotion, change, rule):
    session.flush()
    for statement in change.split(";"):
        session.execute(text(statement))
    session.expire_all()

    assert found(session) == [rule]
    session.rollback()
