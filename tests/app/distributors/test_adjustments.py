"""Adjustments over HTTP: who may ask, who may agree, and what a distributor reads of it."""

import secrets

import pytest
from sqlalchemy import func, select

from app.core.auth import Audience
from app.distributors import verify
from app.staff.models import Role
from distribution import queries
from distribution.ledger.models import Adjustment, Posting
from tests.builders.distribution import adjust
from tests.builders.staff import make_staff

URL = "/admin/v1/commission-adjustments"


@pytest.fixture
def as_colleague(session, token_for):
    staff = make_staff(session, username="复核员")
    session.commit()
    return token_for(Audience.STAFF, staff.id)


@pytest.fixture
def distributor(as_distributor):
    return as_distributor(nickname="小王")[0]


@pytest.fixture
def ask(client, distributor, as_staff):
    def post(headers=None, *, key=None, **changes):
        body = {"member_id": distributor.id, "kind": "give", "amount_fen": 300, "reason": "补发"}
        key = {"Idempotency-Key": key or secrets.token_hex(8)}
        return client.post(URL, json=body | changes, headers={**(headers or as_staff), **key})

    return post


@pytest.fixture
def adjustment_no(ask):
    return ask().json["adjustment_no"]


def available(session, distributor):
    session.rollback()
    return queries.summary(session, distributor.id).available_fen


class TestAsking:
    def test_tells_what_was_asked_and_moves_nothing(self, ask, session, distributor):
        answer = ask()

        assert answer.status_code == 201
        shown = answer.json
        assert shown["adjustment_no"].startswith("J")
        assert (shown["state"], shown["state_name"]) == ("requested", "待审批")
        assert (shown["kind_name"], shown["amount_fen"]) == ("增加佣金", 300)
        assert (shown["nickname"], shown["reason"]) == ("小王", "补发")
        assert (shown["decided_by"], shown["decided_at"]) == (None, None)
        assert available(session, distributor) == 0

    def test_the_same_request_twice_asks_once(self, ask, session):
        first, second = (ask(key="ask-only-once") for _ in range(2))

        assert first.json == second.json
        assert session.scalar(select(func.count(Adjustment.id))) == 1

    @pytest.mark.parametrize(
        "change",
        [
            {"amount_fen": 0},
            {"amount_fen": -1},
            {"amount_fen": "300"},
            {"amount_fen": 0.5},
            {"amount_fen": 10**15},
            {"kind": "steal"},
            {"kind": None},
            {"reason": ""},
            {"reason": "  "},
            {"reason": "长" * 201},
            {"member_id": "1"},
            {"state": "approved"},
        ],
    )
    def test_what_makes_no_sense_is_refused_and_changes_nothing(self, ask, session, change):
        assert ask(**change).status_code == 422
        assert session.scalar(select(func.count(Adjustment.id))) == 0

    def test_a_member_who_is_no_distributor_has_nothing_to_adjust(self, ask, as_member):
        answer = ask(member_id=as_member()[0].id)

        assert (answer.status_code, answer.json["code"]) == (404, "not_a_distributor")

    def test_without_a_token_or_as_an_analyst_nothing_is_asked(
        self, client, ask, session, token_for
    ):
        analyst = make_staff(session, role=Role.ANALYST)
        session.commit()

        assert client.post(URL, json={}).status_code == 401
        assert ask(token_for(Audience.STAFF, analyst.id)).status_code == 403
        assert session.scalar(select(func.count(Adjustment.id))) == 0


