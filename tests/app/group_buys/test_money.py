"""The money of teams that fail, and of payments that come too late: told, and back exactly once."""

from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app.aftersales import service as aftersales
from app.aftersales.models import AfterSale
from app.catalogue.models import Sku
from app.commands import CHECKS
from app.group_buys import ending, jobs, refunds
from app.members.models import Member
from app.orders import queries as orders
from app.payments.models import Refund
from promotions.group_buys import SeatStatus
from tests.builders.orders import make_order
from tests.builders.staff import make_staff
from tests.builders.team_orders import OPENER_FEN, PRICE_FEN

API = "/api/v1"


@pytest.fixture(autouse=True)
def proven(session):
    yield
    session.rollback()
    assert [breach for check in CHECKS.values() for breach in check(session)] == []


@pytest.fixture
def expire(session, now):
    """Let the time of every team be over, and end them."""

    def run():
        session.rollback()
        ended = ending.expire_due(session, now=now + timedelta(days=2))
        session.commit()
        return ended

    return run


@pytest.fixture
def told(client):
    """What the buyer reads on the order's page of its team."""

    def look(who, order_no):
        return client.get(f"{API}/orders/{order_no}", headers=who).json["team"]

    return look


def refunds_of(session, order_no):
    session.rollback()
    placed = orders.get(session, order_no=order_no)
    count = select(func.count()).select_from(Refund).where(Refund.order_id == placed.id)
    return placed.status, placed.refunded_fen, session.scalar(count)


def test_everybody_in_a_team_that_expires_gets_the_money_back_once(
    session, campaign, opened, joined, expire, give_back, told, sku
):
    group_buy = campaign(terms={"team_size": 3}, stock=10)
    team_no, opener, first = opened(group_buy)
    _, second = joined(group_buy, team_no)

    assert expire() == 1
    assert expire() == 0
    assert told(opener, first)["message"] == "未在规定时间内成团，款项正在原路退回"
    for _ in range(2):
        give_back()

    assert refunds_of(session, first) == ("refunded", OPENER_FEN, 1)
    assert refunds_of(session, second) == ("refunded", PRICE_FEN, 1)
    seen = told(opener, first)
    assert (seen["team_status"], seen["seat_status"]) == ("failed", "refunded")
    assert seen["message"] == "未在规定时间内成团，款项已原路退回"
    assert session.get(Sku, sku.id, populate_existing=True).sold == 0


def test_a_refund_job_that_runs_again_does_nothing_more(
    session, campaign, opened, expire, now, give_back
):
    _, _, order_no = opened(campaign())
    expire()
    source = f"order:{order_no}"
    for _ in range(3):
        refunds.refund(session, source=source, reason=None, now=now)
    session.commit()
    assert refunds.forgotten(session) == []
    give_back()
    assert not refunds.refund(session, source=source, reason=None, now=now)
    assert refunds_of(session, order_no)[2] == 1


def test_the_jobs_end_teams_and_ask_for_what_was_forgotten(
    app, session, campaign, opened, set_clock, now, seat
):
    _, _, order_no = opened(campaign())
    set_clock(now + timedelta(days=2))
    session.commit()
    jobs.expire(team_id=1)
    jobs.expire_due()
    jobs.refund(f"order:{order_no}")
    assert seat(order_no).status is SeatStatus.REFUNDING
    assert refunds_of(session, order_no)[1:] == (0, 1)


def test_there_is_nothing_to_refund_of_who_has_a_team_or_none(session, campaign, opened, now):
    _, _, order_no = opened(campaign())
    for source in (f"order:{order_no}", f"order:O{'0' * 26}"):
        assert not refunds.refund(session, source=source, reason=None, now=now)


def test_at_the_end_a_campaign_may_complete_a_team_and_says_so(
    campaign, opened, expire, told, session, client
):
    group_buy = campaign(terms={"auto_complete": True})
    team_no, opener, order_no = opened(group_buy)
    assert told(opener, order_no)["message"] == "已参团，还差 1 人成团，到期自动成团"
    expire()
    seen = told(opener, order_no)
    assert (seen["team_status"], seen["seats_filled"]) == ("complete", 1)
    assert "其中 1 个席位没有买家" in seen["message"]
    assert refunds_of(session, order_no) == ("paid", 0, 0)
    assert client.get(f"{API}/teams/{team_no}").json["seats_filled"] == 1


@pytest.mark.parametrize(
    ("rule", "done", "said"),
    [
        ("join", "moved", "已为您转入另一个团"),
        ("open", "opened", "已为您另开新团"),
        ("refund", "to_refund", "付款时该团已满员，款项正在原路退回"),
    ],
)
def test_money_that_finds_its_team_full_does_what_the_rule_says_and_is_told(
    campaign, opened, joined, told, pay, rule, done, said
):
    group_buy = campaign(terms={"seats": "first_paid", "when_late": rule})
    team_no, *_ = opened(group_buy)
    slow, late = joined(group_buy, team_no, paid=False)
    assert told(slow, late)["message"] == "先付款者先得席位，请尽快付款"
    joined(group_buy, team_no)
    opened(group_buy)

    pay(late)

    seen = told(slow, late)
    assert (seen["outcome"], seen["late_reason"]) == (done, "full")
    assert said in seen["message"]
    assert (seen["first_team_no"] == team_no) == (rule != "refund")


def test_money_that_goes_back_for_being_late_is_back_once(
    session, campaign, opened, joined, pay, give_back
):
    group_buy = campaign(terms={"seats": "first_paid", "when_late": "refund"})
    team_no, *_ = opened(group_buy)
    _, late = joined(group_buy, team_no, paid=False)
    joined(group_buy, team_no)
    pay(late)
    give_back()
    assert refunds_of(session, late) == ("refunded", PRICE_FEN, 1)


def test_a_request_that_waits_for_staff_is_closed_when_the_team_fails(
    session, campaign, opened, expire, give_back, now
):
    _, opener, order_no = opened(campaign())
    session.rollback()
    aftersales.apply(session, order_no=order_no, buyer_id=opener.id, reason="不想等了", now=now)
    session.commit()
    expire()
    give_back()
    session.rollback()
    assert session.scalars(select(AfterSale.status)).all() == ["cancelled"]
    assert refunds_of(session, order_no) == ("refunded", OPENER_FEN, 1)


def test_who_leaves_by_an_after_sale_hands_the_team_on_and_is_refunded_by_it(
    session, campaign, opened, joined, give_back, told, client, now
):
    group_buy = campaign(terms={"team_size": 3})
    team_no, opener, first = opened(group_buy)
    joined(group_buy, team_no, "赵雷")
    staff = make_staff(session)
    case = aftersales.apply(session, order_no=first, buyer_id=opener.id, reason="不要了", now=now)
    aftersales.approve(session, after_sale_no=case.after_sale_no, staff_id=staff.id, now=now)
    session.commit()

    assert told(opener, first)["message"] == "您已退出该团，款项正在原路退回"
    assert client.get(f"{API}/teams/{team_no}").json["opener"] == "赵**"
    assert refunds.forgotten(session) == []
    give_back()
    assert refunds_of(session, first) == ("refunded", OPENER_FEN, 1)


def test_an_order_without_a_team_has_none_on_its_page(client, session, now, buyer, sku):
    who = buyer()
    placed = make_order(session, now=now, buyer=session.get_one(Member, who.id), sku=sku)
    session.commit()
    page = client.get(f"{API}/orders/{placed.order_no}", headers=who).json
    assert page["team"] is None
