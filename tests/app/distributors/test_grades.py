"""Grades over HTTP: staff make them, sales lift to them, a distributor sees how far it is."""

import runpy
from datetime import timedelta

import pytest
from sqlalchemy import text

from app.distributors import grades_wording as wording
from app.distributors import jobs, verify
from app.orders.models import OrderStatus
from distribution.team import facts, grades, joining
from distribution.team.conditions import Facts
from distribution.team.states import Joining
from tests.app.distributors.conftest import bring
from tests.builders.catalogue import make_sku
from tests.builders.distribution import make_joining_rules, make_rung
from tests.builders.orders import make_order, refund_all

GRADES = "/admin/v1/distributor-grades"
MINE = "/api/v1/distributor/grade"
GOLD = {"name": "金牌", "rank": 2, "conditions": {"level1_orders": 2, "level1_fen": 20_000}}


def of(member):
    return f"/admin/v1/distributors/{member.id}/grade"


@pytest.fixture
def grade(session, now):
    made = make_rung(session, level1_orders=1, now=now)
    session.commit()
    return made


@pytest.fixture
def sold(session, as_distributor, as_member, two_levels, now):
    """A distributor, the headers to act as them, and an order somebody they brought has paid."""
    seller, headers = as_distributor(nickname="近水")
    buyer, _ = as_member()
    bring(session, buyer, seller)
    sku = make_sku(session, price_fen=9_900)
    order = make_order(session, now=now, buyer=buyer, sku=sku, status=OrderStatus.COMPLETED)
    session.commit()
    return seller, headers, order


class TestLadder:
    def test_is_made_changed_and_archived(self, client, as_staff):
        made = client.post(GRADES, headers=as_staff, json=GOLD)
        url = f"/admin/v1/distributor-grades/{made.json['id']}"
        changed = client.put(url, headers=as_staff, json=GOLD | {"rank": 3, "keep_days": 30})
        shown = client.get(url, headers=as_staff)
        listed = client.get(GRADES, headers=as_staff)
        grade_id = made.json["id"]
        archived = client.post(f"/admin/v1/distributor-grades/{grade_id}/archive", headers=as_staff)

        assert (made.status_code, made.json["rank"], made.json["keep_days"]) == (201, 2, None)
        assert made.json["text"] == (
            "累计直接客户完成订单数达到 2，且直接客户完成订单实付达到 ¥200.00。"
        )
        assert (changed.json["rank"], changed.json["keep_days"]) == (3, 30)
        assert changed.json["text"].startswith("最近 30 天")
        assert shown.json == changed.json
        assert listed.json == {"items": [shown.json]}
        assert (archived.status_code, archived.json["is_archived"]) == (200, True)
        assert client.get(GRADES, headers=as_staff).json == {"items": []}
        every = client.get(f"{GRADES}?with_archived=true", headers=as_staff).json
        assert [each["id"] for each in every["items"]] == [made.json["id"]]

    def test_says_what_the_law_says(self, client, as_staff):
        buying = GOLD | {"conditions": {"own_orders": 1, "direct_customers": 2}}
        by_hand = {"name": "店长", "rank": 9}

        notes = [
            client.post(GRADES, headers=as_staff, json=body).json
            for body in (GOLD, buying | {"rank": 3}, by_hand)
        ]

        assert "第七条" in notes[0]["compliance_note"]
        assert "本人消费" not in notes[0]["compliance_note"]
        assert "单靠购买不能升级" in notes[1]["compliance_note"]
        assert (notes[2]["text"], notes[2]["compliance_note"]) == (
            "由商家授予。",
            wording.BASIC_NOTE,
        )

    @pytest.mark.parametrize(
        "change",
        [
            {"name": ""},
            {"name": "长" * 21},
            {"name": None},
            {"name": "a\x00"},
            {"rank": 0},
            {"rank": 101},
            {"rank": "1"},
            {"keep_days": 0},
            {"keep_days": 3_651},
            {"conditions": None},
            {"conditions": {"level1_orders": 0}},
            {"conditions": {"level1_fen": 1.5}},
            {"conditions": {"recruits": 30}},
            {"conditions": {"team_size": 30}},
            {"conditions": {"own_spend_fen": 100}},
            {"conditions": {"own_orders": 1, "level1_orders": 1, "is_every": False}},
            {"conditions": {}, "keep_days": 30},
            {"unknown": 1},
        ],
    )
    def test_that_makes_no_sense_or_pays_for_heads_or_purchases_is_refused(
        self, client, session, as_staff, grade, change
    ):
        url = f"/admin/v1/distributor-grades/{grade.id}"

        for answer in (
            client.post(GRADES, headers=as_staff, json=GOLD | change),
            client.put(url, headers=as_staff, json=GOLD | change),
        ):
            assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
        assert grades.every(session) == [grade]

    def test_has_each_rank_once_and_an_end(self, client, session, as_staff, grade, now):
        taken = client.post(GRADES, headers=as_staff, json=GOLD | {"rank": grade.rank})
        for rank in range(2, grades.MOST_GRADES + 1):
            make_rung(session, rank=rank, now=now)
        session.commit()
        full = client.post(GRADES, headers=as_staff, json=GOLD | {"rank": 50})
        moved = client.put(f"/admin/v1/distributor-grades/{grade.id}", headers=as_staff, json=GOLD)

        assert (taken.status_code, taken.json["code"]) == (409, "grade_rank_taken")
        assert (full.status_code, full.json["code"]) == (409, "grades_full")
        assert (moved.status_code, moved.json["code"]) == (409, "grade_rank_taken")
        assert grades.get(session, grade.id) == grade

    def test_knows_no_other_grade(self, client, as_staff):
        url = "/admin/v1/distributor-grades/999999"
        answers = [
            client.get(url, headers=as_staff),
            client.put(url, headers=as_staff, json=GOLD),
            client.post(f"{url}/archive", headers=as_staff),
        ]

        assert {(each.status_code, each.json["code"]) for each in answers} == {
            (404, "grade_not_found")
        }

    def test_is_for_staff_only(self, client, session, as_distributor, grade):
        member, shopper = as_distributor()
        url = f"/admin/v1/distributor-grades/{grade.id}"
        for headers in ({}, shopper):
            assert client.post(GRADES, headers=headers, json=GOLD).status_code == 401
            assert client.put(url, headers=headers, json=GOLD).status_code == 401
            assert client.post(f"{url}/archive", headers=headers).status_code == 401
            body = {"grade_id": grade.id, "reason": "老客户"}
            assert client.put(of(member), headers=headers, json=body).status_code == 401
        assert grades.every(session) == [grade]
        assert joining.get(session, member.id).grade_id is None


