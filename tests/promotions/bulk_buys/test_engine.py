"""What is collected, when it is closed, and what that comes to for each share."""

from datetime import timedelta

import pytest
from sqlalchemy.exc import IntegrityError

from promotions import bulk_buys, campaigns, limits
from promotions import queries as all_campaigns
from promotions.bulk_buys import Line, ShareState, queries
from promotions.bulk_buys.collecting import lines_of
from promotions.bulk_buys.models import BulkBuyStanding, BulkShare
from promotions.bulk_buys.verify import verify
from tests.builders.bulk_buys import bulk_terms, end, make_bulk_buy
from tests.builders.promotions import NOON, STAFF, make_campaign, make_published
from tests.promotions.bulk_buys.conftest import ENDS


def standing(session, promotion):
    return queries.standings(session, [promotion.id])[promotion.id]


def close(session, promotion, *, now=ENDS):
    return bulk_buys.close(session, promotion_id=promotion.id, now=now)


def settle(session, source, *, now=ENDS):
    """Settle a share as it reckons, without the money."""
    found = bulk_buys.locked(session, source=source)
    if found is None:
        return None
    share, at = found
    rule = queries.rule_for(all_campaigns.get(session, share.promotion_id))
    ends = bulk_buys.reckon(rule, lines_of(share), tier=at.tier)
    due = 777 if ends.state is ShareState.FAILED else ends.due_fen
    bulk_buys.settle(session, share, ends.state, due_back_fen=due, now=now)
    return ends


class TestCollecting:
    def test_what_is_paid_is_collected_once(self, session, promotion, pay):
        assert pay(promotion, "order:a", quantity=3)
        assert not pay(promotion, "order:a", quantity=3)

        assert standing(session, promotion).collected == 3

    def test_pieces_that_go_back_do_not_count_and_count_again_if_they_stay(
        self, session, promotion, pay
    ):
        pay(promotion, "order:a", quantity=3)

        for gone, collected in (({1: 2}, 1), ({1: 2}, 1), ({}, 3), ({1: 3}, 0)):
            assert bulk_buys.leave(session, source="order:a", gone=gone)
            assert standing(session, promotion).collected == collected
            assert list(verify(session)) == []

    def test_an_order_of_no_bulk_buy_leaves_nothing(self, session):
        assert not bulk_buys.leave(session, source="order:none", gone={1: 1})

    def test_nothing_was_collected_of_what_nobody_bought(self, session, promotion):
        assert standing(session, promotion) == queries.NOTHING_YET


class TestClosing:
    def test_it_is_closed_once_at_the_tier_it_reached(self, session, promotion, pay):
        pay(promotion, "order:a", quantity=10)

        assert close(session, promotion)
        assert not close(session, promotion)
        assert standing(session, promotion) == (10, ENDS, 1)

    def test_not_before_its_end(self, session, promotion):
        early = ENDS - timedelta(seconds=1)

        assert bulk_buys.due_to_close(session, now=early) == []
        assert not close(session, promotion, now=early)
        assert bulk_buys.due_to_close(session, now=ENDS) == [promotion.id]

    def test_not_while_an_order_is_unpaid(self, session, promotion, order, pay):
        order(promotion, "order:a")
        assert queries.unpaid(session, promotion.id) == 1
        assert not close(session, promotion)

        pay(promotion, "order:a")
        assert close(session, promotion)

    def test_once_the_last_unpaid_order_is_closed(self, session, promotion, order):
        order(promotion, "order:a")
        limits.release(session, source="order:a", now=ENDS)

        assert close(session, promotion)

    def test_at_once_when_staff_end_it_and_also_while_paused(self, session, promotion):
        end(session, promotion, now=NOON)
        other = make_bulk_buy(session, prices={1: 9}, tiers=[(2, {1: 8})], now=NOON)
        campaigns.pause(session, promotion_id=other.id, staff_id=STAFF, now=NOON)

        assert bulk_buys.due_to_close(session, now=NOON) == [promotion.id]
        assert bulk_buys.due_to_close(session, now=ENDS) == [promotion.id, other.id]

    def test_a_campaign_of_another_kind_is_no_business_of_it(self, session):
        make_published(session, ends_at=ENDS)

        assert bulk_buys.due_to_close(session, now=ENDS) == []

    def test_a_draft_is_never_due(self, session):
        make_bulk_buy_draft(session)

        assert bulk_buys.due_to_close(session, now=ENDS) == []

    def test_what_is_paid_or_goes_back_afterwards_changes_nothing(self, session, promotion, pay):
        pay(promotion, "order:a", quantity=10)
        close(session, promotion)

        pay(promotion, "order:late", quantity=90)
        bulk_buys.leave(session, source="order:a", gone={1: 10})

        assert standing(session, promotion) == (10, ENDS, 1)
        assert queries.share_of(session, source="order:late").counted == 0
        assert settle(session, "order:late").due_fen == 90 * 1_000
        assert settle(session, "order:a").state is ShareState.GONE
        assert list(verify(session)) == []


