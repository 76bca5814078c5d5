"""Limits of one person, in pieces and in gifts; and how rivals let them be exceeded."""

from dataclasses import replace
from datetime import timedelta

import pytest
from sqlalchemy import text

from promotions import campaigns, limits, snapshots, verify
from promotions.limits import GiftOut, LimitReached, MemberLimitReached, NotRunning, Use
from promotions.models import PromotionCounter
from promotions.pricing import Adjustment, Allowance, Gift, Lane
from tests.builders.promotions import (
    GIFTS,
    NOON,
    OFF_PIECES,
    make_cart,
    make_line,
    make_published,
    quote_of,
)

MEMBER, OTHER = 1, 2
MIDNIGHT = NOON + timedelta(hours=12)
"""In China."""


def reserve(session, source, promotion, *, member_id=MEMBER, now=NOON, **taken):
    use = Use(promotion.id, **{"amount_fen": 100, **taken})
    limits.reserve(session, source=source, member_id=member_id, uses=[use], now=now)


def left(session, promotion, member_id=MEMBER, now=NOON):
    (allowance,) = limits.allowances(session, [promotion.id], member_id=member_id, now=now)
    return allowance


def proven(session):
    return list(verify.verify(session)) == []


class TestUses:
    def test_one_member_reaches_the_limit_and_another_does_not(self, session):
        promotion = make_published(session, member_max_uses=1)
        reserve(session, "order:A", promotion)

        assert (left(session, promotion).uses, left(session, promotion, OTHER).uses) == (0, 1)
        assert left(session, promotion, None).uses == 1
        with pytest.raises(MemberLimitReached) as refused, session.begin_nested():
            reserve(session, "order:B", promotion)
        assert refused.value.promotion_id == promotion.id
        reserve(session, "order:C", promotion, member_id=OTHER)
        assert proven(session)

    def test_what_was_given_back_can_be_had_again_and_what_was_used_cannot(self, session):
        promotion = make_published(session, member_max_uses=1)
        reserve(session, "order:A", promotion)
        limits.release(session, source="order:A", now=NOON)
        reserve(session, "order:B", promotion)
        limits.confirm(session, source="order:B", now=NOON)

        assert left(session, promotion).uses == 0
        with pytest.raises(MemberLimitReached):
            reserve(session, "order:A", promotion)

    def test_a_limit_a_day_begins_anew_at_midnight_in_china(self, session):
        promotion = make_published(session, member_max_uses=1, member_period="day")
        reserve(session, "order:A", promotion, now=MIDNIGHT - timedelta(seconds=1))

        assert left(session, promotion, now=MIDNIGHT - timedelta(seconds=1)).uses == 0
        assert left(session, promotion, now=MIDNIGHT).uses == 1
        reserve(session, "order:B", promotion, now=MIDNIGHT)
        with pytest.raises(MemberLimitReached):
            reserve(session, "order:C", promotion, now=MIDNIGHT)

    def test_given_back_tomorrow_it_is_given_back_to_the_day_it_was_taken(self, session):
        promotion = make_published(session, member_max_uses=1, member_period="day")
        reserve(session, "order:A", promotion)

        limits.release(session, source="order:A", now=MIDNIGHT)

        assert left(session, promotion).uses == 1
        assert left(session, promotion, now=MIDNIGHT).uses == 1
        assert proven(session)

    def test_the_lesser_of_what_all_and_what_one_may_have_is_left(self, session):
        promotion = make_published(session, max_uses=3, member_max_uses=2)
        assert left(session, promotion).uses == 2
        reserve(session, "order:A", promotion, member_id=OTHER)
        reserve(session, "order:B", promotion, member_id=OTHER)

        assert left(session, promotion).uses == 1
        assert left(session, promotion, OTHER).uses == 0

    def test_of_a_campaign_limited_per_person_only_nothing_shared_is_counted(self, session):
        promotion = make_published(session, member_max_uses=2)
        reserve(session, "order:A", promotion)
        limits.confirm(session, source="order:A", now=NOON)

        counter = session.get(PromotionCounter, promotion.id, populate_existing=True)
        assert (counter.uses_reserved, counter.uses_used) == (0, 0)
        assert proven(session)


