"""
The orders of a bulk buy as a table for people who open it in a spreadsheet.
"""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from app.bulk_buys.queries import order_no_of
from app.core import sheets
from app.core.sheets import Cell, Yuan
from promotions.bulk_buys import ShareState
from promotions.bulk_buys import queries as engine
from promotions.bulk_buys.models import BulkShare

HEAD = (
    "订单号",
    "会员",
    "件数",
    "计入件数",
    "实付(元)",
    "结果",
    "应退(元)",
    "付款时间",
    "结算时间",
)
STATES = {
    ShareState.COLLECTED: "待结算",
    ShareState.LOWERED: "退差价",
    ShareState.KEPT: "按实付结算",
    ShareState.FAILED: "未成团，全额退款",
    ShareState.GONE: "结算前已退款",
}


def orders(session: Session, *, promotion_id: int) -> Iterator[str]:
    """The file piece by piece, in the order the money came."""
    yield from sheets.lines(HEAD, map(_row, engine.shares(session, promotion_id)))


def _row(share: BulkShare) -> tuple[Cell, ...]:
    due_fen = share.due_back_fen
    return (
        order_no_of(share),
        share.member_id,
        share.pieces,
        share.counted,
        Yuan(share.paid_fen),
        STATES[share.state],
        None if due_fen is None else Yuan(due_fen),
        share.paid_at,
        share.settled_at,
    )