def make_bulk_buy_draft(session):
    terms = bulk_terms({1: 9}, [(2, {1: 8})])
    campaign = make_campaign(kind="bulk_buy", terms=terms, ends_at=ENDS)
    return campaigns.create(session, campaign=campaign, staff_id=STAFF, now=NOON)


class TestSettling:
    def test_nothing_is_settled_before_it_is_closed(self, session, promotion, pay):
        pay(promotion, "order:a")

        assert bulk_buys.locked(session, source="order:a") is None
        assert bulk_buys.locked(session, source="order:none") is None
        assert bulk_buys.hanging(session, after_id=0, limit=9) == []

    def test_a_cheaper_tier_is_due_back_once(self, session, promotion, pay):
        pay(promotion, "order:a", quantity=10)
        close(session, promotion)
        ((share_id, source),) = bulk_buys.hanging(session, after_id=0, limit=9)

        assert settle(session, source).due == {1: 10_000}
        assert settle(session, source) is None
        assert bulk_buys.hanging(session, after_id=0, limit=9) == []
        assert bulk_buys.hanging(session, after_id=share_id, limit=9) == []
        assert queries.share_of(session, source=source).due_back_fen == 10_000
        assert not bulk_buys.leave(session, source=source, gone={1: 1})

    def test_the_first_tier_leaves_everything_as_paid(self, session, promotion, pay):
        pay(promotion, "order:a")
        close(session, promotion)

        assert settle(session, "order:a").state is ShareState.KEPT

    def test_too_few_pieces_fail(self, session, pay):
        promotion = make_bulk_buy(session, prices={1: 9_900}, terms={"min_pieces": 2}, now=NOON)
        pay(promotion, "order:a")
        assert queries.is_undecided(session, source="order:a")
        close(session, promotion)

        assert standing(session, promotion).tier is None
        assert settle(session, "order:a").state is ShareState.FAILED
        assert not queries.is_undecided(session, source="order:a")
        assert list(verify(session)) == []

    def test_pieces_that_went_back_before_are_due_nothing(self, session, promotion, pay):
        pay(promotion, "order:a", quantity=12)
        bulk_buys.leave(session, source="order:a", gone={1: 2})
        close(session, promotion)

        assert settle(session, "order:a").due == {1: 10_000}


