"""A member as a distributor: applying, sharing, earning, and being bound."""

from datetime import timedelta

import pytest

from app.core import queue
from app.distributors import jobs
from app.members.models import Member
from app.orders.models import OrderStatus
from distribution.team import joining, people, sharing
from tests.app.distributors.conftest import bring
from tests.builders.catalogue import make_sku, make_spu
from tests.builders.distribution import uplines_of
from tests.builders.orders import make_order, refund_all

APPLY = "/api/v1/distributor/apply"
ADULT = {"is_adult": True}
SUMMARY = "/api/v1/distributor"
STATEMENT = "/api/v1/distributor/statement"
ORDERS = "/api/v1/distributor/orders"
RANKING = "/api/v1/distributor/ranking"
BILLS = "/api/v1/distributor/bills"
OVERVIEW = "/api/v1/distributor/summary"
TEAM = "/api/v1/distributor/team"
SHARE = "/api/v1/distributor/share"


def get(client, url, headers, **query):
    answer = client.get(url, headers=headers, query_string=query)
    assert answer.status_code == 200, answer.json
    return answer.json


class TestApply:
    def test_makes_a_distributor_at_once_where_anybody_may_join(
        self, client, as_member, two_levels
    ):
        _, headers = as_member()

        answer = client.post(APPLY, headers=headers, json=ADULT)

        assert answer.status_code == 200
        assert answer.json["status"] == "active"
        assert answer.json["approved_at"] is not None
        assert answer.json["level1_count"] == answer.json["earned_fen"] == 0

    def test_waits_for_staff_unless_the_shop_says_otherwise(self, client, as_member):
        _, headers = as_member()

        first = client.post(APPLY, headers=headers, json=ADULT).json
        again = client.post(APPLY, headers=headers, json=ADULT).json

        assert first["status"] == "pending"
        assert again == first

    def test_who_has_left_cannot_apply(self, client, session, as_member):
        member, headers = as_member()
        member.status, member.deleted_at = "deleted", member.created_at
        member.openid = "deleted:1"
        member.session_key_sealed = None
        session.commit()

        assert client.post(APPLY, headers=headers, json=ADULT).status_code == 401
        with pytest.raises(joining.UnknownDistributor):
            joining.get(session, member.id)

    def test_needs_a_token(self, client):
        assert client.post(APPLY, json=ADULT).status_code == 401


class TestNotADistributor:
    @pytest.mark.parametrize(
        "url", [SUMMARY, OVERVIEW, STATEMENT, ORDERS, TEAM, RANKING, BILLS, SHARE]
    )
    def test_sees_nothing(self, client, as_member, url):
        _, headers = as_member()

        answer = client.get(url, headers=headers)

        assert (answer.status_code, answer.json["code"]) == (404, "not_a_distributor")


