"""Orders at a group buy: their seats go as they go, and nothing leaves before its team is whole."""

from datetime import timedelta

import pytest
from sqlalchemy import select

from app.marketing.seats import CannotJoinTeam
from app.orders import queries
from app.orders import service as orders
from app.orders.drafts import Wanted
from app.orders.leaving import DealUndecided
from app.orders.models import CloseReason, OrderOrigin, OrderStatus
from promotions import buyers, group_buys
from promotions.group_buys import BuyingTeam, SeatStatus, TeamStatus
from promotions.group_buys.verify import verify
from promotions.pricing import Deal
from tests.builders.catalogue import make_sku
from tests.builders.deals import make_deal
from tests.builders.members import make_address, make_member
from tests.builders.orders import PARCEL, begin_return, give_back, make_order, pay

PRICE = 100


@pytest.fixture
def cup(session):
    return make_sku(session, available=20)


@pytest.fixture
def group(session, cup, now):
    return make_deal(session, cup, now=now, kind="group_buy", total=None)


@pytest.fixture
def place(session, cup, now):
    """Place the order of a new member, or of `buyer`, that opens a team or joins one."""

    def placed(group, team=None, *, buyer=None, quantity=1, price_fen=PRICE):
        buyer = buyer or make_member(session)
        address = make_address(session, member_id=buyer.id)
        return orders.place(
            session,
            buyer_id=buyer.id,
            wanted=Wanted(
                OrderOrigin.GROUP_BUY,
                {cup.id: quantity},
                deal=Deal(promotion_id=group.id, as_opener=team is None),
                team_no=team and team.team_no,
            ),
            address_id=address.id,
            expected_payable_fen=price_fen * quantity,
            remark="",
            pay_within=timedelta(minutes=5),
            now=now,
        )

    yield placed
    assert list(verify(session)) == []


@pytest.fixture
def opened(session, place, now):
    """The order of an opener who has paid, and the team."""

    def paid(group, **more):
        order = place(group, **more)
        pay(session, order, now=now)
        return order, team_of(session, order)

    return paid


def team_of(session, order):
    return session.get_one(BuyingTeam, seat_of(session, order).team_id, populate_existing=True)


def seat_of(session, order):
    return group_buys.seat_of(session, order.source)


def jobs(session, task):
    rows = session.connection().exec_driver_sql(
        "SELECT args, scheduled_at FROM procrastinate_jobs WHERE task_name = %s", (task,)
    )
    return rows.all()


def ship(session, order, now):
    orders.ship(session, order_no=order.order_no, now=now, **PARCEL)
    return queries.get(session, order_no=order.order_no).status


def test_an_order_opens_a_team_that_another_completes(session, group, place, opened, now):
    first, team = opened(group)
    assert (team.status, team.opener_id) == (TeamStatus.OPEN, first.buyer_id)
    second = place(group, team)
    step = session.begin_nested()
    with pytest.raises(DealUndecided):
        ship(session, first, now)
    step.rollback()

    pay(session, second, now=now)

    assert team_of(session, first).status is TeamStatus.COMPLETE
    assert [ship(session, each, now) for each in (first, second)] == [OrderStatus.SHIPPED] * 2


def test_the_end_of_a_team_is_noticed_when_it_opens(session, group, opened):
    _, team = opened(group)

    assert jobs(session, "group_buys.expire") == [({"team_id": team.id}, team.ends_at)]


def test_an_order_that_closes_gives_its_seat_back(session, group, place, opened, now):
    _, team = opened(group)
    order = place(group, team)

    orders.close(session, order_id=order.id, reason=CloseReason.EXPIRED, now=now)

    assert seat_of(session, order).status is SeatStatus.RELEASED
    assert team_of(session, order).seats_held == 0


