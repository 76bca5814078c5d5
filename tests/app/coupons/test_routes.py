"""Members over HTTP: the claim centre, codes, and their own coupons."""

import uuid
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.coupons import routes
from promotions import buyers, coupons
from promotions.coupons.codes import ALPHABET
from promotions.coupons.models import Coupon, CouponCode
from promotions.states import CampaignStatus
from tests.builders.coupons import DAY, make_coupon

MISSING = 999_999_999


def claim(client, me, promotion_id, key=None):
    headers = {**me, "Idempotency-Key": key or uuid.uuid4().hex}
    return client.post(f"/api/v1/coupon-centre/{promotion_id}/claim", headers=headers)


def redeem(client, me, code):
    return client.post("/api/v1/coupons/redeem", json={"code": code}, headers=me)


def mine(client, me, **query):
    return client.get("/api/v1/coupons", query_string=query, headers=me)


def centre(client, me, **query):
    return client.get("/api/v1/coupon-centre", query_string=query, headers=me)


def issued(session):
    session.rollback()
    return session.scalar(select(func.count(Coupon.id)))


class TestCentre:
    def test_lists_what_can_be_claimed_the_latest_first(self, client, me, template):
        older, newer = template(), template(max_issued=5, member_max=2)

        items = centre(client, me).json["items"]

        assert [item["promotion_id"] for item in items] == [newer.id, older.id]
        assert items[0] == {
            "promotion_id": newer.id,
            "kind": "coupon_amount",
            "title": "满100减10券",
            "badge": items[0]["badge"],
            "claim_state": "claimable",
            "message": "立即领取",
            "claim_starts_at": items[0]["claim_starts_at"],
            "claim_ends_at": None,
            "valid_starts_at": None,
            "valid_ends_at": None,
            "valid_days": 7,
            "delay_days": 0,
            "left": 5,
            "member_max": 2,
        }
        assert "10" in items[0]["badge"]

    def test_says_how_each_stands(self, client, me, template, session, now):
        buyers.record(session, member_id=me.id, source="order:A", now=now)
        made = {
            template(starts_at=now + DAY).id: ("not_yet", "尚未开始"),
            template(claim_ends_at=now - DAY).id: ("over", "已结束"),
            template(audience={"is_new": True}).id: ("not_for_you", "不符合领取条件"),
            template(member_max=1).id: ("reached", "已达领取上限"),
            template(member_day_max=1).id: ("reached_today", "今日已达领取上限"),
            template(max_issued=1).id: ("claimed_out", "已抢光"),
        }
        for promotion_id in made:
            claim(client, me, promotion_id)

        shown = {
            item["promotion_id"]: (item["claim_state"], item["message"])
            for item in centre(client, me).json["items"]
        }

        assert shown == made

    def test_knows_a_buyer_by_another_account(self, client, sign_in, template, session, now):
        first, second = (sign_in(phone="13812345678") for _ in range(2))
        promotion = template(audience={"is_new": True})
        assert centre(client, second).json["items"][0]["claim_state"] == "claimable"

        buyers.record(session, member_id=first.id, source="order:A", now=now)
        session.commit()

        assert centre(client, second).json["items"][0]["claim_state"] == "not_for_you"
        assert claim(client, second, promotion.id).status_code == 409

    def test_hides_what_is_not_offered(self, client, me, template, now):
        template(is_claimable=False)
        template(status=CampaignStatus.DRAFT)
        template(status=CampaignStatus.PAUSED)
        template(status=CampaignStatus.ENDED)
        template(ends_at=now - timedelta(minutes=1))

        assert centre(client, me).json == {"items": [], "next_cursor": None}

    def test_names_what_a_newer_release_has_written_without_a_badge(
        self, client, me, template, session
    ):
        strange = template()
        strange.kind = "coupon_lottery"
        session.commit()

        (item,) = centre(client, me).json["items"]

        assert (item["title"], item["badge"]) == ("满100减10券", "")

    def test_comes_in_pages(self, client, me, template):
        made = [template().id for _ in range(3)]

        first = centre(client, me, limit=2).json
        second = centre(client, me, limit=2, cursor=first["next_cursor"]).json

        shown = [item["promotion_id"] for item in first["items"] + second["items"]]
        assert shown == made[::-1]
        assert second["next_cursor"] is None

    def test_needs_a_member_and_a_sound_query(self, client, me):
        assert client.get("/api/v1/coupon-centre").status_code == 401
        for query in ({"limit": 0}, {"limit": 101}, {"cursor": "x"}, {"colour": 1}):
            assert centre(client, me, **query).status_code == 422


