"""The past built again: snapshots and quotes of any version, whatever became of the campaigns."""

import contextlib
import random
import threading
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from promotions import campaigns, pricing, replay, snapshots
from promotions.life import WrongStatus
from promotions.models import SnapshotLog
from promotions.replay import UnknownSnapshot
from tests.builders.promotions import NOON, make_campaign, make_cart, make_line, make_published

HOUR = timedelta(hours=1)
MOVES = (campaigns.publish, campaigns.publish, campaigns.pause, campaigns.resume, campaigns.end)


def step(session, move, promotion, now=NOON):
    move(session, promotion_id=promotion.id, staff_id=8, now=now)
    return snapshots.version(session)


def described(snapshot):
    return snapshot.version, snapshot.promotions


class TestSnapshot:
    def test_is_the_one_that_was_in_force_at_each_version(self, session):
        seen = []
        first = make_published(session, group="g", includes={"sku_ids": [1]}, budget_fen=5_000)
        seen.append(snapshots.load(session, now=NOON))
        second = make_published(session, ends_at=NOON + HOUR, tags=("a",), agrees_with=("b",))
        seen.append(snapshots.load(session, now=NOON))
        for move in (campaigns.pause, campaigns.resume, campaigns.end):
            step(session, move, first)
            seen.append(snapshots.load(session, now=NOON))
        step(session, campaigns.end, second)
        seen.append(snapshots.load(session, now=NOON))

        for kept in seen:
            assert described(replay.snapshot(session, kept.version)) == described(kept)

    def test_the_first_is_empty(self, session):
        assert described(replay.snapshot(session, 1)) == (1, {})

    def test_a_version_that_never_was_is_unknown(self, session):
        make_published(session)

        with pytest.raises(UnknownSnapshot):
            replay.snapshot(session, snapshots.version(session) + 1)

    def test_a_campaign_that_was_over_leaves_its_group_to_another_mode(self, session):
        make_published(session, group="g", group_mode="best", ends_at=NOON + HOUR)
        later = NOON + 2 * HOUR
        other = make_published(session, now=later, group="g", group_mode="worst")

        again = replay.snapshot(session, snapshots.version(session))

        assert set(again.promotions) == {other.id}

    def test_a_move_that_is_rolled_back_leaves_no_trace(self, session):
        make_published(session)
        session.commit()
        before = snapshots.version(session)
        make_published(session)
        session.rollback()

        assert snapshots.version(session) == before
        assert len(replay.snapshot(session, before).promotions) == 1

    @pytest.mark.parametrize("verb", ["UPDATE snapshot_log SET is_live = NOT is_live",
                                      "DELETE FROM snapshot_log"])  # fmt: skip
    def test_the_log_cannot_be_changed(self, session, verb):
        make_published(session)

        with pytest.raises(DBAPIError, match="append-only"):
            session.execute(text(verb))


@pytest.mark.parametrize("seed", range(10))
def test_any_history_of_moves_can_be_gone_back_to(session, seed):
    chance = random.Random(seed)
    drafts = [
        campaigns.create(
            session,
            campaign=make_campaign(
                steps=((chance.randint(1_000, 20_000), chance.randint(1, 999)),),
                ends_at=chance.choice([None, NOON + HOUR]),
                max_uses=chance.choice([None, 5]),
                priority=chance.randint(-1, 1),
            ),
            staff_id=7,
            now=NOON,
        )
        for _ in range(6)
    ]
    cart = make_cart(make_line(1, fen=7_777, quantity=3), make_line(2, fen=1))
    seen = {}
    for _ in range(25):
        move = chance.choice(MOVES)
        with contextlib.suppress(WrongStatus):
            step(session, move, chance.choice(drafts))
        current = snapshots.load(session, now=NOON)
        seen[current.version] = (current, pricing.price(cart, current).canonical())

    assert len(seen) > 5
    for version, (kept, stored) in seen.items():
        assert described(replay.snapshot(session, version)) == described(kept)
        assert replay.quote(session, cart.to_json(), version).canonical() == stored


@pytest.mark.race
def test_campaigns_published_at_once_each_make_a_snapshot_of_their_own(session, own_session):
    ids = [
        campaigns.create(session, campaign=make_campaign(), staff_id=7, now=NOON).id
        for _ in range(16)
    ]
    session.commit()
    start = threading.Barrier(len(ids))

    def publish(promotion_id):
        with own_session() as own:
            start.wait(timeout=30)
            campaigns.publish(own, promotion_id=promotion_id, staff_id=8, now=NOON)
            own.commit()

    with ThreadPoolExecutor(len(ids)) as pool:
        list(pool.map(publish, ids))

    versions = session.scalars(
        select(SnapshotLog.snapshot_version).order_by(SnapshotLog.snapshot_version)
    ).all()
    sizes = [len(replay.snapshot(session, version).promotions) for version in versions]
    assert sizes == list(range(1, len(ids) + 1))
    assert versions[-1] == snapshots.version(session)


class TestVersionAt:
    def test_is_the_latest_logged_until_then(self, session):
        session.execute(text("ALTER SEQUENCE snapshot_number RESTART WITH 2"))
        first = make_published(session, now=NOON)
        one = snapshots.version(session)
        campaigns.pause(session, promotion_id=first.id, staff_id=8, now=NOON + HOUR)
        two = snapshots.version(session)

        assert one == 2
        assert [
            replay.version_at(session, NOON + hours * HOUR) for hours in (-1, 0, 0.5, 1, 9)
        ] == [1, one, one, two, two]

    def test_of_a_shop_that_never_published_anything_is_the_first(self, session):
        assert replay.version_at(session, NOON) == 1

    def test_before_a_log_that_began_later_is_unknown(self, session):
        session.execute(text("ALTER SEQUENCE snapshot_number RESTART WITH 7"))
        make_published(session, now=NOON)

        with pytest.raises(UnknownSnapshot):
            replay.version_at(session, NOON - HOUR)


class TestCampaign:
    def test_comes_back_from_its_own_document(self):
        campaign = make_campaign(
            ends_at=NOON + HOUR, tags=("a", "b"), agrees_with=("c",), excludes={"tags": ["x"]},
            max_discount_fen=5, max_uses=9, budget_fen=10, base="initial", stop_after=True,
        )  # fmt: skip

        again = replay.campaign(campaign.to_json())

        assert again.to_json() == campaign.to_json()
        assert again.compiled(1) == campaign.compiled(1)

    def test_ignores_what_later_versions_may_add_and_defaults_what_they_lack(self):
        document = make_campaign().to_json()
        del document["budget_fen"]

        assert replay.campaign({**document, "colour": "red"}).budget_fen is None


class TestQuote:
    def test_is_the_same_bytes_after_the_campaign_was_changed_paused_and_ended(self, session):
        promotion = make_published(session)
        cart = make_cart(make_line(1, fen=7_777, quantity=3), freight_fen=800)
        stored = pricing.price(cart, snapshots.load(session, now=NOON))
        for move in (campaigns.pause, campaigns.resume, campaigns.end):
            step(session, move, promotion)
        make_published(session, steps=((100, 99),), priority=9)

        again = replay.quote(session, cart.to_json(), stored.snapshot_version)

        assert stored.discount_fen == 1_000
        assert again.canonical() == stored.canonical()
