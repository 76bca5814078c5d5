"""Staff over HTTP: templates and figures, codes, and taking coupons back."""

import csv
import io
import uuid

import pytest
from sqlalchemy import func, select

from app.coupons import verify
from promotions import coupons
from promotions.coupons.models import Coupon, CouponCode, CouponCodeBatch
from promotions.models import SnapshotVersion
from promotions.states import CampaignStatus
from tests.builders.coupons import make_coupon
from tests.builders.promotions import make_published

MISSING = 999_999_999


def get(client, staff, path, **query):
    return client.get(f"/admin/v1{path}", query_string=query, headers=staff)


def post(client, staff, path, body=None, key=None):
    headers = {**staff, "Idempotency-Key": key or uuid.uuid4().hex}
    return client.post(f"/admin/v1{path}", json=body, headers=headers)


def hold(session, coupon, now):
    coupons.hold(
        session, source="order:A", coupon_ids=[coupon.id], member_id=coupon.member_id, now=now
    )


def counted(session, table):
    session.rollback()
    return session.scalar(select(func.count()).select_from(table))


class TestTemplates:
    def test_are_shown_with_their_terms_and_figures(
        self, client, staff, me, template, session, now
    ):
        promotion = template(max_issued=9, member_max=8)
        made = [
            make_coupon(session, promotion=promotion, member_id=me.id, now=now) for _ in range(4)
        ]
        hold(session, made[0], now)
        coupons.use(session, source="order:A", now=now)
        hold(session, made[1], now)
        coupons.revoke(session, coupon_ids=[made[2].id], now=now)
        session.commit()

        answer = get(client, staff, f"/coupon-templates/{promotion.id}")

        assert answer.json["figures"] == {
            "issued": 4,
            "unused": 1,
            "held": 1,
            "used": 1,
            "expired": 0,
            "revoked": 1,
        }
        assert (answer.json["max_issued"], answer.json["member_max"]) == (9, 8)
        assert answer.json["status"] == "published"
        listed = get(client, staff, "/coupon-templates").json
        assert listed == {"items": [answer.json], "next_cursor": None}

    def test_come_in_pages(self, client, staff, template):
        made = [template().id for _ in range(3)]

        first = get(client, staff, "/coupon-templates", limit=2).json
        second = get(client, staff, "/coupon-templates", cursor=first["next_cursor"]).json

        shown = [item["promotion_id"] for item in first["items"] + second["items"]]
        assert shown == made[::-1]

    def test_that_are_not_there_are_not_found(self, client, staff, me):
        answer = get(client, staff, f"/coupon-templates/{MISSING}")

        assert (answer.status_code, answer.json["code"]) == (404, "coupon_template_not_found")
        assert get(client, me, "/coupon-templates").status_code == 401


class TestClaims:
    def claim(self, client, member, promotion):
        return client.post(
            f"/api/v1/coupon-centre/{promotion.id}/claim",
            headers={**member, "Idempotency-Key": uuid.uuid4().hex},
        )

    def test_are_stopped_and_resumed_and_what_is_out_stays(
        self, client, staff, me, other, template, session, now
    ):
        promotion = template(member_max=1)
        path = f"/coupon-templates/{promotion.id}/claims"
        claimed = self.claim(client, me, promotion).json
        before = session.scalar(select(SnapshotVersion.version))

        stopped = post(client, staff, f"{path}/stop")

        assert (stopped.status_code, stopped.json["is_claimable"]) == (200, False)
        assert stopped.json["figures"]["unused"] == 1
        assert self.claim(client, other, promotion).json["claim_state"] == "closed"
        assert client.get("/api/v1/coupon-centre", headers=other).json["items"] == []
        (held,) = coupons.held_by_member(session, me.id, now)
        assert held.coupon_id == claimed["id"]
        assert post(client, staff, f"{path}/stop").json == stopped.json

        assert post(client, staff, f"{path}/resume").json["is_claimable"] is True
        assert self.claim(client, other, promotion).status_code == 201
        session.rollback()
        history = get(client, staff, f"/promotions/{promotion.id}/versions").json["items"]
        said = [each["document"]["issue"]["is_claimable"] for each in history]
        assert said == [True, True, False, True]
        assert (history[-1]["action"], history[-1]["changed_by"]) == ("changed", staff.id)
        assert session.scalar(select(SnapshotVersion.version)) == before
        assert list(verify.verify(session)) == []

    @pytest.mark.parametrize("status", [CampaignStatus.DRAFT, CampaignStatus.ENDED])
    def test_of_a_draft_or_of_what_is_over_are_neither_stopped_nor_resumed(
        self, client, staff, template, session, status
    ):
        promotion = template(status=status)
        version = promotion.version

        for answer in (
            post(client, staff, f"/coupon-templates/{promotion.id}/claims/stop"),
            post(client, staff, f"/coupon-templates/{promotion.id}/claims/resume"),
        ):
            assert (answer.status_code, answer.json["code"]) == (409, "promotion_status_conflict")
            assert answer.json["promotion_status"] == status.value
        session.rollback()
        session.refresh(promotion)
        assert promotion.version == version

    @pytest.mark.parametrize("move", ["stop", "resume"])
    def test_are_stopped_by_staff_only_and_of_templates_only(
        self, client, staff, sign_in, me, template, session, now, move
    ):
        promotion, no_template = template(), make_published(session, starts_at=now, now=now)
        session.commit()
        path = f"/coupon-templates/{promotion.id}/claims/{move}"

        assert post(client, {}, path).status_code == 401
        assert post(client, me, path).status_code == 401
        assert post(client, sign_in("analyst"), path).status_code == 403
        for missing in (no_template.id, MISSING):
            answer = post(client, staff, f"/coupon-templates/{missing}/claims/{move}")
            assert (answer.status_code, answer.json["code"]) == (404, "coupon_template_not_found")
        session.rollback()
        session.refresh(promotion)
        assert promotion.version == 2


