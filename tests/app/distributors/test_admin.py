"""Staff: distributors, rules, and why an order paid whom what."""

import pytest
from sqlalchemy import text

from app.distributors import explaining, verify, wording
from app.orders import fulfilment, leaving
from app.orders.models import OrderStatus
from distribution.commissions import rules
from distribution.team import joining
from tests.app.distributors.conftest import bring
from tests.builders.orders import make_order, refund_all

RULES = "/admin/v1/commission-rules"
GOOD = {"levels": 2, "level1_bp": 800, "level2_bp": 300}


class TestDistributors:
    def test_lists_applicants_and_approves_one(self, client, session, as_member, as_staff, now):
        member, _ = as_member(nickname="小王", phone="13812345678")
        joining.join(session, member_id=member.id, now=now)
        session.commit()

        page = client.get("/admin/v1/distributors?status=pending", headers=as_staff).json
        answer = client.post(f"/admin/v1/distributors/{member.id}/approve", headers=as_staff)

        assert [(item["nickname"], item["phone"]) for item in page["items"]] == [
            ("小王", "138****5678")
        ]
        assert (answer.status_code, answer.json["status"]) == (200, "active")
        empty = client.get("/admin/v1/distributors?status=pending", headers=as_staff).json
        assert empty == {"items": [], "next_cursor": None}

    def test_pages_through_everybody(self, client, as_distributor, as_staff):
        ids = [as_distributor()[0].id for _ in range(3)]

        first = client.get("/admin/v1/distributors?limit=2", headers=as_staff).json
        rest = client.get(
            "/admin/v1/distributors",
            headers=as_staff,
            query_string={"limit": 2, "cursor": first["next_cursor"]},
        ).json

        seen = [item["member_id"] for item in (*first["items"], *rest["items"])]
        assert seen == ids[::-1]

    def test_freezes_with_a_reason_and_resumes(self, client, as_distributor, as_staff):
        member_id = as_distributor()[0].id

        frozen = client.post(
            f"/admin/v1/distributors/{member_id}/freeze", headers=as_staff, json={"reason": "刷单"}
        )
        shown = client.get(f"/admin/v1/distributors/{member_id}", headers=as_staff)
        resumed = client.post(f"/admin/v1/distributors/{member_id}/resume", headers=as_staff)

        assert (frozen.json["status"], frozen.json["status_reason"]) == ("frozen", "刷单")
        assert shown.json == frozen.json
        assert (resumed.json["status"], resumed.json["status_reason"]) == ("active", None)

    @pytest.mark.parametrize("move", ["approve", "resume"])
    def test_a_move_the_status_does_not_allow_changes_nothing(
        self, client, session, as_distributor, as_staff, move
    ):
        member, _ = as_distributor()

        answer = client.post(f"/admin/v1/distributors/{member.id}/{move}", headers=as_staff)

        assert (answer.status_code, answer.json["code"]) == (409, "distributor_status_conflict")
        assert answer.json["distributor_status"] == "active"
        assert joining.get(session, member.id).status == "active"

    @pytest.mark.parametrize("move", ["approve", "resume", "freeze"])
    def test_a_member_who_never_applied_is_not_found(self, client, as_member, as_staff, move):
        url = f"/admin/v1/distributors/{as_member()[0].id}"

        answer = client.post(f"{url}/{move}", headers=as_staff, json={"reason": "刷单"})

        assert (answer.status_code, answer.json["code"]) == (404, "not_a_distributor")
        assert client.get(url, headers=as_staff).status_code == 404

    @pytest.mark.parametrize(
        "body",
        [{}, {"reason": ""}, {"reason": "长" * 201}, {"reason": 1}, {"reason": "a\x00b"},
         {"reason": "刷单", "unknown": 1}],
    )  # fmt: skip
    def test_freezing_needs_a_readable_reason(
        self, client, session, as_distributor, as_staff, body
    ):
        member, _ = as_distributor()

        answer = client.post(
            f"/admin/v1/distributors/{member.id}/freeze", headers=as_staff, json=body
        )

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
        assert joining.get(session, member.id).status == "active"

    def test_is_for_staff_only(self, client, as_member):
        member, headers = as_member()
        for move in ("approve", "freeze", "resume"):
            url = f"/admin/v1/distributors/{member.id}/{move}"
            assert client.post(url).status_code == 401
            assert client.post(url, headers=headers).status_code == 401


class TestRules:
    def test_start_with_one_level_and_the_duties_that_come_with_it(self, client, as_staff):
        shown = client.get("/admin/v1/commission-rules", headers=as_staff).json

        assert (shown["version"], shown["levels"], shown["cap_bp"]) == (0, 1, 5000)
        assert "入门费" in shown["compliance_note"]
        assert "二级" not in shown["compliance_note"]

    def test_two_levels_are_answered_with_a_warning(self, client, session, as_staff):
        answer = client.put(RULES, headers=as_staff, json=GOOD)

        assert answer.status_code == 200
        assert answer.json["levels"] == 2
        assert "joining" not in answer.json
        assert "禁止传销条例" in answer.json["compliance_note"]
        assert rules.current(session).rates == (800, 300)

    @pytest.mark.parametrize(
        "change",
        [
            {"levels": 3},
            {"levels": 0},
            {"levels": "2"},
            {"levels": None},
            {"level1_bp": -1},
            {"level1_bp": 10_001},
            {"level1_bp": 0.5},
            {"level1_bp": 4_800},
            {"cap_bp": 10_001},
            {"mature_days": 366},
            {"base_kind": "list_price"},
            {"pays_self_purchase": "yes"},
            {"pays_self_purchase": 1},
            {"joining": "open"},
            {"unknown": 1},
        ],
    )
    def test_rules_that_break_a_promise_are_refused_and_change_nothing(
        self, client, session, as_staff, change
    ):
        answer = client.put(RULES, headers=as_staff, json=GOOD | change)

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
        assert rules.current(session).version == 0

    def test_are_for_staff_only(self, client, session, as_member):
        _, headers = as_member()

        assert client.put(RULES, json=GOOD).status_code == 401
        assert client.put(RULES, headers=headers, json=GOOD).status_code == 401
        assert rules.current(session).version == 0


