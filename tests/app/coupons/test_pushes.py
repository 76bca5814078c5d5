"""Pushes: everybody of a segment gets theirs once, whatever interrupts it."""

import uuid
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.coupons import jobs, pushing, verify
from app.coupons.models import CouponPush
from app.members import service as members
from promotions import buyers, coupons
from promotions.coupons.models import Coupon
from promotions.states import CampaignStatus
from tests.builders.coupons import DAY
from tests.builders.members import make_member

MISSING = 999_999_999


def begin(client, staff, promotion_id, body=None, key=None):
    headers = {**staff, "Idempotency-Key": key or uuid.uuid4().hex}
    path = f"/admin/v1/coupon-templates/{promotion_id}/pushes"
    return client.post(path, json=body or {"segment": "all"}, headers=headers)


def show(client, staff, push):
    push_id = push["id"]
    return client.get(f"/admin/v1/coupon-pushes/{push_id}", headers=staff).json


def move(client, staff, push_id, step):
    paths = {
        "stop": f"/admin/v1/coupon-pushes/{push_id}/stop",
        "revoke": f"/admin/v1/coupon-pushes/{push_id}/revoke",
    }
    return client.post(paths[step], headers=staff)


def holders(session):
    session.rollback()
    return session.scalars(select(Coupon.member_id).order_by(Coupon.member_id)).all()


def drain(session, push_id, now):
    """Carry a push through without a worker."""
    while pushing.advance(session, push_id=push_id, now=now):
        session.commit()
    session.commit()


@pytest.fixture
def crowd(session, now):
    made = [make_member(session, now=now - DAY).id for _ in range(5)]
    session.commit()
    return made


@pytest.fixture
def small_batches(monkeypatch):
    monkeypatch.setattr(pushing, "BATCH", 2)