class TestEarnings:
    @pytest.fixture
    def sold(self, session, as_distributor, two_levels, as_member, now):
        """Far brought near, near brought the buyer, who paid 2 × ¥99 and has received it."""
        far, far_headers = as_distributor(nickname="远山")
        near, near_headers = as_distributor(nickname="近水", upline=far)
        buyer, _ = as_member(nickname="买家小王")
        bring(session, buyer, near)
        sku = make_sku(session, price_fen=9_900)
        order = make_order(
            session, now=now, buyer=buyer, sku=sku, quantity=2, status=OrderStatus.RECEIVED
        )
        session.commit()
        return order, near_headers, far_headers

    def test_a_sale_shows_in_the_summary_of_both_uplines(self, client, sold):
        _, near, far = sold

        assert get(client, SUMMARY, near)["frozen_fen"] == 1_980
        assert get(client, SUMMARY, far)["frozen_fen"] == 990

    def test_each_commission_says_why_in_words(self, client, sold, two_levels):
        order, near, _ = sold

        (promoted,) = get(client, ORDERS, near)["items"]
        (item,) = promoted["lines"]

        assert promoted["order_no"] == order.order_no
        assert promoted["buyer"] == "买**"
        assert (item["title"], item["state_name"]) == (order.lines[0].title, "待结算")
        assert item["why"] == (
            f"实付 ¥198.00 × 10% = ¥19.80（店铺规则第 {two_levels.version} 版，分以下舍去）"
        )
        assert item["mature_at"] is not None

    def test_the_statement_tells_the_story_with_balances(self, client, session, sold, now):
        order, near, _ = sold
        refund_all(session, order, now=now)
        session.commit()

        claw_back, accrue = get(client, STATEMENT, near)["items"]

        assert accrue["title"] == "订单佣金入账（待结算）"
        assert accrue["moves"] == [
            {
                "account": "frozen",
                "account_name": "待结算",
                "change_fen": 1_980,
                "balance_fen": 1_980,
            }
        ]
        assert claw_back["moves"][0]["balance_fen"] == 0
        ((item,),) = (each["lines"] for each in get(client, ORDERS, near)["items"])
        assert item["state"] == "clawed"
        assert item["why"].endswith("买家退款已扣回 ¥19.80")

    def test_commissions_mature_by_themselves_when_their_day_has_come(
        self, client, sold, set_clock, now
    ):
        _, near, _ = sold
        jobs.mature()
        assert get(client, SUMMARY, near)["available_fen"] == 0

        set_clock(now + timedelta(days=8))
        jobs.mature()
        jobs.mature()
        jobs.roll_up()

        set_clock(now)
        assert get(client, SUMMARY, near)["available_fen"] == 1_980
        wanted = {"distributors.mature", "distributors.roll_up", "distributors.chain"}
        wanted |= {"distributors.chain_records"}
        assert wanted <= set(queue.procrastinate.tasks)

    def test_pages_go_on_where_the_last_one_ended(self, client, session, sold, now):
        order, near, _ = sold
        buyer = session.get(Member, order.buyer_id)
        for _ in range(2):
            make_order(
                session,
                now=now,
                buyer=buyer,
                quantities={order.lines[0].sku_id: 1},
                status=OrderStatus.PAID,
            )
        session.commit()
        for url, key in ((ORDERS, "order_no"), (STATEMENT, "entry_id")):
            first = get(client, url, near, limit=2)
            rest = get(client, url, near, limit=2, cursor=first["next_cursor"])
            seen = [item[key] for item in (*first["items"], *rest["items"])]
            assert seen == sorted(set(seen), reverse=True)
            assert (len(seen), rest["next_cursor"]) == (3, None)

    @pytest.mark.parametrize(
        "query", [{"limit": 0}, {"limit": 101}, {"cursor": "?"}, {"unknown": 1}, {"limit": "x"}]
    )
    @pytest.mark.parametrize("url", [ORDERS, STATEMENT, TEAM])
    def test_a_bad_page_is_refused(self, client, sold, url, query):
        answer = client.get(url, headers=sold[1], query_string=query)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")


class TestTeam:
    def test_shows_counts_and_masked_people_of_each_level(
        self, client, session, as_distributor, as_member
    ):
        far, headers = as_distributor()
        near, _ = as_distributor(nickname="近水", upline=far)
        for nickname in ("甲", ""):
            bring(session, as_member(nickname=nickname)[0], near)

        first = get(client, TEAM, headers)
        second = get(client, TEAM, headers, level=2, limit=1)

        assert (first["level1_count"], first["level2_count"]) == (1, 2)
        assert [item["nickname"] for item in first["items"]] == ["近**"]
        assert [item["nickname"] for item in second["items"]] == ["微信用户"]
        rest = get(client, TEAM, headers, level=2, cursor=second["next_cursor"])
        assert [item["nickname"] for item in rest["items"]] == ["甲**"]
        assert rest["next_cursor"] is None

    @pytest.mark.parametrize("level", [0, 3])
    def test_has_no_other_level(self, client, as_distributor, level):
        _, headers = as_distributor()

        answer = client.get(TEAM, headers=headers, query_string={"level": level})

        assert answer.status_code == 422


