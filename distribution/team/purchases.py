"""
What the shop tells about orders, so that joining and grades may look at it.

The shop says what was paid for, what of it is left, and when an order is over; this room keeps one
row for each order and sums of those rows. It says it in the transaction in which it happens, under
the order's own lock. Told the same again, nothing changes.

Locks: the order's row here, then pairs of upline and buyer, then members' sums, each in order.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, BigInteger, TextClause, bindparam, select, text, update
from sqlalchemy.orm import Session

from distribution.base import Moment
from distribution.team import grading, joining
from distribution.team.grade_models import Purchase
from distribution.team.states import DistributorStatus

_PAID = text(
    """
    INSERT INTO purchase (order_source, buyer_id, upline_member_id, paid_fen, kept_fen, spu_ids,
                          paid_at)
    VALUES (:order_source, :buyer_id,
            (SELECT upline_member_id FROM binding
             JOIN distributor ON distributor.member_id = upline_member_id AND status = 'active'
             WHERE binding.member_id = :buyer_id
               AND (protection_ends_at IS NULL OR protection_ends_at > :now)),
            :paid_fen, :kept_fen, :spu_ids, :now)
    ON CONFLICT (order_source) DO NOTHING
    RETURNING (SELECT status FROM distributor WHERE member_id = :buyer_id)
    """
).bindparams(bindparam("spu_ids", type_=ARRAY(BigInteger)), bindparam("now", type_=Moment))
_NEW_PAIRS = text(
    """
    INSERT INTO direct_customer (upline_member_id, buyer_id, orders, kept_fen)
    SELECT upline_id, buyer_id, 0, 0 FROM unnest(:uplines, :buyers) AS pair (upline_id, buyer_id)
    ORDER BY upline_id, buyer_id ON CONFLICT DO NOTHING
    """
)
_PAIRS = text(
    """
    WITH change AS (
        SELECT * FROM unnest(:uplines, :buyers, :orders, :fen)
                      AS change (upline_member_id, buyer_id, orders, fen)),
    held AS (
        SELECT upline_member_id, buyer_id FROM direct_customer AS pair
        WHERE (upline_member_id, buyer_id) IN (SELECT upline_member_id, buyer_id FROM change)
        ORDER BY upline_member_id, buyer_id FOR NO KEY UPDATE OF pair)
    UPDATE direct_customer AS pair
    SET orders = pair.orders + change.orders, kept_fen = pair.kept_fen + change.fen
    FROM held JOIN change USING (upline_member_id, buyer_id)
    WHERE (pair.upline_member_id, pair.buyer_id) = (held.upline_member_id, held.buyer_id)
    RETURNING pair.upline_member_id, pair.buyer_id, pair.orders
    """
)
_NEW_SUMS = text(
    """
    INSERT INTO member_facts (member_id)
    SELECT id FROM unnest(:members) AS member (id) ORDER BY id ON CONFLICT DO NOTHING
    """
)
_SUMS = text(
    """
    WITH held AS (
        SELECT member_id FROM member_facts WHERE member_id = ANY (:members)
        ORDER BY member_id FOR NO KEY UPDATE)
    UPDATE member_facts AS sums
    SET own_orders = sums.own_orders + change.own_orders,
        own_spend_fen = sums.own_spend_fen + change.own_fen,
        level1_orders = sums.level1_orders + change.orders,
        level1_fen = sums.level1_fen + change.fen,
        direct_customers = sums.direct_customers + change.people
    FROM held JOIN unnest(:members, :own_orders, :own_fen, :orders, :fen, :people)
                   AS change (member_id, own_orders, own_fen, orders, fen, people)
              USING (member_id)
    WHERE sums.member_id = held.member_id
    """
)


class Goods(NamedTuple):
    """What was paid for one line of an order, and what of it was not given back; no freight."""

    spu_id: int
    paid_fen: int
    kept_fen: int


class _Change(NamedTuple):
    """By how much an order that counts makes the sums larger, or smaller."""

    buyer_id: int
    upline_id: int | None
    orders: int
    fen: int


def paid(
    session: Session, *, order_source: str, buyer_id: int, goods: Sequence[Goods], now: datetime
) -> None:
    """
    An order is paid. Its upline is the buyer's of this moment, if that one is active.

    Whoever applied to be a distributor and has now bought what the shop asks for, is one.
    """
    row = session.execute(
        _PAID,
        {
            "order_source": order_source,
            "buyer_id": buyer_id,
            "paid_fen": sum(each.paid_fen for each in goods),
            "now": now,
            **_left(goods),
        },
    ).one_or_none()
    if row is not None and row.status == DistributorStatus.QUALIFYING:
        joining.qualify(session, [buyer_id], now=now)


def returned(session: Session, *, order_source: str, goods: Sequence[Goods]) -> None:
    """Some of an order went back: `goods` says, of every line, what is left of it now."""
    before = session.execute(
        select(Purchase.buyer_id, Purchase.upline_member_id, Purchase.kept_fen,
               Purchase.completed_at)
        .where(Purchase.order_source == order_source)
        .with_for_update(key_share=True)
    ).one_or_none()  # fmt: skip
    if before is None:
        return  # Never told: the proof says so, and the refund is not held up.
    session.execute(
        update(Purchase).where(Purchase.order_source == order_source).values(_left(goods)),
        execution_options={"synchronize_session": False},
    )
    if before.completed_at is None:
        return
    left_fen = sum(each.kept_fen for each in goods)
    orders = (left_fen > 0) - (before.kept_fen > 0)
    change = _Change(before.buyer_id, before.upline_member_id, orders, left_fen - before.kept_fen)
    _add(session, [change])


def completed(session: Session, order_sources: Iterable[str], *, now: datetime) -> None:
    """
    The days for returning these orders are over: from now on they count for grades.

    Who thereby reaches a grade has it at once.
    """
    rows = session.execute(
        update(Purchase)
        .where(Purchase.order_source.in_(sorted(order_sources)), Purchase.completed_at.is_(None))
        .values(completed_at=now)
        .returning(Purchase.buyer_id, Purchase.upline_member_id, Purchase.kept_fen),
        execution_options={"synchronize_session": False},
    ).all()
    changes = [
        _Change(row.buyer_id, row.upline_member_id, 1, row.kept_fen)
        for row in rows
        if row.kept_fen > 0
    ]
    if not changes:
        return
    touched = _add(session, changes)
    grading.evaluate(session, touched, now=now)
    joining.qualify(session, {change.buyer_id for change in changes}, now=now)


def _left(goods: Sequence[Goods]) -> dict[str, Any]:
    """What is left of an order: the money, and the products something paid for is left of."""
    return {
        "kept_fen": sum(each.kept_fen for each in goods),
        "spu_ids": sorted({each.spu_id for each in goods if each.kept_fen > 0}),
    }


def _add(session: Session, changes: Sequence[_Change]) -> list[int]:
    """Add to the sums of everybody concerned; returns who that is."""
    people = _add_to_pairs(session, changes)
    sums: dict[int, list[int]] = {}
    for change in changes:
        own = sums.setdefault(change.buyer_id, [0, 0, 0, 0, 0])
        own[0] += change.orders
        own[1] += change.fen
        if change.upline_id is not None:
            sold = sums.setdefault(change.upline_id, [0, 0, 0, 0, 0])
            sold[2] += change.orders
            sold[3] += change.fen
    for upline_id, count in people.items():
        sums[upline_id][4] += count
    ids = sorted(sums)
    columns = zip(*(sums[member_id] for member_id in ids), strict=True)
    names = ("own_orders", "own_fen", "orders", "fen", "people")
    given = dict(zip(names, map(list, columns), strict=True))
    session.execute(_arrays(_NEW_SUMS, "members"), {"members": ids})
    session.execute(_arrays(_SUMS, "members", *names), {"members": ids, **given})
    return ids


def _add_to_pairs(session: Session, changes: Sequence[_Change]) -> Mapping[int, int]:
    """Add to what each buyer bought below each upline; returns how many people each upline won."""
    pairs: dict[tuple[int, int], list[int]] = {}
    for change in changes:
        if change.upline_id is not None:
            sums = pairs.setdefault((change.upline_id, change.buyer_id), [0, 0])
            sums[0] += change.orders
            sums[1] += change.fen
    if not pairs:
        return {}
    keys = sorted(pairs)
    given = {
        "uplines": [upline_id for upline_id, _ in keys],
        "buyers": [buyer_id for _, buyer_id in keys],
        "orders": [pairs[key][0] for key in keys],
        "fen": [pairs[key][1] for key in keys],
    }
    won: dict[int, int] = {}
    new = {name: given[name] for name in ("uplines", "buyers")}
    session.execute(_arrays(_NEW_PAIRS, *new), new)
    for row in session.execute(_arrays(_PAIRS, *given), given):
        before = row.orders - pairs[row.upline_member_id, row.buyer_id][0]
        won[row.upline_member_id] = (
            won.get(row.upline_member_id, 0) + (row.orders > 0) - (before > 0)
        )
    return won


def _arrays(statement: TextClause, *names: str) -> TextClause:
    """The statement with these parameters as arrays of BIGINT."""
    return statement.bindparams(*(bindparam(name, type_=ARRAY(BigInteger)) for name in names))
