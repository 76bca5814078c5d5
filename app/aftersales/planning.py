"""
What a case is about and what it brings: by its kind, what other cases ask for, and the shop's rule
about discounts that the rest loses. It reads and never writes.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.aftersales.models import ASKING, AfterSale, AfterSaleKind
from app.core.errors import Conflict
from app.orders import queries as orders
from app.orders import repricing, returning
from app.orders.models import LineKind, Order, OrderLine, OrderStatus
from app.orders.paying import line_source
from app.orders.repricing import NOTHING_LOST, Repriced
from app.orders.returning import Asked, Return, Which
from app.shop import queries as shop
from app.shop.rules import RestPolicy, ShopRules
from distribution import commissions

WITH_THE_BUYER = (OrderStatus.SHIPPED, OrderStatus.RECEIVED)
"""Where an order is whose goods have left and whose after-sales window is open."""


class OutsideAfterSales(Conflict):
    """The order is not paid, its after-sales window is over, or nothing of it is left."""

    code, title = "outside_after_sales", "订单当前状态不能申请售后"


class AfterSaleOpen(Conflict):
    """Everything that is left of the order is asked for, or on its way back, already."""

    code, title = "after_sale_open", "该订单剩余商品均已在售后处理中"


class KindForbids(Conflict):
    """What has not left cannot be sent back, and what is exchanged brings no money."""

    code, title = "after_sale_kind_forbids", "该订单当前不能申请这种售后"


class AmountExceedsShare(Conflict):
    """More is asked than these pieces cost; `most_fen` says how much that is."""

    code, title = "amount_exceeds_share", "申请金额超过可退金额"


class AmountIsFixed(Conflict):
    """What has not left is cancelled for its whole share."""

    code, title = "amount_is_fixed", "未发货商品按实付金额退款，不能修改金额"


class NothingToGiveBack(Conflict):
    """The goods stay with the buyer and there is no money of them left to give back."""

    code, title = "nothing_to_give_back", "没有可退的金额"


@dataclass(frozen=True, slots=True)
class Wish:
    """What a buyer, or staff for them, want of an order."""

    kind: AfterSaleKind = AfterSaleKind.MONEY_ONLY
    quantities: Mapping[int, int] | None = None
    """Pieces by `order_line.id`; None: all that is left."""
    amount_fen: int | None = None
    """Less than the pieces cost; None: what they cost."""


EVERYTHING = Wish()
"""The money of all that is left."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What a wish comes to."""

    wish: Wish
    brings: Return
    policy: RestPolicy
    repriced: Repriced
    """The rest, and which discounts it would not have alone."""
    takes_pieces: bool
    """False: the goods stay with the buyer."""


def may_ask(order: Order, rules: ShopRules, *, now: datetime) -> None:
    """
    Check that a buyer may ask for something of an order now.

    :raises OutsideAfterSales: it is not paid, or its window is over.
    """
    window = timedelta(days=rules.complete_after_days)
    is_over = order.status == OrderStatus.RECEIVED and (
        order.received_at is not None and order.received_at + window <= now
    )
    if is_over or order.status not in {OrderStatus.PAID, *WITH_THE_BUYER}:
        raise OutsideAfterSales(order_status=order.status)


def plan(
    session: Session,
    order: Order,
    lines: Sequence[OrderLine],
    wish: Wish,
    *,
    besides: int | None = None,
    with_freight: bool = False,
) -> Plan:
    """
    Say what a wish comes to, beside what all open cases but the one of id `besides` ask for.

    Freight goes with the last of what has not left; of what has, only `with_freight`.

    :raises ReturnExceedsLine: a line has fewer pieces left, or is not one of the order's.
    :raises AfterSaleOpen: nothing is left that no case asks for.
    :raises KindForbids, AmountIsFixed, AmountExceedsShare, NothingToGiveBack: see there.
    """
    is_money = wish.kind == AfterSaleKind.MONEY_ONLY
    cancels = is_money and order.status == OrderStatus.PAID
    if not is_money and not any(line.shipped_quantity for line in lines):
        raise KindForbids(order_status=order.status)
    if cancels and wish.amount_fen is not None:
        raise AmountIsFixed
    wanted = asked(session, order, besides=besides)
    if wish.kind == AfterSaleKind.EXCHANGE:
        found = _exchange(session, lines, wish, wanted)
    elif is_money and not cancels:
        found = _compensation(session, lines, wish, wanted)
    else:
        found = _parts(session, order, lines, wish, wanted, with_freight=cancels or with_freight)
        if wish.amount_fen is not None:
            found = replace(found, brings=_cut(found.brings, wish.amount_fen))
    if not found.brings.quantities:
        raise AfterSaleOpen
    return found