class TestClaim:
    def test_gives_one_coupon_for_the_days_of_the_template(self, client, me, template, session):
        promotion = template()

        answer = claim(client, me, promotion.id)

        assert answer.status_code == 201
        assert answer.json["promotion_id"] == promotion.id
        assert answer.json["status"] == "issued"
        assert answer.json["title"] == "满100减10券"
        assert "member_id" not in answer.json
        coupon = session.get_one(Coupon, answer.json["id"])
        assert (coupon.member_id, coupon.way, coupon.source) == (me.id, "claim", None)

    def test_the_same_intent_twice_gives_one(self, client, me, template, session):
        promotion = template()

        first, again = (claim(client, me, promotion.id, "same-intent") for _ in range(2))

        assert first.json == again.json
        assert issued(session) == 1

    @pytest.mark.parametrize(
        ("fields", "state"),
        [
            ({"is_claimable": False}, "closed"),
            ({"status": CampaignStatus.PAUSED}, "closed"),
            ({"member_max": 1}, "reached"),
            ({"max_issued": 1}, "claimed_out"),
        ],
    )
    def test_is_refused_with_the_reason(self, client, me, template, session, fields, state):
        promotion = template(**fields)
        claim(client, me, promotion.id)
        before = issued(session)

        answer = claim(client, me, promotion.id)

        assert answer.status_code == 409
        assert (answer.json["code"], answer.json["claim_state"]) == ("coupon_refused", state)
        assert answer.json["message"]
        assert issued(session) == before

    def test_of_another_template_of_nothing_and_without_a_token(self, client, me, session):
        assert claim(client, me, MISSING).json["code"] == "coupon_template_not_found"
        assert claim(client, {}, 1).status_code == 401
        keyless = client.post("/api/v1/coupon-centre/1/claim", headers=me)
        assert keyless.json["code"] == "idempotency_key_missing"
        assert issued(session) == 0

    def test_by_somebody_who_has_left_is_refused(self, app, me, template, session, now):
        from app.core.errors import Unauthorized
        from app.coupons import service
        from app.members import service as members

        promotion = template()
        members.leave(session, member_id=me.id, now=now)

        with pytest.raises(Unauthorized):
            service.claim(session, promotion_id=promotion.id, member_id=me.id, now=now)

    @pytest.mark.race
    def test_lilishop_many_taps_at_once_stay_within_the_limit(self, app, me, template, session):
        """They read how many were received and write it back: parallel claims pass the limit."""
        promotion = template(member_max=2, max_issued=9)

        def tap(_):
            return claim(app.test_client(), me, promotion.id).status_code

        with ThreadPoolExecutor(8) as pool:
            answers = sorted(pool.map(tap, range(8)))

        assert answers == [201] * 2 + [409] * 6
        assert issued(session) == 2


class TestRedeem:
    @pytest.fixture
    def code(self, session, template, now):
        promotion = template(is_claimable=False, member_max=1)
        coupons.make_codes(session, promotion_id=promotion.id, count=1, staff_id=1, now=now)
        session.commit()
        return session.scalar(select(CouponCode.code))

    def test_turns_a_code_into_a_coupon_however_it_is_typed(self, client, me, code, session):
        typed = f" {code[:4].lower()}-{code[4:8]} {code[8:]} "

        answer = redeem(client, me, typed)

        assert answer.status_code == 200
        assert answer.json["status"] == "issued"
        assert session.get_one(Coupon, answer.json["id"]).member_id == me.id

    def test_again_by_the_same_member_answers_the_same_coupon(self, client, me, code, session):
        first, again = (redeem(client, me, code).json for _ in range(2))

        assert first == again
        assert issued(session) == 1

    def test_by_another_member_afterwards_is_refused(self, client, me, other, code, session):
        redeem(client, me, code)

        answer = redeem(client, other, code)

        assert (answer.status_code, answer.json["code"]) == (409, "coupon_code_taken")
        assert issued(session) == 1

    def test_of_a_wrong_code_costs_nothing(self, client, me, code, session):
        wrong = "".join(ALPHABET[(ALPHABET.index(one) + 1) % 31] for one in code)

        assert redeem(client, me, wrong).json["code"] == "coupon_code_unknown"

        assert issued(session) == 0
        assert redeem(client, me, code).status_code == 200

    def test_of_a_template_that_is_over_is_refused(self, client, me, code, session):
        session.execute(Coupon.__table__.delete())
        from promotions.models import Promotion

        session.query(Promotion).update({"status": CampaignStatus.ENDED})
        session.commit()

        answer = redeem(client, me, code)

        assert (answer.json["code"], answer.json["claim_state"]) == ("coupon_refused", "closed")

    def test_may_be_tried_ten_times_a_minute(self, client, me, other):
        tries = [redeem(client, me, "NOSUCHCODE") for _ in range(routes.CODES_PER_MINUTE + 1)]

        assert {each.status_code for each in tries[:-1]} == {404}
        assert tries[-1].status_code == 429
        assert tries[-1].headers["Retry-After"] == "60"
        assert redeem(client, other, "NOSUCHCODE").status_code == 404

    def test_needs_a_token_and_a_sound_body(self, client, me, session):
        assert redeem(client, {}, "X").status_code == 401
        for body in ({}, {"code": ""}, {"code": 7}, {"code": "X" * 41}, {"code": "X", "x": 1}):
            answer = client.post("/api/v1/coupons/redeem", json=body, headers=me)
            assert answer.status_code == 422
        assert issued(session) == 0


