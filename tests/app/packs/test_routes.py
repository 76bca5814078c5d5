"""What newcomers do with packs over HTTP."""

import itertools
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.core.http import PROBLEM
from app.members import service as members
from app.wechat.mini import PhoneNumber
from promotions import buyers, points
from promotions.coupons.models import Coupon
from promotions.packs import life
from promotions.packs.models import PackClaim, PackClaimKey
from promotions.packs.setup import Eligibility, PartKind
from tests.builders.members import make_member
from tests.builders.orders import make_order, pay
from tests.builders.packs import POINTS, coupons_of

PHONE = "13812345678"
_keys = itertools.count(1)


def claim(client, headers, pack_id, key=None):
    key = key or f"claim-{next(_keys):08}"
    return client.post(
        "/api/v1/new-user-pack/claims",
        json={"pack_id": pack_id},
        headers={**headers, "Idempotency-Key": key},
    )


def offer(client, headers):
    answer = client.get("/api/v1/new-user-pack", headers=headers)
    assert answer.status_code == 200
    return answer.json


def refused(answer, reason):
    assert (answer.status_code, answer.mimetype) == (409, PROBLEM)
    assert (answer.json["code"], answer.json["reason"]) == ("pack_not_claimable", reason)
    assert answer.json["message"]


def given(session):
    session.rollback()
    tables = (PackClaim, PackClaimKey, Coupon)
    return tuple(session.scalar(select(func.count()).select_from(table)) for table in tables)


class TestOffer:
    def test_shows_what_a_newcomer_may_claim_and_until_when(
        self, client, newcomer, make_pack, make_template, begun
    ):
        template = make_template()
        pack = make_pack(
            coupons_of(template, 2),
            POINTS,
            eligibility=Eligibility.NEVER_REGISTERED,
            claim_days=7,
            worth_fen=8_800,
        )
        _, headers = newcomer()

        shown = offer(client, headers)

        assert (shown["can_claim"], shown["reason"], shown["claimed_at"]) == (True, None, None)
        assert shown["claim_ends_at"] == (begun + timedelta(days=7)).isoformat()
        assert shown["pack"] == {
            "id": pack.id,
            "title": "新人礼包",
            "worth_fen": 8_800,
            "eligibility": "never_registered",
            "ends_at": None,
            "parts": [
                {
                    "kind": "coupon",
                    "promotion_id": template.id,
                    "count": 2,
                    "title": template.title,
                },
                {"kind": "points", "points": 100, "title": "100 积分"},
            ],
        }

    def test_says_so_when_there_is_none(self, client, newcomer):
        _, headers = newcomer()

        assert offer(client, headers) == {
            "pack": None,
            "can_claim": False,
            "reason": "not_open",
            "message": "当前没有可领取的新人礼包",
            "claim_ends_at": None,
            "claimed_at": None,
        }

    def test_says_why_a_member_cannot_have_it(self, client, newcomer, make_pack, session, now):
        pack = make_pack()
        member, headers = newcomer()
        buyers.record(session, member_id=member.id, source="order:A", now=now)
        session.commit()

        shown = offer(client, headers)

        assert (shown["pack"]["id"], shown["can_claim"]) == (pack.id, False)
        assert (shown["reason"], shown["message"]) == (
            "paid_before",
            "礼包仅限未下过单的用户领取",
        )

    def test_of_several_packs_shows_one_that_can_be_claimed_then_one_that_was(
        self, client, newcomer, make_pack
    ):
        mine = make_pack()
        make_pack(eligibility=Eligibility.NEVER_REGISTERED, claim_days=1)
        _, headers = newcomer(now=mine.starts_at - timedelta(days=9))

        assert offer(client, headers)["pack"]["id"] == mine.id
        claim(client, headers, mine.id)

        shown = offer(client, headers)
        assert (shown["pack"]["id"], shown["can_claim"], shown["reason"]) == (mine.id, False, None)
        assert shown["claimed_at"] is not None

    def test_of_several_refused_packs_shows_the_latest(self, client, newcomer, make_pack, session):
        first, second = (
            make_pack(eligibility=Eligibility.NEVER_REGISTERED, claim_days=1) for _ in range(2)
        )
        _, headers = newcomer(now=first.starts_at - timedelta(days=9))

        shown = offer(client, headers)

        assert (shown["pack"]["id"], shown["reason"]) == (second.id, "too_late")

    def test_needs_a_token_and_no_query(self, client, newcomer):
        _, headers = newcomer()

        assert client.get("/api/v1/new-user-pack").status_code == 401
        assert client.get("/api/v1/new-user-pack?x=1", headers=headers).status_code == 422


