"""On which terms staff agree to a case, and what it would bring if it were asked anew."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from sqlalchemy.orm import Session

from app.aftersales import planning
from app.aftersales.models import AfterSale, AfterSaleKind
from app.aftersales.planning import Wish
from app.core.errors import Conflict
from app.orders import queries as orders
from app.orders import returning
from app.orders.models import LineKind, Order, OrderStatus
from app.orders.returning import Return, ReturnExceedsLine


class NotBeforeShipping(Conflict):
    """What the case would cancel has left meanwhile, or all of it went back."""

    code, title = "not_before_shipping", "商品已发出，请拒绝后由买家申请退货"


class FreightExceedsLeft(Conflict):
    """More freight would go back than is left of it; `left_fen` says how much that is."""

    code, title = "freight_exceeds_left", "退运费超过剩余运费"


@dataclass(frozen=True, slots=True)
class Terms:
    """How staff agree; by default to just what was asked."""

    amount_fen: int | None = None
    """Less than was asked."""
    freight_fen: int = 0
    """Freight that goes back too."""
    return_to: str = ""
    """Where the goods go; empty: where they last went."""
    answer: str = ""


AS_ASKED = Terms()


def agreed(session: Session, case: AfterSale, order: Order, terms: Terms) -> Return:
    """
    Say what a case of a locked order brings on these terms: as settled, or less, or with freight.

    :raises NotBeforeShipping: what it would cancel has left meanwhile.
    :raises AmountIsFixed, AmountExceedsShare, KindForbids: the terms do not fit it.
    :raises FreightExceedsLeft: less freight is left.
    """
    brings = planning.settled(session, case, order)
    if case.kind == AfterSaleKind.EXCHANGE:
        if terms.amount_fen is not None or terms.freight_fen:
            raise planning.KindForbids
        return brings
    if planning.is_cancelled(case):
        if order.status != OrderStatus.PAID:
            raise NotBeforeShipping(order_status=order.status)
        if terms.amount_fen is not None or terms.freight_fen:
            raise planning.AmountIsFixed
        return _as_last(session, case, order, brings)
    if terms.amount_fen is not None:
        brings = _for_less(case, brings, terms.amount_fen)
    return _with_freight(session, case, order, brings, terms.freight_fen)


def again(session: Session, case: AfterSale, order: Order) -> Return:
    """
    Say what a case of a locked order would bring if it were opened now; never more than was asked.

    :raises KindForbids: what it would cancel has left by now.
    :raises ReturnExceedsLine: its pieces are asked for, or back, by now.
    """
    if planning.is_cancelled(case) and order.status != OrderStatus.PAID:
        raise planning.KindForbids(order_status=order.status)
    brings = planning.settled(session, case, order)
    found = _now(session, case, order, chosen(brings))
    if planning.is_cancelled(case):
        return found
    return found.cut_to(min(brings.amount_fen, found.amount_fen))


def of_pieces(session: Session, case: AfterSale, order: Order, pieces: Mapping[int, int]) -> Return:
    """
    Say what only these pieces of a case bring; as much less than their share as was agreed.

    What was agreed in proportion to the share is rounded down; freight that staff added stays.
    """
    brings = planning.settled(session, case, order)
    whole = _now(session, case, order, chosen(brings))
    found = _now(session, case, order, pieces)
    goods_fen = brings.amount_fen - brings.freight_fen
    if goods_fen < whole.amount_fen:
        found = found.cut_to(found.amount_fen * goods_fen // whole.amount_fen)
    return replace(found, freight_fen=brings.freight_fen)


def chosen(brings: Return) -> dict[int, int]:
    """The pieces that come back: the goods, and gifts that are not paid for instead."""
    return {
        line.line_id: line.quantity
        for line in brings.lines
        if line.quantity and (line.kind == LineKind.GOODS or not line.deducted_fen)
    }


def _for_less(case: AfterSale, brings: Return, amount_fen: int) -> Return:
    if amount_fen > brings.amount_fen:
        raise planning.AmountExceedsShare(most_fen=brings.amount_fen)
    less = brings.cut_to(amount_fen)
    return less if case.takes_pieces else planning.kept_by_buyer(less)


def _with_freight(
    session: Session, case: AfterSale, order: Order, brings: Return, freight_fen: int
) -> Return:
    if not freight_fen:
        return brings
    asked = planning.asked(session, order, besides=case.id)
    left_fen = returning.freight_left(order) - asked.freight_fen - brings.freight_fen
    if freight_fen > left_fen:
        raise FreightExceedsLeft(left_fen=left_fen)
    return replace(brings, freight_fen=brings.freight_fen + freight_fen)


def _now(session: Session, case: AfterSale, order: Order, pieces: Mapping[int, int]) -> Return:
    lines = orders.lines(session, order_id=order.id)
    wish = Wish(AfterSaleKind(case.kind), pieces)
    return planning.plan(session, order, lines, wish, besides=case.id).brings


def _as_last(session: Session, case: AfterSale, order: Order, brings: Return) -> Return:
    """With what other cases took meanwhile it may be the last of the order: then all goes along."""
    try:
        found = again(session, case, order)
    except ReturnExceedsLine as error:
        raise NotBeforeShipping(order_status=order.status) from error
    return found if found.amount_fen > brings.amount_fen else brings