class TestFigures:
    def test_they_count_orders_by_how_they_ended(self, session, promotion, pay):
        pay(promotion, "order:a", quantity=9)
        pay(promotion, "order:b", quantity=1)
        pay(promotion, "order:c", quantity=1, member_id=2)
        bulk_buys.leave(session, source="order:c", gone={1: 1})
        close(session, promotion)
        for source in ("order:a", "order:c"):
            settle(session, source)

        assert queries.figures(session, promotion.id) == queries.Figures(
            buyers=2,
            orders=3,
            pieces=11,
            paid_fen=11 * 9_900,
            due_back_fen=9_000,
            unsettled=1,
            lowered=1,
            kept=0,
            failed=0,
            gone=1,
        )

    def test_a_campaign_nobody_bought_has_none(self, session, promotion):
        assert set(queries.figures(session, promotion.id)) == {0}

    def test_shares_are_listed_page_by_page_and_all(self, session, promotion, pay, monkeypatch):
        monkeypatch.setattr(queries, "BATCH", 2)
        for name in "abc":
            pay(promotion, f"order:{name}")
        close(session, promotion)
        settle(session, "order:b")
        page = lambda **more: [  # noqa: E731  # A page by its filters.
            share.source
            for share in queries.page(
                session, promotion.id, **{"state": None, "before_id": None, "limit": 2, **more}
            )
        ]

        assert page() == ["order:c", "order:b"]
        last = queries.share_of(session, source="order:b").id
        assert page(before_id=last) == ["order:a"]
        assert page(state=ShareState.KEPT) == ["order:b"]
        assert [share.source for share in queries.shares(session, promotion.id)] == [
            "order:a",
            "order:b",
            "order:c",
        ]

    def test_shown_are_those_that_sell_or_will_by_rank(self, session, promotion):
        soon = make_bulk_buy(
            session,
            prices={1: 9},
            tiers=[(2, {1: 8})],
            now=NOON,
            starts_at=NOON + timedelta(hours=1),
            priority=5,
        )
        ended = make_bulk_buy(session, prices={1: 9}, tiers=[(2, {1: 8})], now=NOON)
        end(session, ended, now=NOON)

        assert [one.id for one in queries.shown(session, now=NOON)] == [soon.id, promotion.id]
        assert queries.shown(session, now=ENDS) == []


class TestProofs:
    @pytest.mark.parametrize(
        ("broken", "rule"),
        [
            ({"collected": 11}, "bulk_buys.collected_is_the_sum"),
            ({"tier": 2}, "bulk_buys.tier_is_reached"),
            ({"closed_at": None, "tier": None}, "bulk_buys.share_ends_as_reckoned"),
        ],
    )
    def test_a_forged_standing_is_found(self, session, promotion, pay, broken, rule):
        pay(promotion, "order:a", quantity=10)
        close(session, promotion)
        settle(session, "order:a")
        assert list(verify(session)) == []

        session.query(BulkBuyStanding).update(broken)

        assert rule in {breach.rule for breach in verify(session)}

    @pytest.mark.parametrize(
        "broken", [{"due_back_fen": 9_999}, {"state": "kept", "due_back_fen": 0}]
    )
    def test_a_forged_share_is_found(self, session, promotion, pay, broken):
        pay(promotion, "order:a", quantity=10)
        close(session, promotion)
        settle(session, "order:a")

        session.query(BulkShare).update(broken)

        found = [breach.rule for breach in verify(session)]
        assert found == ["bulk_buys.share_ends_as_reckoned"]

    def test_a_share_that_counts_what_it_has_not_is_found(self, session, promotion, pay):
        pay(promotion, "order:a", quantity=10)
        session.query(BulkShare).update({"counted": 9})
        session.query(BulkBuyStanding).update({"collected": 9})

        found = [breach.rule for breach in verify(session)]
        assert found == ["bulk_buys.share_counts_what_it_has"]

    def test_a_share_without_a_standing_is_found(self, session, promotion, pay):
        pay(promotion, "order:a")
        session.query(BulkBuyStanding).delete()

        found = [breach.rule for breach in verify(session)]
        assert found == ["bulk_buys.share_counts_what_it_has"]

    def test_an_order_has_one_share(self, session, promotion, pay):
        pay(promotion, "order:a")
        share = queries.share_of(session, source="order:a")
        copy = BulkShare(
            source=share.source,
            promotion_id=promotion.id,
            member_id=1,
            lines=[list(Line(1, 1, 1))],
            pieces=1,
            paid_fen=1,
            counted=1,
            state=ShareState.COLLECTED,
            paid_at=NOON,
        )
        session.add(copy)

        with pytest.raises(IntegrityError):
            session.flush()
