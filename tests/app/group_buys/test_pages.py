"""What shoppers see: campaigns, prices in a team and alone, teams to join, shared, their own."""

from datetime import timedelta

import pytest

from app.group_buys.service import GroupBuyRefused
from app.group_buys.wording import REASONS, Reason, lasting
from promotions.group_buys import Refusal
from tests.builders.promotions import make_published
from tests.builders.team_orders import ALONE_FEN, OPENER_FEN, PRICE_FEN

API = "/api/v1"


def test_the_list_has_what_runs_and_what_comes_and_says_the_time(client, campaign, now):
    running = campaign()
    coming = campaign(starts_at=now + timedelta(hours=1), title="明天的团", priority=5)
    campaign(is_published=False)

    page = client.get(f"{API}/group-buys").json

    assert [each["id"] for each in page["items"]] == [coming.id, running.id]
    assert [each["can_order"] for each in page["items"]] == [False, True]
    assert page["items"][0]["message"] == "拼团活动还没开始"
    assert page["server_time"]


def test_a_campaign_shows_what_goods_cost_in_a_team_and_alone(client, campaign, sku, session, now):
    group_buy = campaign(stock=7)
    make_published(session, kind="limited_time", terms={"off_bp": 1_000}, starts_at=now, now=now)
    session.commit()

    (goods,) = client.get(f"{API}/group-buys/{group_buy.id}").json["goods"]

    assert (goods["sku_id"], goods["left"]) == (sku.id, 7)
    assert (goods["price_fen"], goods["opener_price_fen"]) == (PRICE_FEN, OPENER_FEN)
    assert goods["alone_price_fen"] == ALONE_FEN * 9 // 10


def test_goods_off_the_shelf_are_not_shown(client, campaign, sku, session):
    group_buy = campaign()
    sku.is_active = False
    session.commit()
    assert client.get(f"{API}/group-buys/{group_buy.id}").json["goods"] == []


@pytest.mark.parametrize(
    ("terms", "said"),
    [
        ({}, "到期人数未满即未成团，已付款项全部原路退回"),
        ({"auto_complete": True}, "到期人数未满时自动成团：空缺的席位没有买家，您的订单照常发货"),
        ({"newcomers_only": True}, "仅限从未付过款的新用户参团，开团不限"),
        ({"max_units_per_order": 3}, "每单限购 3 件"),
        ({"seats": "first_paid"}, "下单后请在 5 分钟内付款，先付款者先得席位"),
        ({"when_late": "refund"}, "付款时该团已满或已结束的，款项原路退回"),
        ({"with_coupons": True}, "可以使用优惠券"),
    ],
)
def test_the_rules_are_told_in_words(client, campaign, terms, said):
    group_buy = campaign(terms=terms)
    assert said in client.get(f"{API}/group-buys/{group_buy.id}").json["rules"]


def test_limits_per_person_are_among_the_rules(client, campaign):
    group_buy = campaign(member_max_units=2, member_max_uses=1, member_period="day")
    rules = client.get(f"{API}/group-buys/{group_buy.id}").json["rules"]
    assert {"每人每天限参加 1 次", "每人每天限购 2 件"} <= set(rules)


def test_how_long_a_team_lasts_is_told_in_days_hours_and_minutes():
    assert lasting(1501) == "1 天 1 小时 1 分钟"
    assert lasting(60) == "1 小时"


def test_teams_to_join_stand_in_the_order_of_their_ends(
    client, campaign, opened, buyer, set_clock, now
):
    group_buy = campaign()
    first, *_ = opened(group_buy)
    second, *_ = opened(group_buy, buyer("韩梅梅"))

    page = client.get(f"{API}/group-buys/{group_buy.id}/teams?limit=5").json

    assert [each["team_no"] for each in page["items"]] == [first, second]
    assert [each["opener"] for each in page["items"]] == ["李**", "韩**"]
    assert page["items"][0]["seats_left"] == 1
    detail = client.get(f"{API}/group-buys/{group_buy.id}").json
    assert (detail["teams_to_join"], len(detail["teams"])) == (2, 2)
    one = client.get(f"{API}/group-buys/{group_buy.id}/teams?limit=1").json["items"]
    assert [each["team_no"] for each in one] == [first]


def test_a_stopped_campaign_has_no_teams_to_join(client, campaign, opened, stop):
    group_buy = campaign()
    opened(group_buy)
    stop(group_buy, "pause")
    assert client.get(f"{API}/group-buys/{group_buy.id}/teams").json["items"] == []
    page = client.get(f"{API}/group-buys/{group_buy.id}").json
    assert (page["can_order"], page["reason"]) == (False, "paused")


@pytest.mark.parametrize("query", ["limit=0", "limit=51", "limit=x", "cursor=1"])
def test_bad_queries_are_refused(client, campaign, query):
    answer = client.get(f"{API}/group-buys/{campaign().id}/teams?{query}")
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")


def test_a_shared_team_names_nobody_and_says_what_is_left(
    client, campaign, opened, buyer, order, pay
):
    group_buy = campaign(terms={"team_size": 3})
    team_no, _, _ = opened(group_buy)
    pay(order(buyer(""), group_buy, team_no).json["order_no"])
    order(buyer("未付款"), group_buy, team_no)

    page = client.get(f"{API}/teams/{team_no}").json

    assert [each["name"] for each in page["members"]] == ["李**", "微信用户"]
    assert [each["is_opener"] for each in page["members"]] == [True, False]
    assert (page["seats_taken"], page["seats_left"], page["can_join"]) == (2, 0, False)
    assert (page["status"], page["message"]) == ("open", "拼团中")
    assert page["group_buy"]["id"] == group_buy.id
    assert page["ends_at"] > page["server_time"]
    assert "member_id" not in str(page)


def test_a_team_whose_time_is_over_says_so_before_it_is_ended(
    client, campaign, opened, set_clock, now
):
    team_no, *_ = opened(campaign(terms={"team_minutes": 5}))
    set_clock(now + timedelta(minutes=6))
    page = client.get(f"{API}/teams/{team_no}").json
    assert (page["message"], page["seats_left"]) == ("已到期，正在处理", 0)
    assert not page["can_join"]


def test_there_is_no_team_of_an_unknown_number(client):
    answer = client.get(f"{API}/teams/T{'0' * 26}")
    assert (answer.status_code, answer.json["code"]) == (404, "buying_team_not_found")


def test_my_teams_are_mine_the_latest_first(client, campaign, opened, buyer, order):
    group_buy, me = campaign(), buyer()
    opened(group_buy)
    first, *_ = opened(group_buy, me)
    second = order(me, group_buy).json["team"]["team_no"]

    page = client.get(f"{API}/teams?limit=1", headers=me).json
    (latest,) = page["items"]
    assert (latest["team_no"], latest["message"]) == (second, "付款后开团")
    rest = client.get(f"{API}/teams?cursor={page['next_cursor']}", headers=me).json
    (older,) = rest["items"]
    assert (older["team_no"], older["title"]) == (first, "保温杯双人团")
    assert older["message"] == "已参团，还差 1 人成团，到期未成团将原路退款"
    assert rest["next_cursor"] is None
    assert client.get(f"{API}/teams").status_code == 401
    assert client.get(f"{API}/teams?cursor=x", headers=me).status_code == 422


def test_every_reason_has_its_words():
    assert {*Reason, *Refusal} == set(REASONS)
    told = GroupBuyRefused.because(Refusal.FULL)
    assert told.members == {"reason": "full", "message": REASONS[Refusal.FULL]}
