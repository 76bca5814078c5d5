"""A campaign that runs, members who order in it, payments, and refunds that arrive."""

import secrets

import pytest
from sqlalchemy import select

from app.core.auth import Audience
from app.group_buys import refunds
from app.marketing import campaigns as marketing
from app.orders import queries as orders
from app.payments.models import Refund, RefundStatus
from promotions import campaigns as promotions
from promotions import group_buys as engine
from tests.builders.catalogue import make_sku
from tests.builders.members import make_address, make_member
from tests.builders.payments import pay_order, settle_refund
from tests.builders.promotions import STAFF
from tests.builders.staff import make_staff
from tests.builders.team_orders import OPENER_FEN, PRICE_FEN, make_group_buy


class Buyer(dict[str, str]):
    """Headers of a member; `id` is who, `address_id` where they live."""

    id: int
    address_id: int


@pytest.fixture
def sku(session):
    made = make_sku(session, price_fen=9900, available=100)
    session.commit()
    return made


@pytest.fixture
def campaign(session, sku, now):
    """Publish a group buy of the SKU, for two within an hour unless told otherwise; commit."""

    def make(*, of=None, **more):
        made = make_group_buy(session, of or sku, now=now, **more)
        session.commit()
        return made

    return make


@pytest.fixture
def buyer(session, token_for, now):
    """Make a member with an address, and return their headers."""

    def make(nickname="王小明", **fields):
        member = make_member(session, nickname=nickname, now=now, **fields)
        address = make_address(session, member_id=member.id, now=now)
        session.commit()
        headers = Buyer(token_for(Audience.SHOPPER, member.id))
        headers.id, headers.address_id = member.id, address.id
        return headers

    return make


@pytest.fixture
def staff(session, token_for):
    """Make an account of a role, and return its headers."""

    def make(role="merchant"):
        account = make_staff(session, role=role)
        session.commit()
        return token_for(Audience.STAFF, account.id)

    return make


@pytest.fixture
def ask(client):
    """POST the order of a buyer, as it is, or a preview of it."""

    def post(who, group_buy_id, *, tail="", key=None, **body):
        headers = {**(who or {}), "Idempotency-Key": key or secrets.token_hex(8)}
        path = f"/api/v1/group-buys/{group_buy_id}/orders{tail}"
        return client.post(path, json=body, headers=headers)

    return post


@pytest.fixture
def order(ask, sku):
    """Place an order that opens a team, or joins `team_no`, at the price it should have."""

    def place(who, group_buy, team_no=None, *, quantity=1, **changes):
        fen = PRICE_FEN if team_no else OPENER_FEN
        body = {
            "sku_id": sku.id,
            "quantity": quantity,
            "team_no": team_no,
            "address_id": who.address_id,
            "expected_payable_fen": fen * quantity,
            **changes,
        }
        return ask(who, group_buy.id, **body)

    return place


@pytest.fixture
def pay(session, now):
    """Let the money for an order come."""

    def come(order_no, *, at=None):
        session.rollback()
        placed = orders.get(session, order_no=order_no)
        pay_order(session, order=placed, now=at or now)
        session.commit()

    return come


@pytest.fixture
def opened(order, pay, buyer):
    """A team whose opener has paid: its number, the opener, and their order's."""

    def make(group_buy, who=None):
        who = who or buyer("李雷")
        placed = order(who, group_buy).json
        pay(placed["order_no"])
        return placed["team"]["team_no"], who, placed["order_no"]

    return make


@pytest.fixture
def joined(order, pay, buyer):
    """Somebody who joins a team, and pays unless told otherwise: they, and their order's number."""

    def make(group_buy, team_no, nickname="王小明", *, paid=True):
        who = buyer(nickname)
        order_no = order(who, group_buy, team_no).json["order_no"]
        if paid:
            pay(order_no)
        return who, order_no

    return make


@pytest.fixture
def seat(session, pay):
    """The seat of an order, as it is in the database now, or once it is paid."""

    def look(order_no, *, paid=False):
        if paid:
            pay(order_no)
        session.rollback()
        return engine.seat_of(session, f"order:{order_no}")

    return look


@pytest.fixture
def give_back(session, now):
    """Run the refund of every seat that waits for one, and let WeChat bring the money."""

    def run():
        session.rollback()
        for source in refunds.forgotten(session):
            refunds.refund(session, source=source, reason=None, now=now)
        waiting = session.scalars(select(Refund).where(Refund.status == RefundStatus.PENDING))
        for each in waiting.all():
            settle_refund(session, refund=each, now=now)
        session.commit()

    return run


@pytest.fixture
def stop(session, now):
    """Pause or end a campaign."""

    def move(group_buy, how):
        engine = getattr(promotions, how)
        marketing.move(session, engine, promotion_id=group_buy.id, staff_id=STAFF, now=now)
        session.commit()

    return move