class TestMine:
    def test_are_sorted_into_four_drawers(self, client, me, template, session, now):
        wanted = {"now": now, "member_id": me.id}
        usable = make_coupon(session, promotion=template(), **wanted)
        upcoming = make_coupon(session, promotion=template(delay_days=1), **wanted)
        held, used = (make_coupon(session, promotion=template(), **wanted) for _ in range(2))
        for coupon in (used, held):
            coupons.hold(
                session,
                source=f"order:{coupon.id}",
                coupon_ids=[coupon.id],
                member_id=me.id,
                now=now,
            )
        coupons.use(session, source=f"order:{used.id}", now=now)
        over = make_coupon(session, promotion=template(starts_at=now - 9 * DAY), **wanted)
        over.starts_at, over.ends_at = now - 2 * DAY, now - DAY
        stopped = template()
        orphan = make_coupon(session, promotion=stopped, **wanted)
        stopped.status = CampaignStatus.ENDED
        revoked = make_coupon(session, promotion=template(), **wanted)
        coupons.revoke(session, coupon_ids=[revoked.id], now=now)
        session.commit()

        shown = {
            drawer: {item["id"] for item in mine(client, me, drawer=drawer).json["items"]}
            for drawer in ("usable", "upcoming", "used", "expired")
        }

        assert shown == {
            "usable": {usable.id},
            "upcoming": {upcoming.id},
            "used": {held.id, used.id},
            "expired": {over.id, orphan.id},
        }

    def test_show_what_they_are_and_whether_the_campaign_rests(
        self, client, me, template, session, now
    ):
        promotion = template()
        coupon = make_coupon(session, promotion=promotion, member_id=me.id, now=now)
        promotion.status = CampaignStatus.PAUSED
        session.commit()

        (item,) = mine(client, me).json["items"]

        assert item == {
            "id": coupon.id,
            "promotion_id": promotion.id,
            "kind": "coupon_amount",
            "title": "满100减10券",
            "badge": item["badge"],
            "is_paused": True,
            "status": "issued",
            "starts_at": item["starts_at"],
            "ends_at": item["ends_at"],
            "issued_at": item["issued_at"],
            "used_at": None,
        }

    def test_never_anothers(self, client, me, other, template, session, now):
        make_coupon(session, promotion=template(), member_id=other.id, now=now)
        session.commit()

        assert mine(client, me).json["items"] == []
        assert len(mine(client, other).json["items"]) == 1

    @pytest.mark.parametrize("drawer", ["usable", "expired"])
    def test_come_in_pages_by_their_end(self, client, me, template, session, now, drawer):
        promotion = template(starts_at=now - 90 * DAY)
        made = [
            make_coupon(session, promotion=promotion, member_id=me.id, now=now) for _ in range(5)
        ]
        for number, coupon in enumerate(made):
            away = (number // 2 + 1) * DAY
            if drawer == "expired":
                coupon.starts_at, coupon.ends_at = now - 80 * DAY, now - away
            else:
                coupon.ends_at = now + away
        session.commit()

        shown, cursor = [], None
        while True:
            query = {"drawer": drawer, "limit": 2} | ({"cursor": cursor} if cursor else {})
            page = mine(client, me, **query).json
            shown += [item["id"] for item in page["items"]]
            cursor = page["next_cursor"]
            if cursor is None:
                break

        by_end = sorted(made, key=lambda one: (one.ends_at, one.id))
        wanted = [one.id for one in by_end]
        assert shown == (wanted if drawer == "usable" else wanted[::-1])

    def test_need_a_token_and_a_sound_query(self, client, me):
        from app.core import paging

        assert client.get("/api/v1/coupons").status_code == 401
        far = paging.encode(2**62, 1)
        for query in ({"drawer": "mine"}, {"limit": 0}, {"cursor": far}, {"cursor": "!"}, {"x": 1}):
            assert mine(client, me, **query).status_code == 422, query
