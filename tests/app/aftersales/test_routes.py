"""The routes of returns and exchanges: who may, with what, and that a refusal changes nothing."""

import pytest
from sqlalchemy import func, select

from app.aftersales.models import AfterSale, AfterSaleEntry, Reason
from app.aftersales.wording import REASONS
from app.core.auth import Audience
from tests.builders.aftersales import EXCHANGE, RETURN, breaches_of, lines, make_case, sent
from tests.builders.members import make_member
from tests.builders.orders import PARCEL
from tests.builders.staff import make_staff

PICTURE = "https://img.example.com/a.jpg"


@pytest.fixture
def returning(session, shipped, now):
    """A case whose goods are on their way to the shop."""
    case = sent(session, shipped, make_staff(session), now)
    session.commit()
    return case


def path(case, verb, audience="api"):
    number = case.after_sale_no
    routes = (
        f"/after-sales/{number}/",
        f"/after-sales/{number}/cancel",
        f"/after-sales/{number}/parcel",
        f"/after-sales/{number}/appeal",
        f"/after-sales/{number}/messages",
        f"/after-sales/{number}/approve",
        f"/after-sales/{number}/reject",
        f"/after-sales/{number}/receive",
        f"/after-sales/{number}/ship",
    )
    return next(f"/{audience}/v1{each}" for each in routes if each.endswith(f"/{verb}"))


def test_a_return_over_http_from_the_question_to_the_goods_taken_in(
    client, apply, shipped, buyer, merchant, session
):
    cup = lines(session, shipped)[0]
    pieces = [{"line_id": cup.id, "quantity": 2}]
    shown = client.post(
        "/api/v1/after-sales/preview",
        json={"order_no": shipped.order_no, "kind": "return_refund", "lines": pieces},
        headers=buyer,
    ).json
    asked = apply(
        shipped.order_no,
        buyer,
        kind="return_refund",
        lines=pieces,
        reason_code="damaged",
        pictures=[PICTURE],
        amount_fen=15_000,
    )
    assert (asked.status_code, shown["amount_fen"]) == (201, 19_800)
    assert (asked.json["amount_fen"], asked.json["pictures"]) == (15_000, [PICTURE])
    case = session.scalar(select(AfterSale))

    agreed = client.post(
        path(case, "approve", "admin"), json={"return_to": "广州市仓库"}, headers=merchant
    )
    assert (agreed.json["status"], agreed.json["return_to"]) == ("sending", "广州市仓库")
    assert client.post(path(case, "parcel"), json=PARCEL, headers=buyer).json["status"] == "sent"
    client.post(path(case, "messages"), json={"words": "已寄出"}, headers=buyer)
    client.post(path(case, "messages", "admin"), json={"words": "收到即退"}, headers=merchant)
    taken = client.post(path(case, "receive", "admin"), json={}, headers=merchant)

    assert (taken.status_code, taken.json["status"]) == (200, "refunding")
    whole = client.get(path(case, "")[:-1], headers=buyer).json
    assert [each["actor"] for each in whole["entries"]] == [
        "buyer", "staff", "buyer", "buyer", "staff", "staff",
    ]  # fmt: skip
    assert "staff_id" not in whole["entries"][1]
    assert [each["way"] for each in whole["parcels"]] == ["back"]
    assert breaches_of(session) == []


def test_an_exchange_over_http(client, shipped, merchant, session, now):
    case = sent(session, shipped, make_staff(session), now, kind=EXCHANGE)
    session.commit()

    client.post(path(case, "receive", "admin"), json={"is_sellable": False}, headers=merchant)
    answer = client.post(path(case, "ship", "admin"), json=PARCEL, headers=merchant)

    assert (answer.status_code, answer.json["status"]) == (200, "exchanged")


def test_a_refused_case_is_appealed_over_http(client, shipped, buyer, merchant, session, now):
    case = make_case(session, order=shipped, kind=RETURN, now=now)
    session.commit()
    client.post(path(case, "reject", "admin"), json={"answer": "已使用"}, headers=merchant)

    answer = client.post(path(case, "appeal"), json={"words": "没有使用"}, headers=buyer)
    again = client.post(path(case, "approve", "admin"), json={}, headers=merchant)

    assert (answer.status_code, answer.json["status"]) == (200, "appealed")
    assert (again.status_code, again.json["code"]) == (409, "second_look_by_same")