def test_a_full_team_refuses_the_order_and_nothing_is_written(session, group, place, opened):
    _, team = opened(group)
    order = place(group, team)
    step = session.begin_nested()

    with pytest.raises(CannotJoinTeam) as refused:
        place(group, team)
    step.rollback()

    assert refused.value.members == {"promotion_id": group.id, "reason": "full"}
    assert team_of(session, order).seats_held == 1


def test_an_order_that_costs_nothing_takes_its_seat_at_once(session, cup, place, now):
    free = make_deal(session, cup, now=now, kind="group_buy", total=None, price_fen=0)

    order = place(free, price_fen=0)
    team = team_of(session, order)
    assert (team.status, team.seats_taken) == (TeamStatus.OPEN, 1)

    give_back(session, order, None, source="after_sale:1", now=now)
    assert seat_of(session, order).status is SeatStatus.REFUNDED


def test_money_that_is_too_late_is_asked_back(session, cup, place, opened, now):
    refunds = make_deal(
        session, cup, now=now, kind="group_buy", total=None, terms={"when_late": "refund"}
    )
    _, team = opened(refunds)
    late = place(refunds, team)
    group_buys.fail(session, team.id, now=now)

    pay(session, late, now=now)

    assert [args for args, _ in jobs(session, "group_buys.refund")] == [{"source": late.source}]
    assert queries.get(session, order_no=late.order_no).status == OrderStatus.PAID
    pay(session, late, now=now)
    assert len(jobs(session, "group_buys.refund")) == 1


def test_who_gets_all_their_money_back_leaves_the_team(session, group, place, opened, now):
    first, team = opened(group)
    second = place(group, team)

    begin_return(session, first, None, source="after_sale:1", now=now)

    assert seat_of(session, first).status is SeatStatus.REFUNDING
    assert team_of(session, first).fail_reason == "deserted"
    orders.finish_refund(session, order_id=first.id, refund_source="after_sale:1", now=now)
    assert seat_of(session, first).status is SeatStatus.REFUNDED
    pay(session, second, now=now)
    assert team_of(session, second).opener_id == second.buyer_id


def test_who_gets_a_part_back_stays(session, group, opened, now):
    order, _ = opened(group, quantity=2)
    line = queries.lines(session, order_id=order.id)[0]

    give_back(session, order, {line.id: 1}, source="after_sale:1", now=now)
    assert (team_of(session, order).status, seat_of(session, order).status) == ("open", "taken")
    begin_return(session, order, {line.id: 1}, source="after_sale:2", now=now)
    assert seat_of(session, order).status is SeatStatus.REFUNDING


def test_the_seats_of_ordinary_orders_are_nobodys(session, cup, now):
    order = make_order(session, now=now, sku=cup, status=OrderStatus.SHIPPED)

    assert seat_of(session, order) is None


def test_only_newcomers_join_where_old_members_bring_new_ones(session, cup, place, opened, now):
    terms = {"newcomers_only": True, "team_size": 3}
    group = make_deal(session, cup, now=now, kind="group_buy", total=None, terms=terms)
    old, team = opened(group)
    other, other_team = opened(group)
    newcomer = make_member(session)
    step = session.begin_nested()
    with pytest.raises(CannotJoinTeam) as refused:
        place(group, other_team, buyer=session.get(type(newcomer), old.buyer_id))
    step.rollback()
    assert refused.value.members["reason"] == "newcomers_only"

    place(group, team, buyer=newcomer)

    assert not buyers.is_new(session, [newcomer.id]), "until that order is paid or closed"
    step = session.begin_nested()
    with pytest.raises(CannotJoinTeam):
        place(group, other_team, buyer=newcomer)
    step.rollback()
    assert other.buyer_id == other_team.opener_id


def test_the_teams_of_a_campaign_count_as_their_seats_do(session, group, place, opened, now):
    _, team = opened(group)
    pay(session, place(group, team), now=now)

    numbers = session.scalars(select(BuyingTeam.team_no)).all()
    assert [len(number) for number in numbers] == [27]
