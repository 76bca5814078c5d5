"""Many at once want the last of a limit: exact counts, none lost, none overspent."""

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from promotions import limits, snapshots, verify
from promotions.campaigns import WrongStatus, create, publish
from promotions.limits import Refused, Use
from promotions.models import PromotionCounter
from tests.builders.promotions import NOON, make_campaign, make_published

THREADS = 16
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


@pytest.mark.parametrize(
    ("caps", "winners"), [({"max_uses": 10}, 10), ({"budget_fen": 700}, 7)], ids=["uses", "budget"]
)
def test_exactly_as_many_win_as_there_are(session, own_session, caps, winners):
    promotion = make_published(session, **caps)
    session.commit()

    def buy(number):
        with own_session() as own:
            try:
                reserve(own, f"order:{number}", Use(promotion.id, 100))
            except Refused:
                own.rollback()
                return False
            own.commit()
            return True

    won = together(buy)

    assert sum(won) == winners
    counter = counter_of(session, promotion)
    assert (counter.uses_reserved, counter.reserved_fen) == (winners, winners * 100)

    def settle(number):
        with own_session() as own:
            if won[number]:
                verb = limits.confirm if number % 2 else limits.release
                verb(own, source=f"order:{number}", now=NOON)
                own.commit()
            return won[number] and bool(number % 2)

    used = sum(together(settle))

    counter = counter_of(session, promotion)
    assert (counter.uses_reserved, counter.reserved_fen) == (0, 0)
    assert (counter.uses_used, counter.used_fen) == (used, used * 100)
    assert list(verify.verify(session)) == []


def test_orders_that_take_the_same_two_limits_never_deadlock(session, own_session):
    one, other = make_published(session, max_uses=99), make_published(session, max_uses=99)
    session.commit()

    def buy(number):
        uses = [Use(one.id, 1), Use(other.id, 1)]
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
