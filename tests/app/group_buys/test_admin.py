"""What staff see of group buys and do with teams."""

import csv
import io

import pytest

from promotions.group_buys import SeatStatus
from tests.builders.team_orders import OPENER_FEN, PRICE_FEN

ADMIN = "/admin/v1"


@pytest.fixture
def story(campaign, opened, order, buyer, pay):
    """A campaign with a complete team, an open one, and an order that is not paid."""
    group_buy = campaign()
    full, _, first = opened(group_buy)
    pay(order(buyer(), group_buy, full).json["order_no"])
    open_, _, alone = opened(group_buy)
    waiting = order(buyer("=1+1"), group_buy, open_).json["order_no"]
    return group_buy, {"full": full, "open": open_, "first": first, "alone": alone, "held": waiting}


def test_the_figures_of_a_campaign_are_what_its_orders_brought(client, story, staff):
    group_buy, _ = story
    seen = client.get(f"{ADMIN}/group-buys/{group_buy.id}/figures", headers=staff()).json
    paid_fen = 2 * OPENER_FEN + PRICE_FEN
    assert seen == {
        "opened": 2, "open": 1, "complete": 1, "failed": 0, "filled": 0, "held": 1, "paid": 3,
        "grouped": 2, "moved": 0, "opened_late": 0, "refunding": 0, "refunded": 0, "orders": 4,
        "orders_paid": 3, "paid_fen": paid_fen, "refunding_fen": 0, "refunded_fen": 0,
        "revenue_fen": paid_fen,
    }  # fmt: skip


def test_the_board_lists_campaigns_the_latest_first(client, story, campaign, staff):
    group_buy, _ = story
    later, headers = campaign(title="后来的团"), staff()
    page = client.get(f"{ADMIN}/group-buys?limit=1", headers=headers).json
    assert [each["id"] for each in page["items"]] == [later.id]
    assert page["items"][0]["figures"]["orders"] == 0
    rest = client.get(f"{ADMIN}/group-buys?cursor={page['next_cursor']}", headers=headers).json
    assert [(each["id"], each["phase"]) for each in rest["items"]] == [(group_buy.id, "running")]


def test_teams_are_found_by_status_and_by_member(client, story, staff, seat):
    group_buy, at = story
    path, headers = f"{ADMIN}/group-buys/{group_buy.id}/teams", staff()
    page = client.get(f"{path}?limit=1", headers=headers).json
    assert [each["team_no"] for each in page["items"]] == [at["open"]]
    rest = client.get(f"{path}?cursor={page['next_cursor']}", headers=headers).json
    assert [each["team_no"] for each in rest["items"]] == [at["full"]]
    done = client.get(f"{path}?status=complete", headers=headers).json["items"]
    assert [each["team_no"] for each in done] == [at["full"]]
    member_id = seat(at["held"]).member_id
    own = client.get(f"{path}?member_id={member_id}", headers=headers).json["items"]
    assert [(each["team_no"], each["seats_held"]) for each in own] == [(at["open"], 1)]
    assert client.get(f"{path}?status=x", headers=headers).status_code == 422


def test_a_team_shows_each_seat_with_its_order(client, story, staff):
    _, at = story
    team = client.get(f"{ADMIN}/teams/{at['open']}", headers=staff()).json
    assert [each["order_no"] for each in team["seats"]] == [at["alone"], at["held"]]
    assert [each["order_status"] for each in team["seats"]] == ["paid", "unpaid"]
    assert team["seats"][0]["paid_fen"] == OPENER_FEN
    assert team["seats"][0]["is_opener"]


def test_staff_end_a_team_with_a_reason_and_the_money_goes_back(
    client, story, staff, seat, give_back, session
):
    _, at = story
    headers, path = staff(), f"{ADMIN}/teams/{at['open']}/fail"

    team = client.post(path, json={"reason": "缺货"}, headers=headers)

    assert team.status_code == 200
    assert (team.json["status"], team.json["fail_reason"]) == ("failed", "stopped")
    assert seat(at["alone"]).status is SeatStatus.REFUNDING
    assert seat(at["held"]).status is SeatStatus.HELD
    assert team.json["seats"][0]["message"] == "商家已终止该团，款项正在原路退回"
    give_back()
    assert seat(at["alone"]).status is SeatStatus.REFUNDED
    again = client.post(path, json={"reason": "缺货"}, headers=headers)
    assert (again.status_code, again.json["code"]) == (409, "buying_team_over")
    assert again.json["team_status"] == "failed"


def test_a_complete_team_cannot_be_ended(client, story, staff, seat):
    _, at = story
    path = f"{ADMIN}/teams/{at['full']}/fail"
    answer = client.post(path, json={"reason": "缺货"}, headers=staff())
    assert (answer.status_code, answer.json["team_status"]) == (409, "complete")
    assert seat(at["first"]).status is SeatStatus.TAKEN


@pytest.mark.parametrize(
    "body", [{}, {"reason": ""}, {"reason": "长" * 41}, {"reason": 1}, {"reason": "x", "at": 1}]
)
def test_a_bad_reason_changes_nothing(client, story, staff, seat, body):
    _, at = story
    answer = client.post(f"{ADMIN}/teams/{at['open']}/fail", json=body, headers=staff())
    assert answer.status_code == 422
    assert seat(at["alone"]).status is SeatStatus.TAKEN


def test_the_export_has_a_row_for_each_seat_and_no_formulas(client, story, staff):
    group_buy, at = story
    answer = client.get(f"{ADMIN}/group-buys/{group_buy.id}/orders.csv", headers=staff())
    assert answer.content_type.startswith("text/csv")
    head, *rows = csv.reader(io.StringIO(answer.text.removeprefix("\ufeff")))
    assert len(rows) == 4
    by_order = {row[head.index("订单号")]: dict(zip(head, row, strict=True)) for row in rows}
    assert by_order[at["first"]]["团状态"] == "拼团成功"
    assert by_order[at["first"]]["实付（元）"] == "49.00"
    assert by_order[at["held"]]["买家"] == "'=1+1"
    assert by_order[at["held"]]["席位状态"] == "待付款"


def test_analysts_read_but_neither_end_teams_nor_export(client, story, staff):
    group_buy, at = story
    headers = staff("analyst")
    assert client.get(f"{ADMIN}/teams/{at['open']}", headers=headers).status_code == 200
    for answer in (
        client.post(f"{ADMIN}/teams/{at['open']}/fail", json={"reason": "x"}, headers=headers),
        client.get(f"{ADMIN}/group-buys/{group_buy.id}/orders.csv", headers=headers),
    ):
        assert answer.status_code == 403


@pytest.mark.parametrize(
    ("path", "code"),
    [
        ("/group-buys/999/figures", "group_buy_not_found"),
        ("/group-buys/999/teams", "group_buy_not_found"),
        ("/group-buys/999/orders.csv", "group_buy_not_found"),
        ("/teams/T1", "buying_team_not_found"),
    ],
)
def test_what_is_not_there_is_not_found(client, staff, path, code):
    answer = client.get(f"{ADMIN}{path}", headers=staff())
    assert (answer.status_code, answer.json["code"]) == (404, code)


def test_ending_an_unknown_team_is_refused(client, staff):
    answer = client.post(f"{ADMIN}/teams/T1/fail", json={"reason": "x"}, headers=staff())
    assert (answer.status_code, answer.json["code"]) == (404, "buying_team_not_found")
