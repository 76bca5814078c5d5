"""What a set-up says for whom, when and how much; what it cannot mean; and limits changed later."""

from datetime import timedelta

import pytest
from sqlalchemy import text

from promotions import campaigns, limits, queries, snapshots, verify
from promotions.coupons.models import CouponTemplate
from promotions.coupons.terms import IssueFlaw
from promotions.definitions import campaign_of
from promotions.life import WrongStatus
from promotions.limits import Use
from promotions.models import PromotionCounter, PromotionGiftStock
from promotions.pricing import Audience, Slot, Targets
from promotions.queries import NoSuchPromotion
from promotions.setups import Contradiction, Flaw
from promotions.states import Action, CampaignStatus
from tests.builders.promotions import GIFTS, NOON, OFF_PIECES, make_campaign, make_published

HOUR = timedelta(hours=1)
COUPON = {"kind": "coupon_amount", "terms": {"threshold_fen": 0, "off_fen": 500}}
ISSUE = {"valid_days": 7, "max_issued": 100}
PRICED = {"kind": "limited_time", "terms": {"prices": [{"sku_id": 5, "price_fen": 1}]}}
STOCK = [{"sku_id": 8, "total": 5}]


def draft(session, **more):
    return campaigns.create(session, campaign=make_campaign(**more), staff_id=7, now=NOON)


def stored(session, promotion):
    session.flush()
    session.expire_all()
    return campaign_of(*queries.with_limits(session, promotion.id))


def slot(from_minute=0, until_minute=60, **more):
    return {"from_minute": from_minute, "until_minute": until_minute, **more}


class TestCreate:
    def test_all_of_it_is_kept_and_reaches_the_engine(self, session):
        campaign = make_campaign(
            **GIFTS,
            audience={"levels": [2], "tags": ["老客"], "is_new": False},
            slots=(slot(weekdays=[6, 2]),),
            gift_stock=STOCK,
            max_uses=10,
            budget_fen=900,
            member_max_uses=2,
            member_period="day",
        )

        promotion = campaigns.create(session, campaign=campaign, staff_id=7, now=NOON)

        kept = stored(session, promotion)
        compiled = kept.compiled(promotion.id)
        assert compiled == campaign.compiled(promotion.id)
        assert compiled.audience == Audience(
            levels=frozenset({2}), tags=frozenset({"老客"}), is_new=False
        )
        assert compiled.slots == (Slot(from_minute=0, until_minute=60, weekdays=frozenset({2, 6})),)
        assert (compiled.is_capped, compiled.needs_coupon) == (True, False)
        assert (kept.member_period, kept.gift_stock) == ("day", STOCK)

    @pytest.mark.parametrize(
        "limit",
        [
            {**OFF_PIECES, "max_units": 1},
            {"member_max_uses": 1},
            {**GIFTS, "gift_stock": STOCK},
        ],
    )
    def test_whoever_prices_what_is_limited_must_bring_its_allowance(self, session, limit):
        promotion = draft(session, **limit)

        assert stored(session, promotion).compiled(promotion.id).is_capped

    def test_skus_that_the_terms_name_are_the_scope(self, session):
        compiled = make_campaign(**PRICED, excludes={"sku_ids": [6]}).compiled(1)

        assert compiled.scope.include == Targets(sku_ids=frozenset({5}))

    def test_a_coupon_keeps_how_it_is_issued_beside_its_template(self, session):
        promotion = draft(session, **COUPON, issue=ISSUE)

        kept = stored(session, promotion)
        assert (kept.issue["valid_days"], kept.issue["delay_days"]) == (7, 0)
        assert kept.compiled(promotion.id).needs_coupon
        assert session.get(CouponTemplate, promotion.id).max_issued == 100

    def test_a_draft_that_is_a_coupon_no_more_has_no_template(self, session):
        promotion = draft(session, **COUPON, issue=ISSUE, max_uses=3)

        campaigns.change(
            session, promotion_id=promotion.id, campaign=make_campaign(), staff_id=7, now=NOON
        )

        session.expire_all()
        assert session.get(CouponTemplate, promotion.id) is None
        assert session.get(PromotionCounter, promotion.id) is None

    def test_gifts_that_a_draft_no_more_limits_have_no_stock(self, session):
        promotion = draft(session, **GIFTS, gift_stock=STOCK)

        campaigns.change(
            session,
            promotion_id=promotion.id,
            campaign=make_campaign(**GIFTS),
            staff_id=7,
            now=NOON,
        )

        assert queries.gift_stock(session, [promotion.id])[promotion.id] == []

    def test_a_set_up_older_than_all_this_means_what_it_meant(self, session):
        promotion = make_published(session, max_uses=5)
        before = stored(session, promotion)
        session.execute(
            text(
                "UPDATE promotion SET definition ="
                " definition - '{audience,slots,gift_stock,issue}'::text[]"
            )
        )

        kept = stored(session, promotion)

        assert kept.compiled(promotion.id) == before.compiled(promotion.id)
        limits.reserve(
            session, source="order:A", member_id=1, uses=[Use(promotion.id, 1)], now=NOON
        )
        campaigns.change_limits(
            session, promotion_id=promotion.id, limits={"max_uses": 9}, staff_id=1, now=NOON
        )
        with pytest.raises(Contradiction):
            campaigns.change_limits(
                session,
                promotion_id=promotion.id,
                limits={"gift_stock": STOCK},
                staff_id=1,
                now=NOON,
            )
        assert list(verify.verify(session)) == []