def _parts(
    session: Session,
    order: Order,
    lines: Sequence[OrderLine],
    wish: Wish,
    asked: Asked,
    *,
    with_freight: bool,
) -> Plan:
    """What pieces bring that go back, with what the rest loses by it as the shop's rule says."""
    policy = shop.rules(session).rest_policy
    seen: list[Repriced] = []  # What `plan` is told of the kept pieces, to show it too.

    def due_fen(kept: Mapping[int, int]) -> int:
        seen.append(repricing.rest(session, order, lines, kept))
        more_fen = seen[0].lost_fen - _retained(session, order, asked)
        return more_fen if policy is RestPolicy.REPRICE else min(0, more_fen)

    brings = returning.plan(
        order,
        lines,
        wish.quantities,
        which=Which.WAITING if wish.kind == AfterSaleKind.MONEY_ONLY else Which.LEFT,
        asked=asked,
        rest=due_fen,
        with_freight=with_freight,
    )
    return Plan(wish, brings, policy, seen[0], takes_pieces=True)


def _exchange(session: Session, lines: Sequence[OrderLine], wish: Wish, asked: Asked) -> Plan:
    if wish.amount_fen is not None:
        raise KindForbids
    share = returning.share(_goods(lines), wish.quantities, asked)
    pieces = tuple(replace(line, amount_fen=0) for line in share.lines)
    policy = shop.rules(session).rest_policy
    return Plan(wish, replace(share, lines=pieces), policy, NOTHING_LOST, takes_pieces=True)


def _compensation(session: Session, lines: Sequence[OrderLine], wish: Wish, asked: Asked) -> Plan:
    share = returning.share(_goods(lines), wish.quantities, asked)
    if wish.amount_fen is not None:
        share = _cut(share, wish.amount_fen)
    if share.lines and not share.amount_fen:
        raise NothingToGiveBack
    policy = shop.rules(session).rest_policy
    return Plan(wish, kept_by_buyer(share), policy, NOTHING_LOST, takes_pieces=False)


def is_cancelled(case: AfterSale) -> bool:
    """Say whether a case is about pieces that are not to leave, rather than about some that did."""
    return case.kind == AfterSaleKind.MONEY_ONLY and case.takes_pieces


def kept_by_buyer(brings: Return) -> Return:
    """Money for goods that stay with the buyer: what is not given back now may be later."""
    kept = tuple(replace(line, retained_fen=0) for line in brings.lines)
    return replace(brings, lines=kept)


def claim(session: Session, case: AfterSale, order: Order, *, now: datetime) -> None:
    """From now until the case ends, the commissions of the lines it is about do not mature."""
    about = {line.line_id for line in settled(session, case, order).lines}
    claimed = [
        line_source(order, line)
        for line in _goods(orders.lines(session, order_id=order.id))
        if line.id in about
    ]
    commissions.claim(session, claim_source=case.claim_source, line_sources=claimed, now=now)


def _goods(lines: Sequence[OrderLine]) -> list[OrderLine]:
    return [line for line in lines if line.kind == LineKind.GOODS]


def _cut(brings: Return, amount_fen: int) -> Return:
    if amount_fen > brings.amount_fen:
        raise AmountExceedsShare(most_fen=brings.amount_fen)
    return brings.cut_to(amount_fen)


def _cases(session: Session, order: Order, besides: int | None) -> Sequence[AfterSale]:
    wanted = select(AfterSale).where(
        AfterSale.order_id == order.id, AfterSale.status.in_(ASKING), AfterSale.id != (besides or 0)
    )
    return session.scalars(wanted.order_by(AfterSale.id)).all()


def asked(session: Session, order: Order, *, besides: int | None = None) -> Asked:
    """What the open cases of an order, but for the one of id `besides`, ask for."""
    pieces: Counter[int] = Counter()
    waiting: Counter[int] = Counter()
    going: Counter[int] = Counter()
    fen: Counter[int] = Counter()
    freight_fen = rest_fen = 0
    for case in _cases(session, order, besides):
        brings = settled(session, case, order)
        freight_fen += brings.freight_fen
        rest_fen += brings.rest_fen
        for line in brings.lines:
            pieces[line.line_id] += line.quantity
            waiting[line.line_id] += line.quantity if is_cancelled(case) else 0
            if case.kind != AfterSaleKind.EXCHANGE:
                fen[line.line_id] += line.amount_fen + line.retained_fen
                going[line.line_id] += line.quantity if case.takes_pieces else 0
    return Asked(dict(pieces), dict(waiting), dict(going), dict(fen), freight_fen, rest_fen)


def _retained(session: Session, order: Order, asked: Asked) -> int:
    return repricing.retained_fen(session, order_id=order.id) + asked.rest_fen


def settled(session: Session, case: AfterSale, order: Order) -> Return:
    """What a case brings, as it was settled; one older than this brings all that is left."""
    if case.breakdown is not None:
        return Return.from_json(case.breakdown)
    return returning.plan(order, orders.lines(session, order_id=order.id))