def test_the_list_of_reasons_is_whole(client, buyer):
    answer = client.get("/api/v1/after-sales/reasons", headers=buyer)

    assert {each["code"] for each in answer.json["reasons"]} == set(Reason) == set(REASONS)
    assert client.get("/api/v1/after-sales/reasons").status_code == 401


@pytest.mark.parametrize(
    ("verb", "audience", "body"),
    [
        ("parcel", "api", {**PARCEL, "tracking_no": "x"}),
        ("parcel", "api", {**PARCEL, "company_name": "长" * 33}),
        ("parcel", "api", {"company_code": "SF"}),
        ("messages", "api", {}),
        ("messages", "api", {"words": "长" * 501}),
        ("messages", "api", {"words": "x", "pictures": ["http://x"]}),
        ("messages", "api", {"words": "x", "pictures": [PICTURE] * 10}),
        ("appeal", "api", {"words": ""}),
        ("appeal", "api", {"words": "x", "amount_fen": 1}),
        ("messages", "admin", {"words": 1}),
        ("approve", "admin", {"amount_fen": 0}),
        ("approve", "admin", {"freight_fen": -1}),
        ("approve", "admin", {"return_to": "长" * 201}),
        ("receive", "admin", {"lines": [{"line_id": 1, "quantity": 0}]}),
        ("receive", "admin", {"lines": [{"line_id": 1, "quantity": 1}] * 2}),
        ("receive", "admin", {"is_sellable": "yes"}),
        ("receive", "admin", {"refused_parcel": {"company_code": "SF"}}),
        ("ship", "admin", {**PARCEL, "x": 1}),
    ],
)
def test_wrong_fields_change_nothing(
    client, returning, buyer, merchant, session, verb, audience, body
):
    before = standing(session)
    headers = buyer if audience == "api" else merchant

    assert (
        client.post(path(returning, verb, audience), json=body, headers=headers).status_code == 422
    )

    assert standing(session) == before


@pytest.mark.parametrize("verb", ["parcel", "messages", "appeal"])
def test_somebody_elses_case_does_not_exist(client, returning, session, token_for, verb):
    stranger = make_member(session)
    session.commit()
    body = PARCEL if verb == "parcel" else {"words": "x"}
    before = standing(session)

    answer = client.post(
        path(returning, verb), json=body, headers=token_for(Audience.SHOPPER, stranger.id)
    )

    assert (answer.status_code, answer.json["code"]) == (404, "after_sale_not_found")
    assert client.post(path(returning, verb), json=body).status_code == 401
    assert standing(session) == before


@pytest.mark.parametrize("verb", ["approve", "receive", "ship", "messages"])
def test_only_staff_take_goods_in_and_send_them(client, returning, buyer, session, verb):
    body = {"ship": PARCEL, "messages": {"words": "x"}}.get(verb, {})
    before = standing(session)

    assert client.post(path(returning, verb, "admin"), json=body).status_code == 401
    assert client.post(path(returning, verb, "admin"), json=body, headers=buyer).status_code == 401

    assert standing(session) == before


@pytest.mark.parametrize(
    ("verb", "audience", "body"),
    [
        ("appeal", "api", {"words": "x"}),
        ("cancel", "api", None),
        ("approve", "admin", {}),
        ("reject", "admin", {"answer": "x"}),
        ("ship", "admin", PARCEL),
    ],
)
def test_goods_on_their_way_are_first_taken_in(
    client, returning, buyer, merchant, session, verb, audience, body
):
    before = standing(session)
    headers = buyer if audience == "api" else merchant

    answer = client.post(path(returning, verb, audience), json=body, headers=headers)

    assert (answer.status_code, answer.json["code"]) == (409, "after_sale_state_forbids")
    assert standing(session) == before


def standing(session):
    """Where every case is, and how much was said."""
    session.rollback()
    cases = session.execute(select(AfterSale.id, AfterSale.status, AfterSale.amount_fen))
    return cases.all(), session.scalar(select(func.count(AfterSaleEntry.id)))
