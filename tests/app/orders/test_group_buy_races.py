"""Orders of one group buy are placed, paid and closed at one moment: no deadlock, exact counts."""

import contextvars
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from threading import Barrier

import pytest
from sqlalchemy import select

from app.core.db import db
from app.core.errors import AppError
from app.marketing import seats
from app.marketing.verify import verify
from app.orders import service as orders
from app.orders.drafts import Wanted
from app.orders.models import CloseReason, OrderOrigin, OrderStatus
from promotions import group_buys
from promotions.group_buys import BuyingTeam, SeatStatus, TeamSeat
from promotions.pricing import Deal
from tests.builders.catalogue import make_sku
from tests.builders.deals import make_deal
from tests.builders.members import make_address, make_member
from tests.builders.orders import pay

THREADS = 8
PRICE = 100


@pytest.fixture
def together(app):
    """Run `work(session, number)` in all threads at once, each committing; codes of refusals."""

    def go(work):
        start = Barrier(THREADS)

        def run(number):
            with app.app_context():
                session = db.session()
                start.wait(timeout=30)
                try:
                    done = work(session, number)
                except AppError as refused:
                    session.rollback()
                    return refused.code
                session.commit()
                return done

        with ThreadPoolExecutor(THREADS) as pool:
            return [
                each.result()
                for each in [
                    pool.submit(contextvars.Context().run, run, number) for number in range(THREADS)
                ]
            ]

    return go


@pytest.fixture
def place(session, now):
    """Place the order of a buyer that opens a team or joins one; `make` gives the campaign."""
    cup = make_sku(session, available=99)
    group = make_deal(
        session,
        cup,
        now=now,
        kind="group_buy",
        total=50,
        member_max_units=9,
        terms={"team_size": 20, "when_late": "refund"},
    )
    buyers = [make_member(session) for _ in range(3 * THREADS)]
    addresses = [make_address(session, member_id=buyer.id).id for buyer in buyers]
    session.commit()

    def placed(own, number, team_no=None):
        return orders.place(
            own,
            buyer_id=buyers[number].id,
            wanted=Wanted(
                OrderOrigin.GROUP_BUY,
                {cup.id: 1},
                deal=Deal(promotion_id=group.id, as_opener=team_no is None),
                team_no=team_no,
            ),
            address_id=addresses[number],
            expected_payable_fen=PRICE,
            remark="",
            pay_within=timedelta(minutes=5),
            now=now,
        )

    return placed


@pytest.mark.race
def test_placing_paying_closing_and_leaving_at_once_neither_wait_in_a_circle_nor_miscount(
    session, together, place, now
):
    opener = place(session, 3 * THREADS - 1)
    pay(session, opener, now=now)
    team = session.scalars(select(BuyingTeam)).one()
    team_no = team.team_no
    waiting = [place(session, number, team_no) for number in range(THREADS)]
    session.commit()

    def work(own, number):
        if number % 4 == 3:
            return orders.close(own, order_id=waiting[number].id, reason=CloseReason.BUYER, now=now)
        if number % 4 == 2:
            return place(own, THREADS + number, team_no).status
        return pay(own, waiting[number], now=now)

    done = together(work)

    assert done.count(OrderStatus.UNPAID) == THREADS // 4
    assert done.count(True) == THREADS - THREADS // 4
    session.rollback()
    session.refresh(team)
    held = THREADS // 4 + THREADS // 4
    assert (team.seats_taken, team.seats_held) == (1 + THREADS // 2, held)
    assert list(verify(session)) == []


def test_a_payment_that_was_told_before_asks_for_nothing(session, place, now):
    order = place(session, 0)
    pay(session, order, now=now)

    seats.take(session, source=order.source, now=now)
    seats.take(session, source="order:without", now=now)

    seat = session.scalars(select(TeamSeat)).one()
    assert seat.status is SeatStatus.TAKEN
    assert not group_buys.may_ship(session, order.source)