class TestClaim:
    def test_gives_coupons_with_their_validity_points_a_price_and_a_gift(
        self, client, newcomer, make_pack, make_template, session
    ):
        coupon, price, gift = (
            make_template(kind) for kind in ("coupon_percent", "coupon_price", "coupon_exchange")
        )
        pack = make_pack(
            coupons_of(coupon, 2),
            coupons_of(price, kind=PartKind.FIRST_ORDER_PRICE),
            coupons_of(gift, kind=PartKind.GIFT),
            POINTS,
        )
        member, headers = newcomer()

        answer = claim(client, headers, pack.id)

        assert answer.status_code == 201
        got = answer.json
        assert got["pack"]["id"] == pack.id
        assert sorted(one["promotion_id"] for one in got["coupons"]) == sorted(
            [coupon.id, coupon.id, price.id, gift.id]
        )
        assert {one["status"] for one in got["coupons"]} == {"issued"}
        assert all(one["starts_at"] < one["ends_at"] for one in got["coupons"])
        assert points.balance(session, member.id) == 100
        listed = client.get("/api/v1/new-user-pack/claims", headers=headers).json["items"]
        assert listed == [got]

    def test_is_answered_again_with_the_same_key_and_with_another(
        self, client, newcomer, make_pack, make_template, session
    ):
        pack = make_pack(coupons_of(make_template()))
        _, headers = newcomer()

        first = claim(client, headers, pack.id, key="the-first-device")
        repeated = claim(client, headers, pack.id, key="the-first-device")
        other = claim(client, headers, pack.id, key="the-other-device")

        assert first.json == repeated.json == other.json
        assert repeated.headers["Idempotency-Replayed"] == "true"
        assert given(session) == (1, 1, 1)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"pack_id": 0},
            {"pack_id": -1},
            {"pack_id": "1"},
            {"pack_id": 1.5},
            {"pack_id": True},
            {"pack_id": None},
            {"pack_id": 2**63},
            {"pack_id": 1, "member_id": 2},
            [],
        ],
    )
    def test_refuses_a_wrong_body_and_changes_nothing(
        self, client, newcomer, make_pack, session, body
    ):
        make_pack()
        _, headers = newcomer()

        answer = client.post(
            "/api/v1/new-user-pack/claims",
            json=body,
            headers={**headers, "Idempotency-Key": "claim-wrong-body"},
        )

        assert (answer.status_code, answer.mimetype) == (422, PROBLEM)
        assert given(session) == (0, 0, 0)

    def test_needs_a_token_and_a_key(self, client, newcomer, make_pack, session):
        pack = make_pack()
        _, headers = newcomer()

        assert claim(client, {}, pack.id).status_code == 401
        answer = client.post(
            "/api/v1/new-user-pack/claims", json={"pack_id": pack.id}, headers=headers
        )
        assert (answer.status_code, answer.json["code"]) == (400, "idempotency_key_missing")
        assert given(session) == (0, 0, 0)

    def test_of_nothing_is_not_found(self, client, newcomer):
        _, headers = newcomer()

        answer = claim(client, headers, 999_999_999)

        assert (answer.status_code, answer.json["code"]) == (404, "pack_not_found")

    def test_of_a_paused_pack_is_refused(self, client, newcomer, make_pack, session, now):
        pack = make_pack()
        life.pause(session, pack_id=pack.id, staff_id=1, now=now)
        session.commit()
        _, headers = newcomer()

        refused(claim(client, headers, pack.id), "not_open")
        assert given(session) == (0, 0, 0)

    def test_gives_nothing_at_all_when_one_part_has_run_out(
        self, client, newcomer, make_pack, make_template, session
    ):
        pack = make_pack(
            POINTS, coupons_of(make_template()), coupons_of(make_template(max_issued=1))
        )
        _, first = newcomer()
        late, second = newcomer()
        claim(client, first, pack.id)

        refused(claim(client, second, pack.id), "cannot_give")
        assert offer(client, second)["reason"] == "cannot_give"
        assert given(session) == (1, 1, 2)
        assert points.balance(session, late.id) == 0

    def test_is_for_who_has_not_paid_an_order(self, client, newcomer, make_pack, session, now):
        pack = make_pack()
        member, headers = newcomer()
        order = make_order(session, buyer=member, now=now)
        pay(session, order, now=now)
        session.commit()

        refused(claim(client, headers, pack.id), "paid_before")

    def test_of_one_member_is_not_shown_to_another(self, client, newcomer, make_pack):
        pack = make_pack()
        _, mine = newcomer()
        _, theirs = newcomer()
        claim(client, mine, pack.id)

        assert client.get("/api/v1/new-user-pack/claims", headers=theirs).json == {"items": []}
        assert client.get("/api/v1/new-user-pack/claims").status_code == 401


