"""Limits are held, used up and given back; each step repeatable, none ever overspent."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text

from promotions import campaigns, limits, verify
from promotions.limits import BudgetExhausted, LimitReached, NotRunning, SourceReused, Use
from promotions.models import PromotionCounter, PromotionReservation
from promotions.pricing import Allowance
from promotions.states import ReservationStatus
from tests.builders.promotions import (
    NOON,
    make_cart,
    make_promotion,
    make_published,
    quote_of,
)

LATER = NOON + timedelta(minutes=5)
MEMBER, OTHER = 1, 2


def reserve(session, source, *uses, member_id=MEMBER, now=NOON):
    wanted = [Use(*use) for use in uses]
    limits.reserve(session, source=source, member_id=member_id, uses=wanted, now=now)


def left(session, promotion, member_id=MEMBER, now=NOON):
    return limits.allowances(session, [promotion.id], member_id=member_id, now=now)


def counted(session, promotion):
    counter = session.get(PromotionCounter, promotion.id, populate_existing=True)
    return (counter.uses_reserved, counter.reserved_fen, counter.uses_used, counter.used_fen)


def statuses(session, source):
    rows = select(PromotionReservation.status).where(PromotionReservation.source == source)
    return set(session.scalars(rows))


@pytest.fixture
def limited(session):
    return make_published(session, max_uses=3, budget_fen=1_000)


def test_a_quote_takes_one_use_of_each_applied_promotion():
    quote = quote_of(make_cart(), make_promotion(1), make_promotion(2))

    assert limits.uses_of(quote) == [Use(promotion_id=1, amount_fen=1_000, uses=1)]


class TestReserve:
    def test_holds_a_use_and_its_fen(self, session, limited):
        reserve(session, "order:A", (limited.id, 400))

        assert counted(session, limited) == (1, 400, 0, 0)
        assert left(session, limited) == (
            Allowance(promotion_id=limited.id, uses=2, budget_fen=600),
        )
        assert list(verify.verify(session)) == []

    def test_again_by_the_same_source_changes_nothing(self, session, limited):
        for _ in range(3):
            reserve(session, "order:A", (limited.id, 400))

        assert counted(session, limited) == (1, 400, 0, 0)

    @pytest.mark.parametrize("amount_fen", [400, 300])
    def test_what_was_given_back_is_taken_anew(self, session, limited, amount_fen):
        reserve(session, "order:A", (limited.id, 400))
        limits.release(session, source="order:A", now=LATER)

        reserve(session, "order:A", (limited.id, amount_fen), now=LATER)

        assert counted(session, limited) == (1, amount_fen, 0, 0)
        assert statuses(session, "order:A") == {ReservationStatus.RESERVED}
        assert limits.release(session, source="order:A", now=LATER) == 1
        assert counted(session, limited) == (0, 0, 0, 0)
        assert list(verify.verify(session)) == []

    def test_what_was_given_back_may_be_gone(self, session, limited):
        reserve(session, "order:A", (limited.id, 600))
        limits.release(session, source="order:A", now=LATER)
        reserve(session, "order:B", (limited.id, 500))

        with pytest.raises(BudgetExhausted):
            reserve(session, "order:A", (limited.id, 600))

    def test_something_else_by_the_same_source_is_refused(self, session, limited):
        other = make_published(session)
        reserve(session, "order:A", (limited.id, 400))
        session.commit()

        for uses in (
            [(limited.id, 401)],
            [(limited.id, 400), (other.id, 1)],
            [(other.id, 1)],
            [(limited.id, 400), (limited.id, 400)],
        ):
            with pytest.raises(SourceReused):
                reserve(session, "order:A", *uses)
            session.rollback()
        assert counted(session, limited) == (1, 400, 0, 0)

    def test_an_unlimited_promotion_is_only_noted(self, session):
        promotion = make_published(session)

        reserve(session, "order:A", (promotion.id, 400))

        assert statuses(session, "order:A") == {ReservationStatus.RESERVED}
        assert left(session, promotion) == ()

    def test_nothing_is_noted_for_nothing(self, session):
        reserve(session, "order:A")

        assert statuses(session, "order:A") == set()

    def test_the_last_use_is_the_last(self, session, limited):
        for source in ("order:A", "order:B", "order:C"):
            reserve(session, source, (limited.id, 1))

        with pytest.raises(LimitReached) as refused:
            reserve(session, "order:D", (limited.id, 1))

        assert refused.value.promotion_id == limited.id

    def test_a_budget_is_never_overspent(self, session, limited):
        reserve(session, "order:A", (limited.id, 600))

        with pytest.raises(BudgetExhausted):
            reserve(session, "order:B", (limited.id, 401))

    def test_the_last_fen_of_a_budget_can_be_spent(self, session, limited):
        reserve(session, "order:A", (limited.id, 600))
        reserve(session, "order:B", (limited.id, 400))

        assert left(session, limited)[0].budget_fen == 0

    def test_a_limit_of_uses_alone_and_a_budget_alone(self, session):
        once = make_published(session, max_uses=1)
        tight = make_published(session, budget_fen=100)

        reserve(session, "order:A", (once.id, 10**9), (tight.id, 100))
        session.commit()

        with pytest.raises(LimitReached):
            reserve(session, "order:B", (once.id, 1))
        session.rollback()
        with pytest.raises(BudgetExhausted):
            reserve(session, "order:B", (tight.id, 1))

    def test_all_or_none_is_held(self, session, limited):
        tight = make_published(session, budget_fen=100)
        session.commit()

        with pytest.raises(BudgetExhausted):
            reserve(session, "order:A", (limited.id, 400), (tight.id, 101))
        session.rollback()

        assert counted(session, limited) == (0, 0, 0, 0)
        assert statuses(session, "order:A") == set()

    def test_what_a_stale_price_promised_is_refused(self, session):
        paused, ended, early, late = (
            make_published(session),
            make_published(session),
            make_published(session, starts_at=LATER),
            make_published(session, ends_at=NOON + timedelta(seconds=1)),
        )
        campaigns.pause(session, promotion_id=paused.id, staff_id=1, now=NOON)
        campaigns.end(session, promotion_id=ended.id, staff_id=1, now=NOON)
        session.commit()

        for promotion, now in ((paused, NOON), (ended, NOON), (early, NOON), (late, LATER)):
            with pytest.raises(NotRunning) as refused:
                reserve(session, "order:A", (promotion.id, 1), now=now)
            assert refused.value.promotion_id == promotion.id
            session.rollback()
        reserve(session, "order:A", (late.id, 1))
        reserve(session, "order:B", (early.id, 1), now=LATER)


class TestConfirmAndRelease:
    def test_payment_uses_up_what_was_held(self, session, limited):
        reserve(session, "order:A", (limited.id, 400))

        assert limits.confirm(session, source="order:A", now=LATER) == 1

        assert counted(session, limited) == (0, 0, 1, 400)
        assert statuses(session, "order:A") == {ReservationStatus.CONFIRMED}
        assert list(verify.verify(session)) == []

    def test_closing_gives_back_what_was_held(self, session, limited):
        reserve(session, "order:A", (limited.id, 400))

        assert limits.release(session, source="order:A", now=LATER) == 1

        assert counted(session, limited) == (0, 0, 0, 0)
        reserve(session, "order:B", (limited.id, 1_000))
        assert list(verify.verify(session)) == []

    @pytest.mark.parametrize("first", [limits.confirm, limits.release])
    @pytest.mark.parametrize("second", [limits.confirm, limits.release])
    def test_only_the_first_of_them_counts(self, session, limited, first, second):
        reserve(session, "order:A", (limited.id, 400))
        first(session, source="order:A", now=LATER)
        before = counted(session, limited)

        assert second(session, source="order:A", now=LATER) == 0

        assert counted(session, limited) == before

    def test_a_source_that_holds_nothing_has_nothing_to_settle(self, session):
        assert limits.confirm(session, source="order:?", now=NOON) == 0

    def test_a_paused_campaign_still_keeps_what_orders_hold(self, session, limited):
        reserve(session, "order:A", (limited.id, 400))
        campaigns.pause(session, promotion_id=limited.id, staff_id=1, now=NOON)

        limits.confirm(session, source="order:A", now=LATER)

        assert counted(session, limited) == (0, 0, 1, 400)


class TestVerify:
    def test_a_counter_that_is_not_the_sum_of_its_reservations_is_found(self, session, limited):
        reserve(session, "order:A", (limited.id, 400))
        session.execute(text("UPDATE promotion_counter SET used_fen = 7"))

        (breach,) = verify.verify(session)

        assert breach.rule == "promotions.counter_is_sum_of_reservations"
        assert breach.subject == f"promotion {limited.id}"
        assert (
            breach.detail
            == "counted [1, 400, 0, 0, 7, 0], reservations sum to [1, 400, 0, 0, 0, 0]"
        )

    @pytest.mark.parametrize("overspent", ["uses_within_cap", "budget_within_cap"])
    def test_a_cap_that_is_exceeded_is_found(self, session, overspent):
        make_published(
            session, **{"uses_within_cap": {"max_uses": 1}}.get(overspent, {"budget_fen": 9})
        )
        session.execute(
            text(f"ALTER TABLE promotion_counter DROP CONSTRAINT ck_promotion_counter_{overspent}")
        )
        session.execute(text("UPDATE promotion_counter SET uses_used = 2, used_fen = 10"))

        rules = [breach.rule for breach in verify.verify(session)]

        assert "promotions.within_cap" in rules
        session.rollback()

    def test_a_published_campaign_that_cannot_be_priced_is_found(self, session, limited):
        session.execute(text("UPDATE promotion SET definition = definition || '{\"terms\": {}}'"))
        session.expire_all()

        (breach,) = verify.verify(session)

        assert breach.rule == "promotions.can_be_priced"

    def test_a_version_missing_on_record_is_found(self, session, limited):
        session.execute(text("UPDATE promotion SET version = 9"))

        (breach,) = verify.verify(session)

        assert breach == (
            "promotions.every_version_on_record",
            f"promotion {limited.id}",
            "at version 9 with 2 on record",
        )