class TestShare:
    def test_gives_a_scene_that_carries_the_code_and_the_product(
        self, client, session, as_distributor
    ):
        member, headers = as_distributor()
        spu = make_spu(session)
        session.commit()
        code = joining.get(session, member.id).invite_code

        card = get(client, SHARE, headers, spu_id=spu.id)

        assert card["scene"] == f"i={code}&s={spu.id}"
        assert sharing.invite_code_in(card["scene"]) == code
        assert card["path"] == f"/{card['page']}?scene=l%3D{code}%26s%3D{spu.id}"
        assert get(client, SHARE, headers)["scene"] == f"i={code}"

    def test_needs_a_product_on_the_shelf(self, client, session, as_distributor):
        _, headers = as_distributor()
        hidden = make_spu(session, status="off_shelf")
        session.commit()

        for spu_id in (hidden.id, 999_999):
            answer = client.get(SHARE, headers=headers, query_string={"spu_id": spu_id})
            assert (answer.status_code, answer.json["code"]) == (404, "spu_not_found")

    def test_is_for_active_distributors(self, client, session, as_distributor):
        member, headers = as_distributor()
        joining.freeze(session, member_id=member.id, reason="刷单", now=member.created_at)
        session.commit()

        answer = client.get(SHARE, headers=headers)

        assert (answer.status_code, answer.json["code"]) == (409, "distributor_not_active")
        assert answer.json["distributor_status"] == "frozen"


class TestBind:
    def bind(self, client, headers, code):
        return client.post("/api/v1/distributor/bind", headers=headers, json={"invite_code": code})

    def test_binds_once_and_for_good(self, client, session, as_distributor, as_member):
        upline, _ = as_distributor(nickname="近水")
        other, _ = as_distributor()
        member, headers = as_member()
        code, other_code = (joining.get(session, each.id).invite_code for each in (upline, other))

        first = self.bind(client, headers, code)
        again = self.bind(client, headers, code)
        refused = self.bind(client, headers, other_code)

        assert (first.status_code, first.json["upline"]) == (200, "近**")
        assert again.json == first.json
        assert (refused.status_code, refused.json["code"]) == (409, "upline_already_bound")
        assert [each.member_id for each in uplines_of(session, member.id)] == [upline.id]

    def test_takes_the_scene_of_a_scanned_code_too(
        self, client, session, as_distributor, as_member
    ):
        upline, upline_headers = as_distributor()
        member, headers = as_member()
        scene = client.get(SHARE, headers=upline_headers).json["scene"]

        answer = client.post("/api/v1/distributor/bind", headers=headers, json={"scene": scene})

        assert answer.status_code == 200
        (bound,) = uplines_of(session, member.id)
        assert bound.member_id == upline.id

    def test_says_what_is_wrong_with_a_code_and_changes_nothing(
        self, client, session, as_distributor, as_member
    ):
        upline, upline_headers = as_distributor()
        below, _ = as_distributor(upline=upline)
        frozen, _ = as_distributor()
        joining.freeze(session, member_id=frozen.id, reason="刷单", now=frozen.created_at)
        session.commit()

        def code(member):
            return joining.get(session, member.id).invite_code

        refusals = [
            (self.bind(client, upline_headers, each).status_code,
             self.bind(client, upline_headers, each).json["code"])
            for each in ("ZZZZZZZZ", code(frozen), code(upline), code(below))
        ]  # fmt: skip

        assert refusals == [
            (404, "invite_code_unknown"),
            (409, "inviter_not_active"),
            (409, "own_invite_code"),
            (409, "upline_cycle"),
        ]
        assert uplines_of(session, upline.id) == ()
        assert people.team_counts(session, frozen.id) == (0, 0)

    @pytest.mark.parametrize(
        "body",
        [
            {},
            {"invite_code": None},
            {"invite_code": 23456789},
            {"invite_code": "abcdefgh"},
            {"invite_code": "A" * 9},
            {"invite_code": "A" * 8 + "\n"},
            {"invite_code": "😀" * 8},
            {"invite_code": "A" * 8, "unknown": 1},
            {"invite_code": "AAAAAAAA", "scene": "i=AAAAAAAA"},
            {"scene": "p=1"},
            {"scene": "i=AAAAAAAA" + "x" * 30},
        ],
    )
    def test_refuses_what_is_no_code(self, client, as_member, body):
        _, headers = as_member()

        answer = client.post("/api/v1/distributor/bind", headers=headers, json=body)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")

    def test_trying_codes_has_a_limit(self, client, as_member):
        _, headers = as_member()

        answers = {self.bind(client, headers, "ZZZZZZZZ").status_code for _ in range(21)}

        assert answers == {404, 429}

    def test_needs_a_token(self, client):
        assert self.bind(client, {}, "ZZZZZZZZ").status_code == 401
