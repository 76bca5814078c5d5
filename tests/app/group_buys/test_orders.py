"""Orders that open or join a team: what they cost, what they hold, and why they are refused."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.catalogue.models import Sku
from app.members.models import Member
from app.orders import service as orders
from app.orders.models import Order
from promotions import stock
from promotions.group_buys import Outcome, SeatStatus
from tests.builders.catalogue import make_sku
from tests.builders.orders import make_order
from tests.builders.orders import pay as pay_for
from tests.builders.team_orders import OPENER_FEN, PRICE_FEN

REFUSED = (409, "group_buy_refused")


def problem(answer):
    return answer.status_code, answer.json["code"], answer.json.get("reason")


def count(session):
    session.rollback()
    return session.scalar(select(func.count()).select_from(Order))


def test_an_opener_pays_the_openers_price_and_others_that_of_the_team(
    campaign, opened, buyer, order, pay, client, sku
):
    group_buy = campaign(stock=10)
    team_no, opener, first = opened(group_buy)
    joiner = buyer()
    second = order(joiner, group_buy, team_no)
    assert second.status_code == 201
    assert second.json["payable_fen"] == PRICE_FEN
    assert second.json["team"]["message"] == "席位已为您保留，请尽快付款"
    pay(second.json["order_no"])

    seen = client.get(f"/api/v1/orders/{first}", headers=opener).json
    assert seen["payable_fen"] == OPENER_FEN
    assert (seen["origin"], seen["team"]["team_no"]) == ("group_buy", team_no)
    assert (seen["team"]["team_status"], seen["team"]["is_opener"]) == ("complete", True)
    assert seen["team"]["message"] == "已成团，等待发货"


def test_the_pieces_of_an_order_come_from_those_set_aside(campaign, opened, session, sku):
    group_buy = campaign(stock=10)
    opened(group_buy)
    session.rollback()
    assert session.get(Sku, sku.id, populate_existing=True).available == 90
    (goods,) = _goods(session, group_buy)
    assert goods == (10, 0, 1)


def _goods(session, group_buy):
    rows = stock.of(session, [group_buy.id])[group_buy.id]
    return [(each.max_units, each.units_reserved, each.units_used) for each in rows]


def test_a_preview_says_the_price_and_holds_nothing(campaign, buyer, client, sku, session):
    group_buy = campaign()
    path = f"/api/v1/group-buys/{group_buy.id}/orders/preview"
    answer = client.post(path, json={"sku_id": sku.id, "quantity": 2}, headers=buyer())
    assert answer.status_code == 200
    assert answer.json["quote"]["payable_fen"] == 2 * OPENER_FEN
    assert count(session) == 0


def test_the_same_request_twice_opens_one_team(campaign, buyer, ask, sku, session):
    group_buy, who = campaign(), buyer()
    body = {"sku_id": sku.id, "address_id": who.address_id, "expected_payable_fen": OPENER_FEN}
    first = ask(who, group_buy.id, key="twice-the-same", **body)
    again = ask(who, group_buy.id, key="twice-the-same", **body)
    assert first.status_code == 201
    assert first.json == again.json
    assert count(session) == 1


def test_another_price_than_was_seen_is_refused(campaign, buyer, order, session):
    answer = order(buyer(), campaign(), expected_payable_fen=1)
    assert problem(answer)[:2] == (409, "price_changed")
    assert count(session) == 0


def test_a_seat_is_held_no_longer_than_its_team_is_open(campaign, opened, buyer, order, now):
    group_buy = campaign(terms={"team_minutes": 2, "pay_minutes": 30})
    team_no, *_ = opened(group_buy)
    placed = order(buyer(), group_buy, team_no).json
    assert placed["expires_at"] <= (now + timedelta(minutes=2, seconds=1)).isoformat()


NEVER_NOW = {"weekdays": list(range(7)), "from_minute": 0, "until_minute": 1}


def test_a_campaign_that_is_not_open_takes_no_order(campaign, buyer, order, ask, sku, now):
    coming, who = campaign(starts_at=now + timedelta(hours=1)), buyer()
    asleep = campaign(slots=[NEVER_NOW])
    for group_buy, reason in ((coming, "not_started"), (asleep, "closed_now")):
        assert problem(order(who, group_buy)) == (*REFUSED, reason)
        preview = ask(who, group_buy.id, tail="/preview", sku_id=sku.id)
        assert problem(preview) == (*REFUSED, reason)
        assert preview.json["message"]


@pytest.mark.parametrize(("move", "reason"), [("pause", "paused"), ("end", "ended")])
def test_what_was_stopped_takes_no_order_and_its_teams_live_on(
    campaign, late_order, buyer, order, seat, stop, move, reason
):
    group_buy = campaign()
    order_no = late_order(group_buy)
    stop(group_buy, move)

    assert problem(order(buyer(), group_buy)) == (*REFUSED, reason)
    assert seat(order_no, paid=True).outcome is Outcome.TAKEN


@pytest.fixture
def late_order(opened, order, buyer):
    """An unpaid order for the last seat of a team."""

    def make(group_buy):
        team_no, *_ = opened(group_buy)
        return order(buyer(), group_buy, team_no).json["order_no"]

    return make


def test_a_draft_and_other_promotions_are_no_group_buys(campaign, buyer, order, client):
    draft = campaign(is_published=False)
    assert problem(order(buyer(), draft))[:2] == (404, "group_buy_not_found")
    assert client.get(f"/api/v1/group-buys/{draft.id}").status_code == 404
    assert client.get("/api/v1/group-buys/999999").json["code"] == "group_buy_not_found"


def test_a_sku_without_a_price_in_it_is_refused(campaign, buyer, order, session):
    other = make_sku(session)
    session.commit()
    answer = order(buyer(), campaign(), sku_id=other.id)
    assert problem(answer) == (*REFUSED, "not_in_it")


def test_more_than_was_set_aside_is_sold_out(campaign, buyer, order, session):
    group_buy = campaign(stock=2)
    assert order(buyer(), group_buy, quantity=2).status_code == 201
    assert problem(order(buyer(), group_buy)) == (*REFUSED, "sold_out")
    assert count(session) == 1


def test_a_person_has_no_more_than_one_may(campaign, buyer, order, session):
    group_buy, who = campaign(member_max_units=1), buyer()
    assert order(who, group_buy).status_code == 201
    assert problem(order(who, group_buy)) == (*REFUSED, "limit_reached")


def test_all_together_have_no_more_than_all_may(campaign, buyer, order):
    group_buy = campaign(max_units=1)
    assert order(buyer(), group_buy).status_code == 201
    assert problem(order(buyer(), group_buy)) == (*REFUSED, "sold_out")


def test_an_order_has_no_more_than_one_order_may(campaign, buyer, order, session):
    group_buy = campaign(terms={"max_units_per_order": 1})
    assert problem(order(buyer(), group_buy, quantity=2))[:2] == (409, "quantity_over_limit")
    assert count(session) == 0


def test_a_team_refuses_with_the_reason(campaign, opened, buyer, order, pay):
    group_buy, who = campaign(), buyer()
    nowhere = f"T{'0' * 26}"
    assert problem(order(who, group_buy, nowhere)) == (*REFUSED, "no_such_team")
    unpaid = order(buyer(), group_buy).json["team"]["team_no"]
    assert problem(order(who, group_buy, unpaid)) == (*REFUSED, "not_open")
    team_no, opener, _ = opened(group_buy)
    assert problem(order(opener, group_buy, team_no)) == (*REFUSED, "already_in")
    held = order(who, group_buy, team_no).json["order_no"]
    assert problem(order(buyer(), group_buy, team_no)) == (*REFUSED, "full")
    pay(held)
    assert problem(order(buyer(), group_buy, team_no)) == (*REFUSED, "complete")


def test_a_team_of_another_campaign_cannot_be_joined(campaign, opened, buyer, order):
    team_no, *_ = opened(campaign())
    assert problem(order(buyer(), campaign(), team_no)) == (*REFUSED, "no_such_team")


def test_a_team_whose_time_is_over_cannot_be_joined(campaign, opened, buyer, order, now, set_clock):
    group_buy = campaign(terms={"team_minutes": 5})
    team_no, *_ = opened(group_buy)
    who = buyer()
    set_clock(now + timedelta(minutes=6))
    assert problem(order(who, group_buy, team_no)) == (*REFUSED, "over")


def test_where_only_newcomers_join_others_may_still_open(
    campaign, opened, buyer, order, session, now, sku
):
    group_buy = campaign(terms={"newcomers_only": True})
    team_no, *_ = opened(group_buy)
    regular = buyer()
    pay_for(
        session,
        make_order(session, now=now, buyer=session.get_one(Member, regular.id), sku=sku),
        now=now,
    )
    session.commit()
    assert problem(order(regular, group_buy, team_no)) == (*REFUSED, "newcomers_only")
    assert order(regular, group_buy).status_code == 201
    assert order(buyer(), group_buy, team_no).status_code == 201


def test_an_unpaid_order_that_closes_gives_its_seat_back(
    campaign, opened, buyer, order, session, seat, client, now
):
    group_buy = campaign()
    team_no, *_ = opened(group_buy)
    who = buyer()
    order_no = order(who, group_buy, team_no).json["order_no"]
    client.post(f"/api/v1/orders/{order_no}/cancel", headers=who)
    placed = session.scalars(select(Order).where(Order.order_no == order_no)).one()
    orders.close(session, order_id=placed.id, reason="buyer", now=now)
    session.commit()
    assert seat(order_no).status is SeatStatus.RELEASED
    assert order(buyer(), group_buy, team_no).status_code == 201


@pytest.mark.parametrize(
    ("change", "field"),
    [
        ({"sku_id": "1"}, "sku_id"),
        ({"sku_id": 0}, "sku_id"),
        ({"quantity": 0}, "quantity"),
        ({"quantity": 1.5}, "quantity"),
        ({"team_no": "T1"}, "team_no"),
        ({"team_no": 7}, "team_no"),
        ({"expected_payable_fen": -1}, "expected_payable_fen"),
        ({"address_id": None}, "address_id"),
        ({"coupon_ids": ["1"]}, "coupon_ids.0"),
        ({"remark": "长" * 201}, "remark"),
        ({"team_size": 1}, "team_size"),
    ],
)
def test_bad_fields_are_refused_and_change_nothing(campaign, buyer, order, session, change, field):
    answer = order(buyer(), campaign(), **change)
    assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
    assert field in answer.json["errors"]
    assert count(session) == 0


def test_strangers_and_other_peoples_addresses_are_refused(campaign, buyer, order, client, session):
    group_buy, who, other = campaign(), buyer(), buyer()
    assert client.post(f"/api/v1/group-buys/{group_buy.id}/orders", json={}).status_code == 401
    answer = order(who, group_buy, address_id=other.address_id)
    assert problem(answer)[:2] == (404, "address_not_found")
    assert count(session) == 0