class TestByHand:
    def test_is_given_with_a_reason_and_stands_in_the_history(
        self, client, session, as_distributor, as_staff, staff_id, grade
    ):
        member, headers = as_distributor()

        answer = client.put(
            f"/admin/v1/distributors/{member.id}/grade",
            headers=as_staff,
            json={"grade_id": grade.id, "is_locked": True, "reason": "老客户"},
        )
        history = client.get(f"/admin/v1/distributors/{member.id}/history", headers=as_staff).json[
            "grades"
        ]
        seen = client.get(MINE, headers=headers).json
        listed = client.get("/admin/v1/distributors", headers=as_staff).json

        assert [each["grade_id"] for each in listed["items"]] == [grade.id]
        assert (answer.json["grade"]["id"], answer.json["is_locked"]) == (grade.id, True)
        assert [
            (each["from_grade"], each["grade"], each["cause"], each["reason"], each["actor"])
            for each in history
        ] == [(None, grade.name, "staff", "老客户", f"staff:{staff_id}")]
        assert seen["grade"]["name"] == grade.name
        assert [each["text"] for each in seen["history"]] == ["商家调整"]
        assert "reason" not in seen["history"][0]

    @pytest.mark.parametrize(
        "change",
        [
            {"reason": ""},
            {"reason": "长" * 201},
            {"reason": None},
            {"grade_id": 0},
            {"grade_id": "1"},
            {"is_locked": 1},
            {"unknown": 1},
        ],
    )
    def test_that_makes_no_sense_is_refused_and_changes_nothing(
        self, client, session, as_distributor, as_staff, grade, change
    ):
        member, _ = as_distributor()
        body = {"grade_id": grade.id, "reason": "老客户"}

        answer = client.put(of(member), headers=as_staff, json=body | change)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
        assert joining.get(session, member.id).grade_id is None

    def test_needs_a_distributor_and_a_grade(self, client, as_distributor, as_member, as_staff):
        body = {"grade_id": 999_999, "reason": "老客户"}

        unknown = client.put(of(as_distributor()[0]), headers=as_staff, json=body)
        nobody = client.put(of(as_member()[0]), headers=as_staff, json=body)

        assert (unknown.status_code, unknown.json["code"]) == (404, "grade_not_found")
        assert (nobody.status_code, nobody.json["code"]) == (404, "not_a_distributor")