class TestCoupons:
    def test_are_found_by_template_member_and_status(
        self, client, staff, me, other, template, session, now
    ):
        one, two = template(), template()
        mine = make_coupon(session, promotion=one, member_id=me.id, now=now)
        theirs = make_coupon(session, promotion=two, member_id=other.id, now=now)
        hold(session, theirs, now)
        session.commit()

        def ids(**query):
            items = get(client, staff, "/coupons", **query).json["items"]
            return [item["id"] for item in items]

        assert ids() == [theirs.id, mine.id]
        assert ids(promotion_id=one.id) == [mine.id]
        assert ids(member_id=other.id, status="held") == [theirs.id]
        assert ids(member_id=me.id, status="held") == []
        first = get(client, staff, "/coupons", limit=1).json
        assert ids(cursor=first["next_cursor"]) == [mine.id]
        (shown,) = get(client, staff, "/coupons", status="held").json["items"]
        assert shown["held_by"] == "order:A"
        assert shown["way"] == "gift"
        assert shown["member_id"] == other.id

    def test_are_taken_back_one_or_many(self, client, staff, me, template, session, now):
        promotion = template()
        made = [
            make_coupon(session, promotion=promotion, member_id=me.id, now=now) for _ in range(3)
        ]
        hold(session, made[2], now)
        session.commit()

        one = post(client, staff, f"/coupons/{made[0].id}/revoke")
        many = post(client, staff, "/coupons/revoke", {"coupon_ids": [each.id for each in made]})

        assert one.json == {"revoked_ids": [made[0].id]}
        assert many.json == {"revoked_ids": [made[1].id]}

    def test_that_are_not_there_take_nothing_with_them(
        self, client, staff, me, template, session, now, state_of
    ):
        coupon = make_coupon(session, promotion=template(), member_id=me.id, now=now)
        session.commit()

        answer = post(client, staff, "/coupons/revoke", {"coupon_ids": [coupon.id, MISSING]})

        assert (answer.status_code, answer.json["code"]) == (404, "coupon_not_found")
        assert post(client, staff, f"/coupons/{MISSING}/revoke").status_code == 404
        assert state_of(coupon) == "issued"

    def test_are_taken_back_by_staff_only_and_by_a_sound_body(
        self, client, staff, sign_in, me, template, session, now, state_of
    ):
        coupon = make_coupon(session, promotion=template(), member_id=me.id, now=now)
        session.commit()
        path, ids = "/coupons/revoke", [coupon.id]

        assert post(client, {}, path, {"coupon_ids": ids}).status_code == 401
        assert post(client, me, path, {"coupon_ids": ids}).status_code == 401
        assert post(client, sign_in("analyst"), path, {"coupon_ids": ids}).status_code == 403
        for body in ({}, {"coupon_ids": []}, {"coupon_ids": ["1"]}, {"coupon_ids": ids, "x": 1}):
            assert post(client, staff, path, body).status_code == 422
        assert state_of(coupon) == "issued"


