"""The life of a pack, and templates it cannot give."""

from datetime import timedelta

import pytest
from sqlalchemy import select, text
from sqlalchemy.exc import DBAPIError

from promotions.life import WrongStatus, phase
from promotions.packs import life, queries
from promotions.packs.models import Pack, PackCounter
from promotions.packs.queries import NoSuchPack
from promotions.packs.setup import BadPack, PackFlaw, PartKind
from promotions.states import Action, CampaignStatus, Phase
from tests.builders.packs import (
    POINTS,
    coupons_of,
    make_gift_template,
    make_pack,
    make_setup,
)
from tests.builders.promotions import NOON

HOUR = timedelta(hours=1)
DAY = timedelta(days=1)


def draft(session, *parts, **more):
    return life.create(session, setup=make_setup(*parts, **more), staff_id=7, now=NOON)


def step(session, move, pack, now=NOON):
    return move(session, pack_id=pack.id, staff_id=8, now=now)


def test_a_draft_is_kept_as_it_was_set_up(session):
    template = make_gift_template(session)
    setup = make_setup(
        POINTS, coupons_of(template, 3), ends_at=NOON + DAY, claim_days=7, worth_fen=900,
        max_claims=10, budget_fen=9_000,
    )  # fmt: skip

    pack = life.create(session, setup=setup, staff_id=7, now=NOON)
    session.expire_all()

    assert queries.setup_of(session, pack) == setup
    assert (pack.status, pack.version, pack.created_by) == (CampaignStatus.DRAFT, 1, 7)


def test_a_draft_is_replaced_as_a_whole_limits_and_all(session):
    pack = draft(session, max_claims=5)

    life.change(session, pack_id=pack.id, setup=make_setup(title="新"), staff_id=8, now=NOON + HOUR)

    assert (pack.title, pack.version, pack.updated_at) == ("新", 2, NOON + HOUR)
    assert session.get(PackCounter, pack.id) is None


def test_a_pack_lives_from_draft_to_end_and_every_step_is_on_record(session):
    pack = draft(session)
    life.change(session, pack_id=pack.id, setup=make_setup(title="新"), staff_id=8, now=NOON)
    for move in (life.publish, life.pause, life.resume, life.end):
        step(session, move, pack)

    assert pack.status is CampaignStatus.ENDED
    versions = queries.history(session, pack.id)
    assert [(each.version, each.action, each.changed_by) for each in versions] == [
        (1, Action.CREATED, 7),
        (2, Action.CHANGED, 8),
        (3, Action.PUBLISHED, 8),
        (4, Action.PAUSED, 8),
        (5, Action.RESUMED, 8),
        (6, Action.ENDED, 8),
    ]
    assert [each.document["title"] for each in versions][:2] == ["新人礼包", "新"]


@pytest.mark.parametrize(
    ("status", "moves"),
    [
        (CampaignStatus.DRAFT, (life.pause, life.resume)),
        (CampaignStatus.PUBLISHED, (life.publish, life.resume)),
        (CampaignStatus.PAUSED, (life.publish, life.pause)),
        (CampaignStatus.ENDED, (life.publish, life.pause, life.resume, life.end)),
    ],
)
def test_other_moves_are_refused(session, status, moves):
    pack = draft(session)
    before = {
        CampaignStatus.DRAFT: (),
        CampaignStatus.PUBLISHED: (life.publish,),
        CampaignStatus.PAUSED: (life.publish, life.pause),
        CampaignStatus.ENDED: (life.end,),
    }
    for move in before[status]:
        step(session, move, pack)

    for move in moves:
        with pytest.raises(WrongStatus) as refused:
            step(session, move, pack)
        assert refused.value.status is status


def test_what_is_published_is_not_changed(session):
    pack = make_pack(session)

    with pytest.raises(WrongStatus):
        life.change(session, pack_id=pack.id, setup=make_setup(), staff_id=8, now=NOON)


def test_nothing_cannot_be_moved(session):
    for move in (life.publish, life.pause, life.resume, life.end):
        with pytest.raises(NoSuchPack):
            move(session, pack_id=404, staff_id=8, now=NOON)


def test_a_pack_that_is_over_is_not_published(session):
    pack = draft(session, ends_at=NOON + HOUR)

    with pytest.raises(BadPack) as refused:
        step(session, life.publish, pack, now=NOON + HOUR)

    assert (refused.value.field, refused.value.flaw) == ("ends_at", PackFlaw.ALREADY_OVER)