class TestPush:
    def test_reaches_every_member_once(
        self, client, staff, template, crowd, session, run_jobs, small_batches
    ):
        push = begin(client, staff, template().id).json
        assert (push["status"], push["members"], push["given"]) == ("running", 5, 0)

        run_jobs()

        assert holders(session) == crowd
        done = show(client, staff, push)
        assert (done["status"], done["given"], done["skipped"]) == ("done", 5, 0)
        assert done["finished_at"] is not None
        assert list(verify.verify(session)) == []

    def test_again_changes_nothing(self, client, staff, template, crowd, session, app, run_jobs):
        push = begin(client, staff, template().id).json
        run_jobs()
        session.rollback()

        with app.app_context():
            jobs.push(push["id"])

        assert holders(session) == crowd

    def test_that_lost_its_place_gives_nobody_a_second_one(
        self, client, staff, template, crowd, session, now
    ):
        push = begin(client, staff, template().id).json
        drain(session, push["id"], now)
        row = session.get(CouponPush, push["id"])
        row.status, row.finished_at, row.reached_id, row.given = "running", None, 0, 0
        session.commit()

        drain(session, push["id"], now)

        assert holders(session) == crowd
        assert session.get(CouponPush, push["id"]).given == 5

    def test_for_the_new_leaves_out_who_has_paid_be_it_under_another_account(
        self, client, staff, template, crowd, session, now, run_jobs
    ):
        buyers.record(session, member_id=crowd[0], source="order:A", now=now)
        left = make_member(session, openid="o-came-back", now=now - DAY)
        buyers.record(session, member_id=left.id, source="order:B", now=now)
        members.leave(session, member_id=left.id, now=now)
        make_member(session, openid="o-came-back", now=now - DAY)
        elsewhere = make_member(session, unionid="u-1", now=now - DAY)
        make_member(session, unionid="u-1", now=now - DAY)
        buyers.record(session, member_id=elsewhere.id, source="order:C", now=now)
        session.commit()

        push = begin(client, staff, template().id, {"segment": "new"}).json
        run_jobs()

        assert holders(session) == crowd[1:]
        assert show(client, staff, push)["given"] == 4

    def test_for_named_members_reaches_those_who_are_there(
        self, client, staff, template, crowd, session, now, run_jobs, small_batches
    ):
        members.leave(session, member_id=crowd[1], now=now)
        session.commit()
        named = [crowd[3], crowd[0], crowd[1], crowd[3], MISSING, crowd[4]]

        push = begin(client, staff, template().id, {"segment": "members", "member_ids": named}).json
        run_jobs()

        assert holders(session) == [crowd[0], crowd[3], crowd[4]]
        assert push["members"] == 3

    def test_gives_nothing_to_who_joins_while_it_runs(
        self, client, staff, template, crowd, session, now
    ):
        push = begin(client, staff, template().id).json
        make_member(session, now=now + timedelta(hours=1))
        session.commit()

        drain(session, push["id"], now)

        assert holders(session) == crowd

    def test_skips_who_has_had_all_they_may(
        self, client, staff, template, crowd, session, now, run_jobs
    ):
        promotion = template(member_max=2)
        coupons.push(session, promotion_id=promotion.id, member_ids=[crowd[2]], source="x", now=now)
        session.commit()

        push = begin(client, staff, promotion.id, {"segment": "all", "per_member": 2}).json
        run_jobs()

        done = show(client, staff, push)
        assert (done["given"], done["skipped"]) == (4, 1)
        assert holders(session).count(crowd[2]) == 1
        assert holders(session).count(crowd[0]) == 2

    def test_stops_when_all_are_issued(
        self, client, staff, template, crowd, session, run_jobs, small_batches
    ):
        promotion = template(max_issued=7)

        push = begin(client, staff, promotion.id, {"segment": "all", "per_member": 2}).json
        run_jobs()

        stopped = show(client, staff, push)
        assert (stopped["status"], stopped["stopped_by"]) == ("stopped", "claimed_out")
        assert stopped["given"] == 3
        assert len(holders(session)) == 6

    def test_looks_again_when_others_take_the_last_ones(
        self, client, staff, template, crowd, session, now, monkeypatch
    ):
        promotion = template(max_issued=3)
        push = begin(client, staff, promotion.id).json
        monkeypatch.setattr(pushing.issuing, "room", lambda *_: 99)

        assert pushing.advance(session, push_id=push["id"], now=now)
        monkeypatch.undo()
        drain(session, push["id"], now)

        assert holders(session) == crowd[:3]

    def test_stops_when_its_campaign_does(self, client, staff, template, crowd, session, run_jobs):
        promotion = template()
        push = begin(client, staff, promotion.id).json
        promotion.status = CampaignStatus.PAUSED
        session.commit()

        run_jobs()

        assert show(client, staff, push)["stopped_by"] == "closed"
        assert holders(session) == []

    def test_is_stopped_by_staff_and_keeps_what_it_gave(
        self, client, staff, template, crowd, session, now, small_batches
    ):
        push = begin(client, staff, template().id).json
        pushing.advance(session, push_id=push["id"], now=now)
        session.commit()

        stopped = move(client, staff, push["id"], "stop")
        drain(session, push["id"], now)

        assert (stopped.json["status"], stopped.json["stopped_by"]) == ("stopped", "staff")
        assert holders(session) == crowd[:2]
        again = move(client, staff, push["id"], "stop")
        assert (again.status_code, again.json["code"]) == (409, "coupon_push_over")
        assert again.json["push_status"] == "stopped"

    def test_is_taken_back_as_far_as_it_is_unused(
        self, client, staff, template, crowd, session, now, run_jobs
    ):
        push = begin(client, staff, template().id).json
        run_jobs()
        session.rollback()
        kept = session.scalars(select(Coupon).order_by(Coupon.id)).first()
        coupons.hold(
            session,
            source="order:A",
            coupon_ids=[kept.id],
            member_id=kept.member_id,
            now=kept.starts_at,
        )
        session.commit()

        assert move(client, staff, push["id"], "revoke").json["status"] == "revoked"
        run_jobs()

        session.rollback()
        counted = dict(
            session.execute(select(Coupon.status, func.count()).group_by(Coupon.status)).all()
        )
        assert counted == {"held": 1, "revoked": 4}
        assert show(client, staff, push)["revoked"] == 4
        assert move(client, staff, push["id"], "revoke").status_code == 409
        assert list(verify.verify(session)) == []

    def test_is_begun_once_for_one_intent(self, client, staff, template, session):
        promotion = template()

        first, again = (begin(client, staff, promotion.id, key="one-intent") for _ in range(2))

        assert first.json == again.json
        listed = client.get(f"/admin/v1/coupon-templates/{promotion.id}/pushes", headers=staff).json
        assert [each["id"] for each in listed["items"]] == [first.json["id"]]

    def test_are_listed_in_pages(self, client, staff, template):
        promotion = template()
        made = [begin(client, staff, promotion.id).json["id"] for _ in range(3)]
        path = f"/admin/v1/coupon-templates/{promotion.id}/pushes"

        first = client.get(f"{path}?limit=2", headers=staff).json
        second = client.get(f"{path}?cursor={first['next_cursor']}", headers=staff).json

        assert [each["id"] for each in first["items"] + second["items"]] == made[::-1]

    def test_is_refused_for_what_cannot_be_issued(self, client, staff, template, session):
        draft = template(status=CampaignStatus.DRAFT)

        assert begin(client, staff, MISSING).json["code"] == "coupon_template_not_found"
        assert begin(client, staff, draft.id).json["claim_state"] == "closed"
        for step in ("stop", "revoke"):
            answer = move(client, staff, MISSING, step)
            assert (answer.status_code, answer.json["code"]) == (404, "coupon_push_not_found")
        listed = client.get(f"/admin/v1/coupon-templates/{MISSING}/pushes", headers=staff)
        assert listed.json["code"] == "coupon_template_not_found"
        missing = client.get(f"/admin/v1/coupon-pushes/{MISSING}", headers=staff)
        assert missing.json["code"] == "coupon_push_not_found"
        assert session.scalar(select(func.count(CouponPush.id))) == 0

    def test_needs_staff_and_a_sound_body(self, client, staff, sign_in, me, template, session):
        promotion = template()

        for somebody, status in (({}, 401), (me, 401), (sign_in("analyst"), 403)):
            assert begin(client, somebody, promotion.id).status_code == status
        for body in (
            {"segment": "tag"},
            {"segment": "members"},
            {"segment": "members", "member_ids": []},
            {"segment": "all", "member_ids": [1]},
            {"segment": "all", "per_member": 0},
            {"segment": "all", "per_member": 11},
            {"segment": "all", "x": 1},
        ):
            assert begin(client, staff, promotion.id, body).status_code == 422, body
        assert session.scalar(select(func.count(CouponPush.id))) == 0


def test_what_is_over_expires_by_itself(app, template, session, me, now, set_clock):
    promotion = template(valid_days=1)
    coupons.issue(session, promotion_id=promotion.id, member_id=me.id, source="x", now=now)
    session.commit()
    set_clock(now + 2 * DAY)

    for _ in range(2):
        with app.app_context():
            jobs.expire_due()

    assert session.scalar(select(Coupon.status)) == "expired"


def test_a_push_that_says_what_it_did_not_give_is_found(client, staff, template, crowd, session):
    push = begin(client, staff, template().id).json
    session.get(CouponPush, push["id"]).given = 2
    session.flush()

    (breach,) = verify.verify(session)

    assert breach == (
        "coupons.push_gave_what_it_says",
        f"push {push['id']}",
        "says 2, there are 0",
    )


def test_what_the_engine_finds_is_reported(template, session):
    promotion = template(max_issued=5)
    from promotions.coupons.models import CouponTemplate

    session.get(CouponTemplate, promotion.id).issued = 3
    session.flush()

    (breach,) = verify.verify(session)

    assert breach.rule == "coupons.issued_is_count_of_coupons"