class TestPieces:
    def test_pieces_are_held_used_and_given_back(self, session):
        promotion = make_published(session, **OFF_PIECES, max_units=5)
        reserve(session, "order:A", promotion, units=2)
        reserve(session, "order:B", promotion, units=3)
        limits.confirm(session, source="order:A", now=NOON)
        assert left(session, promotion).units == 0

        limits.release(session, source="order:B", now=NOON)

        counter = session.get(PromotionCounter, promotion.id, populate_existing=True)
        assert (counter.units_reserved, counter.units_used) == (0, 2)
        assert left(session, promotion).units == 3
        assert proven(session)

    def test_more_pieces_than_are_left_are_refused(self, session):
        promotion = make_published(session, **OFF_PIECES, max_units=5)
        reserve(session, "order:A", promotion, units=3)

        with pytest.raises(LimitReached):
            reserve(session, "order:B", promotion, units=3)

    @pytest.mark.parametrize("before", [0, 2])
    def test_one_member_may_not_have_more_pieces(self, session, before):
        promotion = make_published(session, **OFF_PIECES, member_max_units=3)
        if before:
            reserve(session, "order:A", promotion, units=before)

        with pytest.raises(MemberLimitReached), session.begin_nested():
            reserve(session, "order:B", promotion, units=4 - before)

        reserve(session, "order:C", promotion, units=3 - before)
        assert left(session, promotion) == Allowance(promotion_id=promotion.id, units=0)


class TestGifts:
    def test_gifts_are_held_used_and_given_back(self, session):
        promotion = make_published(session, **GIFTS, gift_stock=[{"sku_id": 8, "total": 3}])
        reserve(session, "order:A", promotion, gifts=((8, 2), (9, 50)), amount_fen=0)
        reserve(session, "order:B", promotion, gifts=((8, 1),), amount_fen=0)
        assert left(session, promotion).gifts == ((8, 0),)
        assert proven(session)

        limits.confirm(session, source="order:A", now=NOON)
        limits.release(session, source="order:B", now=NOON)

        assert left(session, promotion) == Allowance(promotion_id=promotion.id, gifts=((8, 1),))
        assert proven(session)

    def test_the_last_gift_is_the_last(self, session):
        promotion = make_published(session, **GIFTS, gift_stock=[{"sku_id": 8, "total": 1}])
        reserve(session, "order:A", promotion, gifts=((8, 1),))

        with pytest.raises(GiftOut):
            reserve(session, "order:B", promotion, gifts=((8, 1),))

    def test_an_order_takes_the_gifts_and_pieces_of_its_quote(self):
        gifts = [
            Gift(sku_id=sku_id, quantity=pieces, value_fen=1)
            for sku_id, pieces in ((9, 1), (8, 1), (9, 2))
        ]
        adjustment = Adjustment(
            promotion_id=4,
            kind="any",
            lane=Lane.ORDER,
            title="",
            shares={1: 50},
            freight_fen=0,
            units={1: 2, 2: 1},
            gifts=tuple(gifts),
        )

        cart = make_cart(make_line(1, sku_id=7), make_line(2, sku_id=6))
        quote = replace(quote_of(cart), adjustments=(adjustment,))

        assert limits.uses_of(quote) == [
            Use(4, 50, uses=1, units=3, gifts=((8, 1), (9, 3)), pieces=((6, 1), (7, 2)))
        ]


class TestSlots:
    HAPPY_HOUR = ({"weekdays": [2], "from_minute": 720, "until_minute": 780},)
    """A Wednesday noon in China."""

    def test_an_order_is_placed_within_a_slot_only(self, session):
        promotion = make_published(session, slots=self.HAPPY_HOUR)

        reserve(session, "order:A", promotion)
        reserve(session, "order:B", promotion, now=NOON + timedelta(minutes=59))
        for late in (timedelta(hours=1), timedelta(days=1)):
            with pytest.raises(NotRunning), session.begin_nested():
                reserve(session, "order:C", promotion, now=NOON + late)
        reserve(session, "order:D", promotion, now=NOON + timedelta(weeks=1))