class TestCodes:
    @pytest.fixture
    def batch(self, client, staff, template):
        promotion = template(is_claimable=False)
        path = f"/coupon-templates/{promotion.id}/code-batches"
        return post(client, staff, path, {"count": 3}).json

    def test_are_made_in_batches_once_for_one_intent(self, client, staff, template, session):
        path = f"/coupon-templates/{template().id}/code-batches"

        first, again = (post(client, staff, path, {"count": 5}, "one-intent") for _ in range(2))

        assert first.status_code == 201
        assert first.json == again.json
        assert (first.json["codes"], first.json["redeemed"]) == (5, 0)
        assert first.json["created_by"] == staff.id
        assert counted(session, CouponCode) == 5

    def test_are_listed_with_who_has_redeemed_them(self, client, staff, me, batch, session):
        batch_id = batch["id"]
        path = f"/coupon-code-batches/{batch_id}/codes"
        first = get(client, staff, path, limit=2).json
        code = first["items"][1]["code"]
        client.post("/api/v1/coupons/redeem", json={"code": code}, headers=me)

        shown = get(client, staff, path).json["items"]
        rest = get(client, staff, path, cursor=first["next_cursor"]).json["items"]

        assert [each["member_id"] for each in shown] == [None, me.id, None]
        assert shown[1]["redeemed_at"] is not None
        assert rest == shown[2:]
        template_id = batch["promotion_id"]
        listed = f"/coupon-templates/{template_id}/code-batches"
        (row,) = get(client, staff, listed).json["items"]
        assert row == {**batch, "redeemed": 1}

    def test_are_exported_as_csv(self, client, staff, me, batch, session):
        batch_id = batch["id"]
        codes = session.scalars(select(CouponCode.code).order_by(CouponCode.id)).all()
        client.post("/api/v1/coupons/redeem", json={"code": codes[0]}, headers=me)

        answer = get(client, staff, f"/coupon-code-batches/{batch_id}/codes.csv")

        assert answer.mimetype == "text/csv"
        assert f"codes-{batch_id}.csv" in answer.headers["Content-Disposition"]
        head, *lines = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
        assert head == ["兑换码", "用户", "兑换时间"]
        assert [line[0] for line in lines] == codes
        assert lines[0][1] == str(me.id)
        assert lines[1][1:] == ["", ""]

    def test_that_are_many_are_exported_in_pieces(self, client, staff, template):
        path = f"/coupon-templates/{template().id}/code-batches"
        batch_id = post(client, staff, path, {"count": 6000}).json["id"]

        answer = get(client, staff, f"/coupon-code-batches/{batch_id}/codes.csv")

        assert answer.text.count("\n") == 6001

    def test_are_money_and_not_for_analysts(self, client, sign_in, me, batch):
        batch_id = batch["id"]
        analyst, path = sign_in("analyst"), f"/coupon-code-batches/{batch_id}/codes"

        for somebody, status in ((analyst, 403), (me, 401), ({}, 401)):
            assert get(client, somebody, path).status_code == status
            assert get(client, somebody, f"{path}.csv").status_code == status

    def test_of_a_revoked_batch_are_worthless(self, client, staff, me, batch, session):
        codes = session.scalars(select(CouponCode.code)).all()
        client.post("/api/v1/coupons/redeem", json={"code": codes[0]}, headers=me)
        batch_id = batch["id"]
        path = f"/coupon-code-batches/{batch_id}/revoke"

        first, again = post(client, staff, path), post(client, staff, path)

        assert first.json == again.json
        assert first.json["redeemed"] == 1
        assert first.json["revoked_at"] is not None
        answer = client.post("/api/v1/coupons/redeem", json={"code": codes[1]}, headers=me)
        assert answer.json["code"] == "coupon_code_unknown"

    def test_of_what_is_not_there_are_not_found(self, client, staff, session):
        body = {"count": 1}
        made = post(client, staff, f"/coupon-templates/{MISSING}/code-batches", body)

        assert (made.status_code, made.json["code"]) == (404, "coupon_template_not_found")
        for tail in ("codes", "codes.csv"):
            answer = get(client, staff, f"/coupon-code-batches/{MISSING}/{tail}")
            assert (answer.status_code, answer.json["code"]) == (404, "coupon_code_batch_not_found")
        revoked = post(client, staff, f"/coupon-code-batches/{MISSING}/revoke")
        assert revoked.json["code"] == "coupon_code_batch_not_found"
        assert counted(session, CouponCodeBatch) == 0

    def test_need_staff_and_a_sound_body(self, client, staff, me, template, session):
        path = f"/coupon-templates/{template().id}/code-batches"

        assert post(client, {}, path, {"count": 1}).status_code == 401
        assert post(client, me, path, {"count": 1}).status_code == 401
        for body in ({}, {"count": 0}, {"count": 100_001}, {"count": "1"}, {"count": 1, "x": 1}):
            assert post(client, staff, path, body).status_code == 422
        assert counted(session, CouponCode) == 0


def test_a_coupon_of_a_member_is_no_business_of_another(client, me, other, template, session, now):
    """What can be named by its id is staff's alone: members only ever see their own lists."""
    coupon = make_coupon(session, promotion=template(), member_id=me.id, now=now)
    session.commit()

    assert post(client, other, f"/coupons/{coupon.id}/revoke").status_code == 401
    assert client.get(f"/api/v1/coupons/{coupon.id}", headers=other).status_code == 404
    assert counted(session, Coupon) == 1