class TestDeciding:
    def test_a_colleague_approves_and_the_money_is_there(
        self, client, session, distributor, adjustment_no, as_colleague
    ):
        answer = client.post(
            f"/admin/v1/commission-adjustments/{adjustment_no}/approve", headers=as_colleague
        )

        assert (answer.status_code, answer.json["state_name"]) == (200, "已生效")
        assert answer.json["decided_by"] == "复核员"
        assert available(session, distributor) == 300
        again = client.post(
            f"/admin/v1/commission-adjustments/{adjustment_no}/approve", headers=as_colleague
        )
        assert (again.status_code, again.json) == (200, answer.json)
        assert available(session, distributor) == 300
        assert list(verify.verify(session)) == []

    def test_who_asked_may_not_approve_and_nothing_moves(
        self, client, session, distributor, adjustment_no, as_staff
    ):
        answer = client.post(
            f"/admin/v1/commission-adjustments/{adjustment_no}/approve", headers=as_staff
        )

        assert (answer.status_code, answer.json["code"]) == (409, "adjustment_needs_another")
        assert available(session, distributor) == 0
        assert session.scalar(select(func.count(Posting.id))) == 0

    def test_a_colleague_refuses_and_says_why(
        self, client, session, distributor, adjustment_no, as_colleague
    ):
        url = f"/admin/v1/commission-adjustments/{adjustment_no}/refuse"
        answer = client.post(url, headers=as_colleague, json={"answer": "金额有误"})

        assert (answer.json["state_name"], answer.json["answer"]) == ("已驳回", "金额有误")
        url = f"/admin/v1/commission-adjustments/{adjustment_no}/approve"
        late = client.post(url, headers=as_colleague)
        assert (late.status_code, late.json["code"]) == (409, "adjustment_decided")
        assert late.json["adjustment_state"] == "refused"
        assert available(session, distributor) == 0

    @pytest.mark.parametrize(
        "body", [{}, {"answer": ""}, {"answer": 1}, {"answer": "长" * 201}, {"answer": "x", "a": 1}]
    )
    def test_a_refusal_without_words_is_refused(
        self, client, session, adjustment_no, as_colleague, body
    ):
        answer = client.post(
            f"/admin/v1/commission-adjustments/{adjustment_no}/refuse",
            headers=as_colleague,
            json=body,
        )

        assert answer.status_code == 422
        assert session.scalar(select(Adjustment.state)) == "requested"

    def test_more_debt_than_there_is_cannot_be_written_off(
        self, client, session, ask, as_colleague
    ):
        number = ask(kind="write_off").json["adjustment_no"]

        answer = client.post(
            f"/admin/v1/commission-adjustments/{number}/approve", headers=as_colleague
        )

        assert (answer.status_code, answer.json["code"]) == (409, "debt_is_less")
        assert answer.json["debt_fen"] == 0
        assert session.scalar(select(Adjustment.state)) == "requested"

    @pytest.mark.parametrize("verb", ["approve", "refuse"])
    def test_an_unknown_number_is_not_found(self, client, as_colleague, verb):
        answer = client.post(
            f"/admin/v1/commission-adjustments/J9/{verb}",
            headers=as_colleague,
            json={"answer": "x"},
        )

        assert (answer.status_code, answer.json["code"]) == (404, "adjustment_not_found")


def test_lists_by_state_and_member_page_by_page(client, ask, as_staff, as_colleague, distributor):
    numbers = [ask().json["adjustment_no"] for _ in range(3)]
    client.post(f"/admin/v1/commission-adjustments/{numbers[0]}/approve", headers=as_colleague)

    def listed(**query):
        page = client.get(URL, headers=as_staff, query_string=query).json
        return [each["adjustment_no"] for each in page["items"]], page["next_cursor"]

    first, cursor = listed(limit=2)
    rest, end = listed(limit=2, cursor=cursor)
    assert [*first, *rest] == numbers[::-1]
    assert end is None
    assert listed(state="approved") == ([numbers[0]], None)
    assert listed(member_id=distributor.id + 1) == ([], None)


def test_the_distributor_reads_why_in_the_statement(client, session, as_distributor):
    member, headers = as_distributor()
    adjust(session, member_id=member.id, reason="双十一补发")
    session.commit()

    (entry,) = client.get("/api/v1/distributor/statement", headers=headers).json["items"]

    assert entry["title"] == "人工调整：双十一补发"
    assert [(move["account_name"], move["change_fen"]) for move in entry["moves"]] == [
        ("可提现", 300)
    ]
    shown = client.get("/api/v1/distributor", headers=headers).json
    assert (shown["available_fen"], shown["adjusted_fen"], shown["withdrawn_fen"]) == (300, 300, 0)