class TestContradictions:
    @pytest.mark.parametrize(
        ("setup", "field", "reason"),
        [
            ({"slots": [slot(9, 9)]}, "slots.0.until_minute", Flaw.EMPTY_WINDOW),
            ({"slots": [slot(), slot(9, 3)]}, "slots.1.until_minute", Flaw.EMPTY_WINDOW),
            # NOON is a Wednesday's noon in China, minute 720.
            ({"slots": [slot(0, 720)], "ends_at": NOON + HOUR}, "slots.0", Flaw.NEVER_OPEN),
            ({"slots": [slot(780, 790)], "ends_at": NOON + HOUR}, "slots.0", Flaw.NEVER_OPEN),
            (
                {"slots": [slot(0, 1440, weekdays=[3])], "ends_at": NOON + 12 * HOUR},
                "slots.0",
                Flaw.NEVER_OPEN,
            ),
            ({**PRICED, "includes": {"sku_ids": [5]}}, "includes", Flaw.SCOPE_IN_TERMS),
            ({**PRICED, "excludes": {"sku_ids": [5]}}, "includes", Flaw.EMPTY_SCOPE),
            (
                {
                    "kind": "bundle",
                    "terms": {
                        "parts": [{"sku_id": 5, "quantity": 1}, {"sku_id": 6, "quantity": 1}],
                        "price_fen": 100,
                    },
                    "excludes": {"sku_ids": [6]},
                },
                "excludes.sku_ids",
                Flaw.TERMS_EXCLUDED,
            ),
            ({"max_uses": 1, "member_max_uses": 2}, "member_max_uses", Flaw.ABOVE_TOTAL),
            (
                {**OFF_PIECES, "max_units": 1, "member_max_units": 2},
                "member_max_units",
                Flaw.ABOVE_TOTAL,
            ),
            (
                {
                    "kind": "limited_time",
                    "terms": {"off_bp": 1, "max_units_per_order": 3},
                    "member_max_units": 2,
                },
                "terms.max_units_per_order",
                Flaw.ABOVE_TOTAL,
            ),
            ({"max_units": 1}, "max_units", Flaw.NO_PIECES),
            ({"member_max_units": 1}, "member_max_units", Flaw.NO_PIECES),
            ({"member_period": "day"}, "member_period", Flaw.PERIOD_WITHOUT_LIMIT),
            ({"gift_stock": STOCK}, "gift_stock.0.sku_id", Flaw.NO_SUCH_GIFT),
            ({**GIFTS, "gift_stock": STOCK + STOCK}, "gift_stock.1.sku_id", Flaw.REPEATED),
            (COUPON, "issue", Flaw.ISSUE_MISSING),
            ({"issue": ISSUE}, "issue", Flaw.NOTHING_TO_ISSUE),
            ({**COUPON, "issue": {}}, "issue.valid_days", IssueFlaw.TWO_VALIDITIES),
        ],
    )
    def test_a_set_up_that_contradicts_itself_is_refused(self, session, setup, field, reason):
        with pytest.raises(Contradiction) as refused:
            draft(session, **setup)

        assert (refused.value.field, refused.value.reason) == (field, reason)

    @pytest.mark.parametrize(
        "setup",
        [
            {"slots": [slot(719, 721)], "ends_at": NOON + HOUR},
            {"slots": [slot(779, 790)], "ends_at": NOON + HOUR},
            {"slots": [slot(0, 1, weekdays=[3])], "ends_at": NOON + 12 * HOUR + HOUR / 60},
            {"slots": [slot(0, 720, weekdays=[2])]},
            {"slots": [slot(weekdays=[1])], "ends_at": NOON + timedelta(days=7)},
            {"max_uses": 2, "member_max_uses": 2},
            {**OFF_PIECES, "max_units": 2, "member_max_units": 2},
            {"member_max_uses": 1, "member_period": "day"},
            {**PRICED, "excludes": {"sku_ids": [6]}},
        ],
    )
    def test_what_only_just_makes_sense_is_accepted(self, session, setup):
        draft(session, **setup)


