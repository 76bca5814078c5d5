"""Many at once want the last of a limit: exact counts, none lost, none overspent."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from promotions import limits, snapshots, verify
from promotions.campaigns import create, publish
from promotions.life import WrongStatus
from promotions.limits import GiftOut, Refused, Use
from promotions.models import PromotionCounter, PromotionGiftStock, PromotionMemberCounter
from tests.builders.promotions import GIFTS, NOON, OFF_PIECES, make_campaign, make_published

THREADS = 64
pytestmark = pytest.mark.race


def together(work):
    """Run `work(number)` in all threads, started at one moment; return what each returned."""
    start = threading.Barrier(THREADS)

    def run(number):
        start.wait(timeout=30)
        return work(number)

    with ThreadPoolExecutor(THREADS) as pool:
        return list(pool.map(run, range(THREADS)))


def reserve(session, source, *uses, member_id=1):
    limits.reserve(session, source=source, member_id=member_id, uses=uses, now=NOON)


def counter_of(session, promotion):
    counter = session.get(PromotionCounter, promotion.id, populate_existing=True)
    session.rollback()
    return counter


def attempt(own_session, source, *uses, member_id=1):
    """Reserve in a transaction of its own; say whether it was allowed."""
    with own_session() as own:
        try:
            reserve(own, source, *uses, member_id=member_id)
        except Refused:
            own.rollback()
            return False
        own.commit()
        return True


def settle_all(own_session, won):
    """Confirm what every second winner holds and release the rest; return how many are used."""

    def settle(number):
        with own_session() as own:
            if won[number]:
                verb = limits.confirm if number % 2 else limits.release
                verb(own, source=f"order:{number}", now=NOON)
                own.commit()
            return won[number] and bool(number % 2)

    return sum(together(settle))


ONE = {"amount_fen": 100, "units": 2, "gifts": ((8, 1),)}
STOCK = [{"sku_id": 8, "total": 10}]


@pytest.mark.parametrize(
    ("caps", "winners"),
    [
        ({"max_uses": 10}, 10),
        ({"budget_fen": 1_050}, 10),
        ({**OFF_PIECES, "max_units": 21}, 10),
        ({**GIFTS, "gift_stock": STOCK}, 10),
        ({**GIFTS, "max_uses": 12, "gift_stock": STOCK, "member_max_uses": 1}, 10),
    ],
    ids=["uses", "budget", "pieces", "gifts", "all of it"],
)
def test_exactly_as_many_win_as_there_are(session, own_session, caps, winners):
    promotion = make_published(session, **caps)
    session.commit()

    won = together(
        lambda number: attempt(
            own_session, f"order:{number}", Use(promotion.id, **ONE), member_id=number
        )
    )

    assert sum(won) == winners
    assert list(verify.verify(session)) == []
    used = settle_all(own_session, won)

    counter = counter_of(session, promotion)
    if counter is not None:
        assert (counter.uses_reserved, counter.reserved_fen, counter.units_reserved) == (0, 0, 0)
        assert (counter.uses_used, counter.used_fen, counter.units_used) == (
            used,
            used * 100,
            used * 2,
        )
    for stock in session.scalars(select(PromotionGiftStock)):
        assert (stock.units_reserved, stock.units_used) == (0, used)
    assert list(verify.verify(session)) == []
    again = together(
        lambda number: attempt(
            own_session, f"again:{number}", Use(promotion.id, **ONE), member_id=number + THREADS
        )
    )
    assert sum(again) == winners - used, "what was given back can be had again"


@pytest.mark.parametrize(
    ("caps", "winners"),
    [
        ({"member_max_uses": 3}, 3),
        ({**OFF_PIECES, "member_max_units": 7}, 3),
        ({**OFF_PIECES, "max_uses": 2, "member_max_units": 7, "member_period": "day"}, 2),
    ],
    ids=["uses", "pieces", "total below"],
)
def test_one_member_on_many_devices_gets_what_one_person_may(session, own_session, caps, winners):
    promotion = make_published(session, **caps)
    session.commit()

    won = together(lambda number: attempt(own_session, f"order:{number}", Use(promotion.id, **ONE)))

    assert sum(won) == winners
    assert attempt(own_session, "order:other", Use(promotion.id, **ONE), member_id=2) is (
        "max_uses" not in caps
    )
    used = settle_all(own_session, won)
    (own,) = session.scalars(
        select(PromotionMemberCounter).where(PromotionMemberCounter.member_id == 1)
    )
    assert (own.uses, own.units) == (used, used * 2)
    assert list(verify.verify(session)) == []


def test_transactions_that_fail_half_way_lose_nothing(session, own_session):
    limited = make_published(session, max_uses=99, member_max_uses=99)
    gifts = make_published(session, **GIFTS, gift_stock=[{"sku_id": 8, "total": 5}])
    session.commit()

    def buy(number):
        with own_session() as own:
            uses = [Use(limited.id, 100), Use(gifts.id, 0, gifts=((8, 1),))]
            try:
                reserve(own, f"order:{number}", *uses, member_id=number % 3)
            except GiftOut:
                return False  # The limited one was taken by then; the transaction is thrown away.
            if number % 2:
                own.commit()
            return bool(number % 2)

    won = sum(together(buy))

    assert counter_of(session, limited).uses_reserved == won == 5
    assert list(verify.verify(session)) == []
    left = limits.allowances(session, [gifts.id], member_id=None, now=NOON)[0].gifts
    assert left == ((8, 0),)


def test_one_source_placed_and_closed_from_everywhere_stays_exact(session, own_session):
    promotion = make_published(session, max_uses=5, member_max_uses=5)
    session.commit()

    def work(number):
        with own_session() as own:
            if number % 2:
                reserve(own, "order:A", Use(promotion.id, 100))
            else:
                limits.release(own, source="order:A", now=NOON)
            own.commit()

    together(work)

    assert counter_of(session, promotion).uses_reserved in (0, 1)
    assert list(verify.verify(session)) == []


def test_orders_that_take_the_same_two_limits_never_deadlock(session, own_session):
    stock = [{"sku_id": sku_id, "total": 999} for sku_id in (8, 9)]
    caps = {**GIFTS, "max_uses": 999, "member_max_uses": 999, "gift_stock": stock}
    one, other = make_published(session, **caps), make_published(session, **caps)
    session.commit()

    def buy(number):
        gifts = ((8, 1), (9, 1))
        uses = [Use(one.id, 1, gifts=gifts), Use(other.id, 1, gifts=gifts)]
        with own_session() as own:
            for turn in range(5):
                source = f"order:{number}.{turn}"
                reserve(own, source, *uses[:: 1 if number % 2 else -1])
                own.commit()
                limits.release(own, source=source, now=NOON)
                own.commit()

    together(buy)

    assert counter_of(session, one).uses_reserved == counter_of(session, other).uses_reserved == 0


def test_one_source_at_once_from_everywhere_counts_once(session, own_session):
    promotion = make_published(session, max_uses=5, budget_fen=5_000)
    session.commit()

    def work(number):
        with own_session() as own:
            reserve(own, "order:A", Use(promotion.id, 100))
            own.commit()
            if number % 2:
                limits.confirm(own, source="order:A", now=NOON)
                own.commit()

    together(work)

    counter = counter_of(session, promotion)
    assert (counter.uses_reserved, counter.uses_used, counter.used_fen) == (0, 1, 100)


def test_one_of_many_publishes_a_draft_and_snapshot_numbers_differ(session, own_session):
    drafts = [create(session, campaign=make_campaign(), staff_id=1, now=NOON) for _ in range(2)]
    session.commit()

    def work(number):
        with own_session() as own:
            try:
                publish(own, promotion_id=drafts[number % 2].id, staff_id=1, now=NOON)
            except WrongStatus:
                return None
            version = snapshots.version(own)
            own.commit()
            return version

    versions = [version for version in together(work) if version is not None]

    assert len(versions) == len(set(versions)) == 2
    assert snapshots.version(session) == max(versions)
    assert session.scalar(select(PromotionCounter.promotion_id)) is None