class TestSelling:
    def test_lifts_when_the_order_is_completed(self, client, session, grade, sold):
        seller, headers, _ = sold

        shown = client.get(MINE, headers=headers).json

        assert shown["grade"] == {"id": grade.id, "name": grade.name, "rank": grade.rank}
        assert shown["next"] is None
        assert shown["history"][0]["cause"] == "earned"
        assert facts.of(session, [seller.id])[seller.id] == Facts(0, 0, 1, 9_900, 1)
        assert list(verify.verify(session)) == []

    def test_that_went_back_is_taken_out_again(self, client, session, sold, now):
        seller, headers, order = sold
        make_rung(session, level1_orders=2, level1_fen=10_000, now=now)
        session.commit()
        before = client.get(MINE, headers=headers).json["next"]

        refund_all(session, order, now=now)
        session.commit()
        after = client.get(MINE, headers=headers).json["next"]

        assert [(each["needed"], each["reached"]) for each in before["needs"]] == [
            (2, 1),
            (10_000, 9_900),
        ]
        assert [each["reached"] for each in after["needs"]] == [0, 0]
        assert [each["is_met"] for each in after["needs"]] == [False, False]
        assert facts.of(session, [seller.id])[seller.id] == Facts()
        assert list(verify.verify(session)) == []

    def test_is_looked_at_again_every_hour(self, client, session, sold, set_clock, now):
        _, headers, _ = sold
        kept = make_rung(session, rank=5, level1_orders=1, keep_days=30, now=now)
        session.commit()
        jobs.review()
        lifted = client.get(MINE, headers=headers).json

        set_clock(now + timedelta(days=60))
        jobs.review()
        set_clock(now)
        fallen = client.get(MINE, headers=headers).json

        assert lifted["grade"]["id"] == kept.id
        assert lifted["review_at"] is not None
        assert fallen["grade"] is None
        assert fallen["next"]["keep_days"] == 30
        assert [each["cause"] for each in fallen["history"]] == ["review", "earned"]

    def test_is_for_who_is_a_distributor(self, client, as_member):
        answer = client.get(MINE, headers=as_member()[1])

        assert (answer.status_code, answer.json["code"]) == (404, "not_a_distributor")
        assert client.get(MINE).status_code == 401

    def test_every_cause_and_condition_has_its_words(self):
        assert set(wording.NAMES) == set(Facts._fields)
        for cause in wording.CAUSES:
            assert set(wording.CAUSES) == set(type(cause))

    @pytest.mark.parametrize(
        "change",
        [
            "UPDATE purchase SET kept_fen = kept_fen - 1",
            "UPDATE purchase SET completed_at = NULL",
            "UPDATE purchase SET spu_ids = '{}'",
            "UPDATE purchase SET buyer_id = 999",
            "DELETE FROM purchase",
        ],
    )
    def test_what_was_told_of_an_order_is_what_the_order_says(self, session, sold, change):
        session.execute(text("SET LOCAL session_replication_role = replica"))
        session.execute(text(change))

        assert "team.purchases_are_the_orders" in {each.rule for each in verify.verify(session)}


class TestQualifying:
    def test_an_order_that_is_enough_makes_a_distributor_and_the_page_shows_the_way_there(
        self, client, session, as_member, now
    ):
        make_joining_rules(session, way=Joining.SPENDING, spend_fen=15_000)
        buyer, headers = as_member()
        sku = make_sku(session, price_fen=9_900)
        session.commit()
        asked = client.post("/api/v1/distributor/apply", headers=headers, json={"is_adult": True})
        pages = []
        for _ in range(2):
            make_order(session, now=now, buyer=buyer, sku=sku, status=OrderStatus.PAID)
            session.commit()
            pages.append(client.get("/api/v1/distributor/joining", headers=headers).json)

        assert asked.json["status"] == "qualifying"
        assert [each["status"] for each in pages] == ["qualifying", "active"]
        assert [each["needs"][0]["reached"] for each in pages] == [9_900, 19_800]
        assert list(verify.verify(session)) == []


def test_orders_of_before_are_told_by_the_migration_as_the_shop_tells_them(session, sold):
    migration = runpy.run_path("migrations/versions/0017_grades.py")
    session.execute(text("SET LOCAL session_replication_role = replica"))
    for table in ("purchase", "direct_customer", "member_facts"):
        session.execute(text(f"DELETE FROM {table}"))
    assert list(verify.verify(session)) != []

    for name in ("PURCHASES", "CUSTOMERS", "FACTS"):
        session.execute(text(migration[name]))

    assert list(verify.verify(session)) == []
    seller, _, _ = sold
    assert facts.of(session, [seller.id])[seller.id] == Facts(0, 0, 1, 9_900, 1)