class TestCouponsGiven:
    def giving(self, promotion_id):
        coupons = [{"promotion_id": promotion_id, "count": 1}]
        tiers = [
            {"threshold": 100, "points": 1},
            {"threshold": 200, "points": 1, "coupons": coupons},
        ]
        return {"kind": "spend_and_gift", "terms": {"tiers": tiers}}

    @pytest.mark.parametrize("is_there", [True, False])
    def test_what_is_given_must_be_a_coupon(self, session, is_there):
        promotion_id = draft(session).id if is_there else 404

        with pytest.raises(Contradiction) as refused:
            draft(session, **self.giving(promotion_id))

        assert refused.value.field == "terms.tiers.1.coupons.0.promotion_id"
        assert refused.value.reason is Flaw.NO_SUCH_COUPON

    def test_it_must_still_be_one_when_the_campaign_is_published(self, session):
        coupon = draft(session, **COUPON, issue=ISSUE)
        promotion = draft(session, **self.giving(coupon.id))
        campaigns.change(
            session, promotion_id=coupon.id, campaign=make_campaign(), staff_id=7, now=NOON
        )

        with pytest.raises(Contradiction):
            campaigns.publish(session, promotion_id=promotion.id, staff_id=7, now=NOON)

        assert promotion.status is CampaignStatus.DRAFT


class TestCopy:
    def test_the_copy_is_a_draft_with_nothing_taken(self, session):
        original = make_published(
            session, **GIFTS, max_uses=3, member_max_uses=2, gift_stock=STOCK, group="g"
        )
        uses = [Use(original.id, 100, gifts=((8, 1),))]
        limits.reserve(session, source="order:A", member_id=1, uses=uses, now=NOON)
        campaigns.end(session, promotion_id=original.id, staff_id=7, now=NOON)

        copied = campaigns.copy(session, promotion_id=original.id, staff_id=9, now=NOON + HOUR)

        assert (copied.status, copied.version, copied.created_by) == (CampaignStatus.DRAFT, 1, 9)
        assert stored(session, copied) == stored(session, original)
        (left,) = limits.allowances(session, [copied.id], member_id=1, now=NOON)
        assert (left.uses, left.gifts) == (2, ((8, 5),))
        (first,) = queries.history(session, copied.id)
        assert (first.action, first.changed_by) == (Action.CREATED, 9)

    def test_of_nothing_is_refused(self, session):
        with pytest.raises(NoSuchPromotion):
            campaigns.copy(session, promotion_id=404, staff_id=9, now=NOON)


