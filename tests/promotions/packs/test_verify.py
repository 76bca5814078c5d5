"""Every promise about packs and points, broken behind the engine's back, is reported."""

import pytest
from sqlalchemy import text

from promotions import points
from promotions.packs import claims
from promotions.packs.verify import verify
from tests.builders.packs import (
    POINTS,
    coupons_of,
    make_gift_template,
    make_pack,
    make_person,
)
from tests.builders.promotions import NOON


@pytest.fixture
def claimed(session):
    template = make_gift_template(session)
    pack = make_pack(session, POINTS, coupons_of(template, 2), max_claims=5)
    points.grant(session, member_id=9, points=5, source="order:A", now=NOON)
    for left in (3, 0):
        points.take_back(session, source="order:A", left=left, now=NOON)
    claims.claim(session, pack_id=pack.id, person=make_person(), now=NOON)
    session.commit()
    assert list(verify(session)) == []
    return pack


@pytest.mark.parametrize(
    ("damage", "rule"),
    [
        ("UPDATE pack_counter SET claims = 2", "packs.counter_is_sum_of_claims"),
        ("UPDATE pack_counter SET spent_fen = 2", "packs.counter_is_sum_of_claims"),
        ("DELETE FROM pack_claim_key", "packs.claim_has_keys"),
        ("DELETE FROM coupon WHERE ordinal = 2", "packs.claim_gave_all_parts"),
        ("DELETE FROM points_grant WHERE source <> 'order:A'", "packs.claim_gave_all_parts"),
        ("UPDATE pack SET version = 9", "packs.every_version_on_record"),
        ("DELETE FROM pack_version WHERE version = 1", "packs.every_version_on_record"),
        ("UPDATE points_grant SET points = -6 WHERE points < 0", "points.taken_back_within_grant"),
        (
            "UPDATE points_grant SET source = 'order:B' WHERE points < 0",
            "points.taken_back_within_grant",
        ),
        (
            "UPDATE points_grant SET member_id = 8 WHERE points < 0",
            "points.taken_back_within_grant",
        ),
    ],
)
def test_what_is_damaged_is_found(session, claimed, damage, rule):
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(damage))

    assert {breach.rule for breach in verify(session)} == {rule}
    session.rollback()