class TestOnePersonOnceForEver:
    @pytest.fixture(params=list(Eligibility))
    def pack(self, request, make_pack):
        return make_pack(eligibility=request.param, claim_days=30)

    @pytest.mark.parametrize("kept", ["openid", "unionid", "phone"])
    def test_deleting_the_account_and_registering_again_earns_nothing(
        self, client, newcomer, pack, session, kept
    ):
        """CRMEB gives its registration gift to whoever deletes the account and comes again."""
        identity = {"openid": "o-lin", "unionid": "u-lin", "phone": PHONE}
        _, headers = newcomer(**identity)
        assert claim(client, headers, pack.id).status_code == 201
        assert client.delete("/api/v1/me", headers=headers).status_code == 204

        reborn, again = newcomer(**{kept: identity[kept]})

        refused(claim(client, again, pack.id), "already_claimed")
        assert offer(client, again)["reason"] == "already_claimed"
        assert points.balance(session, reborn.id) == 0

    def test_a_phone_that_has_claimed_is_refused_on_an_account_that_adds_it_later(
        self, client, newcomer, pack, session
    ):
        _, headers = newcomer(phone=PHONE)
        claim(client, headers, pack.id)
        member, other = newcomer()
        assert offer(client, other)["can_claim"]

        members.set_phone(session, member_id=member.id, phone=PhoneNumber(PHONE, "86"))
        session.commit()

        refused(claim(client, other, pack.id), "already_claimed")

    def test_a_phone_or_unionid_added_after_claiming_counts_for_ever(
        self, client, newcomer, pack, session, begun
    ):
        member, headers = newcomer(openid="o-lin")
        claim(client, headers, pack.id)
        members.set_phone(session, member_id=member.id, phone=PhoneNumber(PHONE, "86"))
        make_member(session, openid="o-lin", unionid="u-lin", now=begun)
        other_phone = PhoneNumber("13900000000", "86")
        members.set_phone(session, member_id=member.id, phone=other_phone)
        session.commit()

        for identity in ({"phone": PHONE}, {"unionid": "u-lin"}, {"phone": "13900000000"}):
            _, other = newcomer(**identity)
            refused(claim(client, other, pack.id), "already_claimed")
        assert given(session)[:2] == (1, 4)


class TestNeverRegistered:
    @pytest.fixture
    def pack(self, make_pack):
        return make_pack(eligibility=Eligibility.NEVER_REGISTERED, claim_days=7)

    def test_a_second_live_account_with_the_phone_is_not_new(self, client, newcomer, pack):
        _, first = newcomer(phone=PHONE)
        _, second = newcomer(phone=PHONE)

        refused(claim(client, second, pack.id), "registered_before")
        assert claim(client, first, pack.id).status_code == 201

    def test_who_left_before_is_not_new(self, client, newcomer, pack):
        _, headers = newcomer(phone=PHONE)
        client.delete("/api/v1/me", headers=headers)
        _, again = newcomer(phone=PHONE)

        refused(claim(client, again, pack.id), "registered_before")


class TestNeverPaid:
    def test_who_paid_with_another_account_or_left_is_not_new(
        self, client, newcomer, make_pack, session, now
    ):
        pack = make_pack()
        payer, headers = newcomer(phone=PHONE)
        _, second = newcomer(phone=PHONE)
        buyers.record(session, member_id=payer.id, source="order:A", now=now)
        session.commit()

        refused(claim(client, second, pack.id), "paid_before")
        client.delete("/api/v1/me", headers=headers)
        refused(claim(client, second, pack.id), "paid_before")