class TestBugsOfRivals:
    """Named after `CRMEB` findings: each fails on a version that believes the price it is shown."""

    def test_crmeb_b18_a_lifetime_limit_is_checked_again_in_the_orders_transaction(self, session):
        promotion = make_published(session, member_max_uses=1)
        snapshot = snapshots.load(session, now=NOON)
        cart = make_cart(
            allowances=limits.allowances(session, [promotion.id], member_id=MEMBER, now=NOON)
        )
        seen_twice = [quote_of(cart, *snapshot.promotions.values()) for _ in range(2)]
        assert [quote.discount_fen for quote in seen_twice] == [1_000, 1_000]

        def place(source, quote):
            uses = limits.uses_of(quote)
            limits.reserve(session, source=source, member_id=MEMBER, uses=uses, now=NOON)

        place("order:A", seen_twice[0])
        with pytest.raises(MemberLimitReached):
            place("order:B", seen_twice[1])

    def test_crmeb_b18_a_limit_in_pieces_counts_all_orders_not_one_cart(self, session):
        promotion = make_published(session, **OFF_PIECES, member_max_units=3)
        for source in ("order:A", "order:B", "order:C"):
            reserve(session, source, promotion, units=1)
            limits.confirm(session, source=source, now=NOON)

        allowances = limits.allowances(session, [promotion.id], member_id=MEMBER, now=NOON)
        cart = make_cart(make_line(quantity=2), allowances=allowances)
        quote = quote_of(cart, *snapshots.load(session, now=NOON).promotions.values())

        assert (left(session, promotion).units, quote.discount_fen) == (0, 0)

    @pytest.mark.parametrize(
        "more",
        [
            {"ends_at": NOON + timedelta(minutes=10)},
            {"slots": ({"from_minute": 720, "until_minute": 730},)},
        ],
        ids=["window", "slot"],
    )
    def test_crmeb_b2_the_window_is_checked_again_when_the_order_is_placed(self, session, more):
        promotion = make_published(session, **more)
        promotions = snapshots.load(session, now=NOON).promotions.values()
        seen = quote_of(make_cart(), *promotions)
        assert seen.discount_fen == 1_000

        late = NOON + timedelta(minutes=10)
        with pytest.raises(NotRunning) as refused:
            limits.reserve(
                session,
                source="order:A",
                member_id=MEMBER,
                uses=limits.uses_of(seen),
                now=late,
            )

        assert refused.value.promotion_id == promotion.id

    def test_crmeb_b2_a_limit_that_changed_after_the_price_was_seen_counts(self, session):
        promotion = make_published(session, max_uses=9)
        seen = quote_of(make_cart(), *snapshots.load(session, now=NOON).promotions.values())
        reserve(session, "order:A", promotion, member_id=OTHER)
        campaigns.change_limits(
            session, promotion_id=promotion.id, limits={"max_uses": 1}, staff_id=1, now=NOON
        )

        with pytest.raises(LimitReached):
            limits.reserve(
                session,
                source="order:B",
                member_id=MEMBER,
                uses=limits.uses_of(seen),
                now=NOON,
            )


class TestVerify:
    def damaged(self, session, statement):
        session.execute(text(statement))
        return [(breach.rule, breach.detail) for breach in verify.verify(session)]

    def test_a_member_counter_that_is_not_the_sum_is_found(self, session):
        reserve(session, "order:A", make_published(session, member_max_uses=5))

        assert self.damaged(session, "UPDATE promotion_member_counter SET uses = 3") == [
            (
                "promotions.member_counter_is_sum_of_reservations",
                "counted [3, 0], reservations sum to [1, 0]",
            )
        ]

    def test_a_member_counter_that_is_missing_is_found(self, session):
        reserve(session, "order:A", make_published(session, member_max_uses=5))

        ((rule, detail),) = self.damaged(session, "DELETE FROM promotion_member_counter")

        assert rule == "promotions.member_counter_is_sum_of_reservations"
        assert detail == "counted [0, 0], reservations sum to [1, 0]"

    def test_a_member_who_has_more_than_one_may_is_found(self, session):
        reserve(session, "order:A", make_published(session, member_max_uses=5))
        session.execute(
            text(
                "ALTER TABLE promotion_member_counter"
                " DROP CONSTRAINT ck_promotion_member_counter_uses_within_cap"
            )
        )

        found = self.damaged(session, "UPDATE promotion_member_counter SET max_uses = 0")

        assert found == [("promotions.within_cap", "[1, 0] taken of [0, None]")]
        session.rollback()

    def test_gift_stock_that_is_not_the_sum_is_found(self, session):
        promotion = make_published(session, **GIFTS, gift_stock=[{"sku_id": 8, "total": 3}])
        reserve(session, "order:A", promotion, gifts=((8, 1),))

        assert self.damaged(session, "UPDATE promotion_gift_stock SET units_used = 2") == [
            (
                "promotions.gift_stock_is_sum_of_reservations",
                "counted [1, 2], reservations sum to [1, 0]",
            )
        ]

    def test_gift_stock_that_is_not_what_the_set_up_says_is_found(self, session):
        make_published(session, **GIFTS, gift_stock=[{"sku_id": 8, "total": 3}])

        ((rule, detail),) = self.damaged(session, "UPDATE promotion_gift_stock SET max_units = 9")

        assert rule == "promotions.gift_stock_as_set_up"
        assert detail == "the set-up says {8: 3}, the stock {8: 9}"
