"""What a distributor sees of their own money, orders, ranks and months, and never of others'."""

import pytest

from app.core import clock
from app.distributors import jobs
from app.orders.models import OrderStatus
from tests.app.distributors.conftest import bring
from tests.builders.catalogue import make_sku
from tests.builders.orders import make_order

URL = "/api/v1/distributor"


def get(client, path, headers, **query):
    answer = client.get(f"{URL}/{path}", headers=headers, query_string=query)
    assert answer.status_code == 200, answer.json
    return answer.json


@pytest.fixture
def sold(session, as_distributor, two_levels, as_member, now):
    """Far brought near, near brought the buyer, who paid ¥99 and has received it."""
    far, far_headers = as_distributor(nickname="远山")
    near, near_headers = as_distributor(nickname="近水", upline=far)
    buyer, _ = as_member(nickname="买家小王")
    bring(session, buyer, near)
    sku = make_sku(session, price_fen=9_900)
    order = make_order(session, now=now, buyer=buyer, sku=sku, status=OrderStatus.RECEIVED)
    session.commit()
    return order, near_headers, far_headers


@pytest.mark.parametrize("is_rolled_up", [False, True])
def test_the_summary_tells_today_the_month_and_everything(client, sold, is_rolled_up):
    if is_rolled_up:
        jobs.roll_up_figures()

    found = get(client, "summary", sold[1])

    for period in ("today", "month", "total"):
        assert (found[period]["orders"], found[period]["earned_fen"]) == (1, 990)
    assert found["frozen_fen"] == 990
    assert len(found["maturing"]) == 7


def test_ranks_go_by_earnings_and_show_no_name(client, sold, now):
    assert get(client, "ranking", sold[1])["own"] is None
    jobs.roll_up_figures()

    found = get(client, "ranking", sold[2], period="week")

    assert [(each["rank"], each["nickname"], each["is_me"]) for each in found["items"]] == [
        (1, "近**", False),
        (2, "远**", True),
    ]
    assert found["own"] == {"rank": 2, "orders": 1, "net_fen": 495}
    assert get(client, "ranking", sold[1], period="total")["starts_on"] is None


def test_a_bill_leads_from_what_there_was_to_what_is_left(client, sold):
    (bill,) = get(client, "bills", sold[1])["items"]

    assert bill["month"] == f"{clock.china_day(clock.now()):%Y-%m}"
    assert (bill["opening_fen"], bill["earned_fen"], bill["closing_fen"]) == (0, 990, 990)
    assert bill["closing"]["frozen_fen"] == 990
    rest = client.get(f"{URL}/bills", headers=sold[1], query_string={"cursor": "WzczMDAwMF0"})
    assert rest.json == {"items": [], "next_cursor": None}


def test_an_order_of_others_is_not_shown(client, sold, as_distributor):
    order, near, _ = sold
    _, stranger = as_distributor()

    for path in ("orders", "statement"):
        assert len(get(client, path, near, order_no=order.order_no)["items"]) == 1
        assert get(client, path, stranger, order_no=order.order_no)["items"] == []


def test_a_team_shows_what_each_person_brought(client, sold):
    for sort in ("joined", "amount"):
        (person,) = get(
            client, "team", sold[1], sort=sort, first_day="2001-01-01", last_day="2099-01-01"
        )["items"]
        assert (person["orders"], person["earned_fen"], person["nickname"]) == (1, 990, "买**")
    assert get(client, "team", sold[1], first_day="2099-01-01")["items"] == []


@pytest.mark.parametrize(
    ("path", "query"),
    [
        ("statement", {"kind": "stolen"}),
        ("statement", {"account": "expense"}),
        ("statement", {"first_day": "2026-11-12", "last_day": "2026-11-11"}),
        ("statement", {"first_day": "20261111"}),
        ("statement", {"order_no": "1"}),
        ("orders", {"state": "paid"}),
        ("orders", {"level": 3}),
        ("orders", {"cursor": "x"}),
        ("team", {"sort": "heads"}),
        ("team", {"last_day": "2026-02-30"}),
        ("ranking", {"period": "year"}),
        ("ranking", {"member_id": 1}),
        ("bills", {"cursor": "WyJhIl0"}),
    ],
)
def test_a_bad_filter_is_refused(client, sold, path, query):
    answer = client.get(f"{URL}/{path}", headers=sold[1], query_string=query)

    assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")


@pytest.mark.parametrize("path", ["summary", "statement", "orders", "team", "ranking", "bills"])
def test_nothing_is_shown_without_a_token(client, path):
    assert client.get(f"{URL}/{path}").status_code == 401