class TestChangeLimits:
    def change(self, session, promotion, **wanted):
        return campaigns.change_limits(
            session, promotion_id=promotion.id, limits=wanted, staff_id=9, now=NOON + HOUR
        )

    def test_each_goes_up_as_a_version_on_record(self, session):
        promotion = make_published(
            session,
            **OFF_PIECES,
            max_uses=3,
            budget_fen=100,
            max_units=4,
            member_max_uses=1,
            member_max_units=2,
        )
        snapshot = snapshots.version(session)
        raised = {
            "max_uses": 30,
            "budget_fen": 1_000,
            "max_units": 40,
            "member_max_uses": 10,
            "member_max_units": 20,
        }

        self.change(session, promotion, **raised)

        kept = stored(session, promotion)
        assert {name: getattr(kept, name) for name in raised} == raised
        last = queries.history(session, promotion.id)[-1]
        assert (last.version, last.action, last.changed_by) == (3, Action.CHANGED, 9)
        assert last.changed_at == promotion.updated_at == NOON + HOUR
        assert {name: last.document[name] for name in raised} == raised
        assert snapshots.version(session) == snapshot, "a limit is no price"
        assert list(verify.verify(session)) == []

    def test_a_member_who_had_all_may_have_more_once_it_is_raised(self, session):
        promotion = make_published(session, member_max_uses=1)
        uses = [Use(promotion.id, 100)]
        limits.reserve(session, source="order:A", member_id=1, uses=uses, now=NOON)

        self.change(session, promotion, member_max_uses=2)

        limits.reserve(session, source="order:B", member_id=1, uses=uses, now=NOON)
        assert list(verify.verify(session)) == []

    def test_the_stock_of_one_gift_can_be_changed_while_paused(self, session):
        stock = [*STOCK, {"sku_id": 9, "total": 7}]
        promotion = make_published(session, **GIFTS, gift_stock=stock)
        campaigns.pause(session, promotion_id=promotion.id, staff_id=9, now=NOON)

        self.change(session, promotion, gift_stock=[{"sku_id": 9, "total": 70}])

        assert stored(session, promotion).gift_stock == [*STOCK, {"sku_id": 9, "total": 70}]
        kept = session.get(PromotionGiftStock, (promotion.id, 9))
        assert kept.max_units == 70

    @pytest.mark.parametrize(
        ("wanted", "field", "reason"),
        [
            ({"max_uses": 1}, "max_uses", Flaw.BELOW_TAKEN),
            ({"budget_fen": 199}, "budget_fen", Flaw.BELOW_TAKEN),
            ({"max_units": 3}, "max_units", Flaw.NOT_LIMITED),
            ({"member_max_uses": 2}, "member_max_uses", Flaw.LOWERED),
            ({"member_max_uses": 10}, "member_max_uses", Flaw.ABOVE_TOTAL),
            (
                {"gift_stock": [{"sku_id": 8, "total": 1}]},
                "gift_stock.0.total",
                Flaw.BELOW_TAKEN,
            ),
            (
                {"gift_stock": [{"sku_id": 9, "total": 1}]},
                "gift_stock.0.sku_id",
                Flaw.NOT_LIMITED,
            ),
        ],
    )
    def test_what_cannot_be_changed_so_is_refused(self, session, wanted, field, reason):
        promotion = make_published(
            session, **GIFTS, max_uses=4, budget_fen=900, member_max_uses=3, gift_stock=STOCK
        )
        for source in ("order:A", "order:B"):
            uses = [Use(promotion.id, 100, gifts=((8, 1),))]
            limits.reserve(session, source=source, member_id=1, uses=uses, now=NOON)
        limits.confirm(session, source="order:A", now=NOON)

        with pytest.raises(Contradiction) as refused, session.begin_nested():
            self.change(session, promotion, **wanted)

        assert (refused.value.field, refused.value.reason) == (field, reason)

    def test_what_is_not_limited_at_all_stays_so(self, session):
        promotion = make_published(session)

        with pytest.raises(Contradiction) as refused:
            self.change(session, promotion, max_uses=9)

        assert refused.value.reason is Flaw.NOT_LIMITED

    def test_a_draft_and_what_is_over_are_refused(self, session):
        over = make_published(session, max_uses=1)
        campaigns.end(session, promotion_id=over.id, staff_id=9, now=NOON)

        for promotion in (draft(session, max_uses=1), over):
            with pytest.raises(WrongStatus):
                self.change(session, promotion, max_uses=2)
        with pytest.raises(NoSuchPromotion):
            campaigns.change_limits(session, promotion_id=404, limits={}, staff_id=9, now=NOON)
