"""
A price that falls after it was paid: the lines keep what they cost in the end, and no piece moves.

What pieces bring that are returned later is cut from that, not from what was once paid.
"""

from collections.abc import Mapping, Sequence

from sqlalchemy.orm import Session

from app.orders.models import LineKind, OrderLine
from promotions.pricing.kinds import due_back_fen


def lower(
    session: Session, lines: Sequence[OrderLine], finals: Mapping[int, int]
) -> dict[int, int]:
    """
    Set what goods lines of a locked order cost in the end, once; return the fen due by line id.

    `finals` are fen by SKU id, each for all pieces of its line. Pieces that went back before, or
    are on their way, took their share of what was paid with them.
    """
    due: dict[int, int] = {}
    for line in (each for each in lines if each.kind == LineKind.GOODS):
        assert line.final_fen is None, f"line {line.id} costs {line.final_fen} already"
        line.final_fen = finals[line.sku_id]
        due[line.id] = due_back_fen(
            paid_fen=line.payable_fen,
            final_fen=line.final_fen,
            quantity=line.quantity,
            gone=line.refunding_quantity + line.refunded_quantity,
        )
    session.flush()
    return {line_id: fen for line_id, fen in due.items() if fen}