@pytest.mark.parametrize(
    ("part", "kind", "flaw"),
    [
        (PartKind.COUPON, "coupon_price", PackFlaw.WRONG_KIND),
        (PartKind.COUPON, "coupon_exchange", PackFlaw.WRONG_KIND),
        (PartKind.GIFT, "coupon_amount", PackFlaw.WRONG_KIND),
        (PartKind.FIRST_ORDER_PRICE, "coupon_percent", PackFlaw.WRONG_KIND),
        (PartKind.COUPON, "coupon_amount", None),
        (PartKind.COUPON, "coupon_percent", None),
        (PartKind.COUPON, "coupon_freight", None),
        (PartKind.GIFT, "coupon_exchange", None),
        (PartKind.FIRST_ORDER_PRICE, "coupon_price", None),
    ],
)
def test_each_part_gives_templates_of_its_own_kinds(session, part, kind, flaw):
    template = make_gift_template(session, kind)

    if flaw is None:
        draft(session, coupons_of(template, kind=part))
        return
    with pytest.raises(BadPack) as refused:
        draft(session, POINTS, coupons_of(template, kind=part))
    assert (refused.value.field, refused.value.flaw) == ("parts.1", flaw)


def test_a_template_that_is_not_there_is_refused_and_nothing_is_written(session):
    gone = make_gift_template(session)
    gone.id = 404

    with pytest.raises(BadPack) as refused, session.no_autoflush:
        draft(session, coupons_of(gone))

    assert refused.value.flaw is PackFlaw.NO_TEMPLATE
    session.rollback()
    assert session.scalars(select(Pack)).all() == []


@pytest.mark.parametrize("audience", [{"levels": [1]}, {"is_new": False}])
def test_a_first_order_price_is_for_new_buyers_only(session, audience):
    template = make_gift_template(session, "coupon_price", audience=audience)

    with pytest.raises(BadPack) as refused:
        draft(session, coupons_of(template, kind=PartKind.FIRST_ORDER_PRICE))

    assert refused.value.flaw is PackFlaw.NOT_FIRST_ORDER


class TestPublishingAsksTheTemplates:
    def flaw(self, session, template, count=1, **more):
        pack = draft(session, coupons_of(template, count), **more)
        try:
            step(session, life.publish, pack)
        except BadPack as refused:
            return refused.flaw if refused.field == "parts.0" else refused
        return None

    @pytest.mark.parametrize(
        "status", [CampaignStatus.DRAFT, CampaignStatus.PAUSED, CampaignStatus.ENDED]
    )
    def test_that_are_not_published(self, session, status):
        template = make_gift_template(session, status=status)

        assert self.flaw(session, template) is PackFlaw.NOT_PUBLISHED

    def test_that_are_over_or_end_first(self, session):
        over = make_gift_template(session, starts_at=NOON - DAY, ends_at=NOON)
        short = make_gift_template(session, ends_at=NOON + DAY)
        dated = make_gift_template(
            session,
            valid_days=None,
            valid_starts_at=NOON,
            valid_ends_at=NOON + DAY,
        )

        assert self.flaw(session, over, ends_at=NOON + HOUR) is PackFlaw.ENDS_FIRST
        for template in (short, dated):
            assert self.flaw(session, template) is PackFlaw.ENDS_FIRST
            assert self.flaw(session, template, ends_at=NOON + DAY + HOUR) is PackFlaw.ENDS_FIRST
            assert self.flaw(session, template, ends_at=NOON + DAY) is None

    def test_that_issue_too_few(self, session):
        template = make_gift_template(session, max_issued=10)

        assert self.flaw(session, template, 11) is PackFlaw.TOO_FEW
        assert self.flaw(session, template, 2, max_claims=6) is PackFlaw.TOO_FEW
        assert self.flaw(session, template, 2, max_claims=5) is None
        assert self.flaw(session, template, 2) is None

    def test_again_when_it_is_resumed(self, session):
        template = make_gift_template(session)
        pack = make_pack(session, coupons_of(template))
        step(session, life.pause, pack)
        template.status = CampaignStatus.PAUSED
        session.flush()

        with pytest.raises(BadPack) as refused:
            step(session, life.resume, pack)

        assert refused.value.flaw is PackFlaw.NOT_PUBLISHED


def test_a_merchant_sees_the_phase(session):
    pack = make_pack(session, ends_at=NOON + HOUR)

    moments = (NOON - HOUR, NOON, NOON + HOUR)
    assert [phase(pack, moment) for moment in moments] == [
        Phase.SCHEDULED,
        Phase.RUNNING,
        Phase.ENDED,
    ]
    assert phase(step(session, life.pause, pack), NOON) is Phase.PAUSED
    assert phase(make_pack(session), NOON) is Phase.RUNNING


def test_packs_are_listed_by_status_the_latest_first(session):
    old, limited = draft(session), make_pack(session, max_claims=3)

    listed = queries.page(session, status=None, before_id=None, limit=9)
    published = queries.page(session, status=CampaignStatus.PUBLISHED, before_id=None, limit=9)
    older = queries.page(session, status=None, before_id=limited.id, limit=9)

    assert [pack.id for pack, _ in listed] == [limited.id, old.id]
    assert [(pack.id, counter.max_claims) for pack, counter in published] == [(limited.id, 3)]
    assert older == [(old, None)]


def test_the_history_cannot_be_changed(session):
    draft(session)
    session.commit()

    with pytest.raises(DBAPIError, match="append-only"):
        session.execute(text("UPDATE pack_version SET changed_by = 1"))
    session.rollback()