class TestExplain:
    @pytest.fixture
    def order(self, session, as_distributor, as_member, two_levels, now):
        far, _ = as_distributor(nickname="远山")
        near, _ = as_distributor(nickname="近水", upline=far)
        joining.freeze(session, member_id=far.id, reason="刷单", now=now)
        buyer, _ = as_member()
        bring(session, buyer, near)
        order = make_order(session, now=now, buyer=buyer, status=OrderStatus.PAID)
        session.commit()
        return order

    def test_names_who_earned_what_by_which_binding_or_why_nothing(self, client, order, as_staff):
        answer = client.get(
            f"/admin/v1/commissions?order_no={order.order_no}", headers=as_staff
        ).json

        first, second = answer["items"]
        assert (first["beneficiary"], first["amount_fen"], first["origin"]) == (
            "近**",
            990,
            "scene",
        )
        assert (second["beneficiary"], second["amount_fen"]) == ("远**", 0)
        assert second["why"] == "付款时分销资格已被冻结，不计佣金"
        assert first["steps"][0].startswith("一级：买家于")
        assert second["steps"][0].startswith("二级：买家的推荐人于")
        assert (first["grade_id"], first["rule"]) == (None, "shop")

    def test_an_order_nobody_brought_has_no_commissions(self, client, session, as_staff, now):
        order = make_order(session, now=now, status=OrderStatus.PAID)
        session.commit()

        answer = client.get(f"/admin/v1/commissions?order_no={order.order_no}", headers=as_staff)

        assert answer.json == {"order_no": order.order_no, "items": []}

    def test_needs_the_number_of_an_order(self, client, as_staff):
        unknown = "O" + "0" * 26
        for query, status in ((unknown, 404), ("O1", 422), ("", 422)):
            answer = client.get(f"/admin/v1/commissions?order_no={query}", headers=as_staff)
            assert answer.status_code == status

    def test_the_proof_covers_the_order_behind_the_commission(self, session, order, now):
        refund_all(session, order, now=now)
        session.commit()
        assert list(verify.verify(session)) == []

        tamper(session, "UPDATE order_line SET refunded_fen = refunded_fen - 1")
        found = {breach.rule: breach.detail for breach in verify.verify(session)}
        assert set(found) == {"commission.follows_the_order", "team.purchases_are_the_orders"}
        assert "clawed 990 of 990, refunds say 989" in found["commission.follows_the_order"]
        assert "kept 0 fen, the order says 1" in found["team.purchases_are_the_orders"]

    def test_the_proof_finds_a_paid_order_that_was_never_accrued(self, session, now):
        make_order(session, now=now, status=OrderStatus.PAID)
        tamper(session, "DELETE FROM posting")

        assert [each.rule for each in verify.verify(session)] == [
            "commission.paid_orders_are_accrued"
        ]

    @pytest.mark.parametrize(
        "change",
        ["SET mature_at = mature_at - interval '1 hour'", "SET mature_at = NULL"],
    )
    def test_the_proof_finds_a_commission_that_is_due_before_its_time(
        self, session, order, now, change
    ):
        ship_and_receive(session, order, now=now)
        session.commit()
        assert list(verify.verify(session)) == []

        tamper(session, f"UPDATE commission {change} WHERE state = 'frozen'")
        assert {each.rule for each in verify.verify(session)} == {
            "commission.matures_after_receipt"
        }

    def test_the_proof_finds_a_commission_that_is_due_without_a_receipt(self, session, order):
        tamper(session, "UPDATE commission SET mature_at = now() WHERE state = 'frozen'")

        assert {each.rule for each in verify.verify(session)} == {
            "commission.matures_after_receipt"
        }

    def test_the_proof_includes_the_engines(self, session, order):
        tamper(session, "UPDATE account SET version = version + 1")

        assert "ledger.balance_is_sum_of_entries" in {each.rule for each in verify.verify(session)}


class TestWording:
    @pytest.mark.parametrize(
        ("rate_bp", "text"), [(1000, "10%"), (1050, "10.5%"), (1, "0.01%"), (0, "0%")]
    )
    def test_rates_are_percents(self, rate_bp, text):
        assert wording.percent(rate_bp) == text

    def test_every_kind_state_and_reason_has_its_words(self):
        for words in (
            wording.POSTINGS,
            wording.STATES,
            wording.REASONS,
            explaining.RULES,
            explaining.BASES,
            wording.ADJUSTMENTS,
            wording.ADJUSTMENT_STATES,
        ):
            assert set(words) == set(type(next(iter(words))))

    def test_nobody_has_a_face_without_a_name(self):
        assert wording.name_of(None) == "微信用户"


def ship_and_receive(session, order, *, now):
    leaving.ship(
        session,
        order_no=order.order_no,
        company_code="SF",
        company_name="顺丰速运",
        tracking_no="SF1",
        now=now,
    )
    fulfilment.receive(session, order_no=order.order_no, buyer_id=order.buyer_id, now=now)


def tamper(session, change):
    """Change rows as somebody with the database's own rights could, past triggers and keys."""
    session.execute(text("SET LOCAL session_replication_role = replica"))
    session.execute(text(change))
