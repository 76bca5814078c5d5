"""The life of a campaign, and set-ups that are refused."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError

from promotions import campaigns, life, queries, snapshots
from promotions.definitions import campaign_of
from promotions.life import WrongStatus
from promotions.models import Promotion, PromotionCounter, PromotionVersion
from promotions.pricing import Problem
from promotions.queries import NoSuchPromotion
from promotions.setups import Contradiction, Flaw
from promotions.states import Action, CampaignStatus, Phase
from tests.builders.promotions import NOON, make_campaign, make_cart, make_published, quote_of

HOUR = timedelta(hours=1)


def draft(session, **more):
    return campaigns.create(session, campaign=make_campaign(**more), staff_id=7, now=NOON)


def step(session, move, promotion, now=NOON, staff_id=8):
    return move(session, promotion_id=promotion.id, staff_id=staff_id, now=now)


def discount(session, now=NOON):
    snapshot = snapshots.load(session, now=now)
    return quote_of(make_cart(now=now), *snapshot.promotions.values()).discount_fen


class TestCreate:
    def test_a_draft_is_kept_as_it_was_set_up_and_prices_nothing(self, session):
        campaign = make_campaign(
            ends_at=NOON + HOUR,
            includes={"sku_ids": [3, 1], "tags": ["新品"]},
            excludes={"spu_ids": [9]},
            group="双11",
            group_mode="first",
            priority=3,
            tags=("b", "a"),
            agrees_with=("c",),
            stop_after=True,
            base="initial",
            max_discount_fen=900,
            max_uses=10,
            budget_fen=5_000,
        )

        promotion = campaigns.create(session, campaign=campaign, staff_id=7, now=NOON)
        session.expire_all()

        assert (promotion.status, promotion.version) == (CampaignStatus.DRAFT, 1)
        assert (promotion.created_by, promotion.created_at) == (7, NOON)
        counter = session.get(PromotionCounter, promotion.id)
        kept = campaign_of(promotion, counter)
        assert kept.compiled(promotion.id) == campaign.compiled(promotion.id)
        assert kept.is_capped
        assert discount(session) == 0

    def test_an_unlimited_campaign_has_no_counter(self, session):
        promotion = draft(session)

        assert session.get(PromotionCounter, promotion.id) is None

    @pytest.mark.parametrize(
        ("setup", "field", "reason"),
        [
            ({"kind": "nonsense"}, "kind", Flaw.UNKNOWN_KIND),
            ({"steps": []}, "terms.tiers", Problem.EMPTY),
            ({"steps": [(100, 200)]}, "terms.tiers", Problem.MORE_THAN_PAID),
            ({"ends_at": NOON}, "ends_at", Flaw.EMPTY_WINDOW),
            ({"includes": {}}, "includes", Flaw.EMPTY_SCOPE),
            (
                {"includes": {"sku_ids": [1]}, "excludes": {"sku_ids": [1]}},
                "includes",
                Flaw.EMPTY_SCOPE,
            ),
            ({"group_mode": "worst"}, "group_mode", Flaw.MODE_WITHOUT_GROUP),
            ({"budget_fen": 99, "max_discount_fen": 100}, "budget_fen", Flaw.BUDGET_TOO_SMALL),
        ],
    )
    def test_a_set_up_that_contradicts_itself_is_refused(self, session, setup, field, reason):
        with pytest.raises(Contradiction) as refused:
            draft(session, **setup)

        assert (refused.value.field, refused.value.reason) == (field, reason)
        assert session.scalars(select(Promotion)).all() == []

    def test_a_budget_that_covers_one_order_is_enough(self, session):
        draft(session, budget_fen=100, max_discount_fen=100)
        draft(session, budget_fen=100)


class TestChange:
    def test_a_draft_is_replaced_as_a_whole(self, session):
        promotion = draft(session, max_uses=5, group="g")

        campaigns.change(
            session,
            promotion_id=promotion.id,
            campaign=make_campaign(steps=[(500, 50)], budget_fen=900),
            staff_id=8,
            now=NOON + HOUR,
        )

        assert (promotion.version, promotion.group_name) == (2, None)
        assert promotion.definition["terms"]["tiers"][0]["threshold"] == 500
        counter = session.get(PromotionCounter, promotion.id)
        assert (counter.max_uses, counter.budget_fen) == (None, 900)

    def test_limits_can_be_taken_off_a_draft(self, session):
        promotion = draft(session, max_uses=5)

        campaigns.change(
            session, promotion_id=promotion.id, campaign=make_campaign(), staff_id=8, now=NOON
        )

        assert session.get(PromotionCounter, promotion.id) is None

    def test_what_is_published_is_not_changed(self, session):
        promotion = make_published(session)

        with pytest.raises(WrongStatus) as refused:
            campaigns.change(
                session, promotion_id=promotion.id, campaign=make_campaign(), staff_id=8, now=NOON
            )

        assert refused.value.status is CampaignStatus.PUBLISHED


class TestMoves:
    def test_publishing_prices_carts_pausing_stops_and_resuming_starts_again(self, session):
        promotion = draft(session)

        discounts = []
        for move in (campaigns.publish, campaigns.pause, campaigns.resume, campaigns.end):
            step(session, move, promotion)
            discounts.append(discount(session))

        assert discounts == [1_000, 0, 1_000, 0]

    def test_every_step_is_on_record_with_who_and_when(self, session):
        promotion = draft(session, title="满100减10", max_uses=5)
        step(session, campaigns.publish, promotion, now=NOON + HOUR)
        step(session, campaigns.end, promotion, now=NOON + 2 * HOUR, staff_id=9)

        history = queries.history(session, promotion.id)

        assert [(one.version, one.action, one.changed_by, one.changed_at) for one in history] == [
            (1, Action.CREATED, 7, NOON),
            (2, Action.PUBLISHED, 8, NOON + HOUR),
            (3, Action.ENDED, 9, NOON + 2 * HOUR),
        ]
        assert history[0].document["title"] == "满100减10"
        assert history[0].document["max_uses"] == 5
        assert history[0].document["starts_at"] == NOON.isoformat()

    def test_history_cannot_be_rewritten(self, session):
        draft(session)
        session.commit()

        for statement in (
            "UPDATE promotion_version SET version = 9",
            "DELETE FROM promotion_version",
        ):
            with pytest.raises(DBAPIError, match="append-only"):
                session.execute(text(statement))
            session.rollback()

    @pytest.mark.parametrize(
        ("before", "move"),
        [
            ([], campaigns.pause),
            ([], campaigns.resume),
            ([campaigns.publish], campaigns.publish),
            ([campaigns.publish], campaigns.resume),
            ([campaigns.publish, campaigns.pause], campaigns.publish),
            ([campaigns.publish, campaigns.pause], campaigns.pause),
            ([campaigns.end], campaigns.publish),
            ([campaigns.publish, campaigns.end], campaigns.end),
            ([campaigns.publish, campaigns.end], campaigns.resume),
        ],
    )
    def test_a_move_its_status_does_not_allow_is_refused(self, session, before, move):
        promotion = draft(session)
        for earlier in before:
            step(session, earlier, promotion)
        version = promotion.version

        with pytest.raises(WrongStatus):
            step(session, move, promotion)

        assert promotion.version == version

    @pytest.mark.parametrize(
        "move", [campaigns.publish, campaigns.pause, campaigns.resume, campaigns.end]
    )
    def test_a_promotion_that_is_not_there_cannot_move(self, session, move):
        with pytest.raises(NoSuchPromotion):
            move(session, promotion_id=404, staff_id=1, now=NOON)
        with pytest.raises(NoSuchPromotion):
            queries.get(session, 404)

    def test_what_is_over_is_neither_published_nor_resumed(self, session):
        late, paused = (
            draft(session, ends_at=NOON + HOUR),
            make_published(session, ends_at=NOON + HOUR),
        )
        step(session, campaigns.pause, paused)

        for move, promotion in ((campaigns.publish, late), (campaigns.resume, paused)):
            with pytest.raises(Contradiction) as refused:
                step(session, move, promotion, now=NOON + HOUR)
            assert refused.value.reason is Flaw.ALREADY_OVER

    def test_a_group_has_one_mode_among_published_campaigns(self, session):
        make_published(session, group="g")
        other = draft(session, group="g", group_mode="worst")

        with pytest.raises(Contradiction) as refused:
            step(session, campaigns.publish, other)

        assert refused.value.reason is Flaw.MIXED_GROUP
        assert other.status is CampaignStatus.DRAFT
        make_published(session, group="g")
        make_published(session, group="other", group_mode="worst")

    def test_the_phase_tells_a_published_campaign_by_its_window(self, session):
        promotion = draft(session, starts_at=NOON + HOUR, ends_at=NOON + 2 * HOUR)
        assert life.phase(promotion, NOON) is Phase.DRAFT

        step(session, campaigns.publish, promotion)

        phases = [life.phase(promotion, NOON + hours * HOUR) for hours in (0, 1, 2)]
        assert phases == [Phase.SCHEDULED, Phase.RUNNING, Phase.ENDED]
        assert life.phase(make_published(session), NOON) is Phase.RUNNING
        step(session, campaigns.pause, promotion)
        assert life.phase(promotion, NOON) is Phase.PAUSED


def test_pages_list_the_latest_first_with_their_limits(session):
    made = [draft(session, max_uses=n or None) for n in range(3)]
    step(session, campaigns.publish, made[1])

    def page(status=None, before_id=None, limit=9):
        return queries.page(session, status=status, before_id=before_id, limit=limit)

    assert [one.id for one, _ in page()] == [made[2].id, made[1].id, made[0].id]
    assert [one.id for one, _ in page(before_id=made[2].id, limit=1)] == [made[1].id]
    ((published, counter),) = page(status=CampaignStatus.PUBLISHED)
    assert (published.id, counter.max_uses) == (made[1].id, 1)
    assert queries.with_limits(session, made[0].id) == (made[0], None)


class TestSnapshot:
    def test_every_move_of_a_campaign_takes_a_new_number(self, session):
        promotion = draft(session)
        numbers = [snapshots.version(session)]

        for move in (campaigns.publish, campaigns.pause, campaigns.resume, campaigns.end):
            step(session, move, promotion)
            numbers.append(snapshots.version(session))

        assert numbers == sorted(set(numbers))

    def test_drafting_takes_none(self, session):
        before = snapshots.version(session)

        draft(session)

        assert snapshots.version(session) == before

    def test_it_holds_what_is_published_and_not_over(self, session):
        kept = [make_published(session), make_published(session, starts_at=NOON + HOUR)]
        make_published(session, ends_at=NOON + HOUR / 2)
        draft(session)
        limited = make_published(session, max_uses=1)

        snapshot = snapshots.load(session, now=NOON + HOUR / 2)

        assert snapshot.version == snapshots.version(session)
        assert sorted(snapshot.promotions) == [one.id for one in [*kept, limited]]
        assert [one.is_capped for one in snapshot.promotions.values()] == [False, False, True]

    def test_without_campaigns_it_is_empty(self, session):
        assert snapshots.load(session, now=NOON).promotions == {}


class TestTables:
    def test_a_moment_without_a_zone_is_refused(self, session):
        promotion = draft(session)
        promotion.starts_at = NOON.replace(tzinfo=None)

        with pytest.raises(StatementError, match="time zone"):
            session.flush()

    @pytest.mark.parametrize(
        "damage",
        [
            "UPDATE promotion SET ends_at = starts_at",
            "UPDATE promotion SET status = 'running'",
            "UPDATE promotion_counter SET uses_used = 6",
            "UPDATE promotion_counter SET uses_reserved = 3, uses_used = 3",
            "UPDATE promotion_counter SET reserved_fen = 5001",
            "UPDATE promotion_counter SET uses_used = -1",
            "UPDATE promotion_counter SET used_fen = -1",
            "UPDATE promotion_counter SET max_uses = NULL, budget_fen = NULL",
            "UPDATE promotion_counter SET max_uses = 0",
            "INSERT INTO snapshot_version VALUES (2, 1, now())",
        ],
    )
    def test_what_must_never_be_false_is_refused_by_the_database(self, session, damage):
        draft(session, max_uses=5, budget_fen=5_000)

        with pytest.raises(IntegrityError):
            session.execute(text(damage))

    def test_a_version_is_recorded_once(self, session):
        promotion = draft(session)
        (first,) = queries.history(session, promotion.id)

        session.add(
            PromotionVersion(
                promotion_id=promotion.id,
                version=first.version,
                action=Action.CHANGED,
                changed_by=1,
                changed_at=NOON,
                document={},
            )
        )

        with pytest.raises(IntegrityError):
            session.flush()
