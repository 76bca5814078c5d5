"""The engine's proof, and that orders and commissions tell the same story."""

from collections.abc import Iterator

from sqlalchemy import text
from sqlalchemy.orm import Session

from app.core.verify import Breach
from distribution import verify as engine
from distribution.commissions.rules import CommissionRules

_NOT_ACCRUED = text(
    """
    SELECT order_no FROM shop_order
    WHERE paid_at IS NOT NULL AND NOT EXISTS (
        SELECT FROM posting WHERE idem_key = 'accrue:order:' || order_no)
    """
)
_NOT_ALIKE = text(
    """
    SELECT commission.id, paid_fen, payable_fen, amount_fen, clawed_fen,
           CASE WHEN payable_fen > 0 THEN amount_fen * refunded_fen / payable_fen END AS target_fen
    FROM commission
    LEFT JOIN (
        SELECT 'order:' || order_no || ':' || seq AS line_source, order_line.payable_fen,
               order_line.refunded_fen, buyer_id
        FROM order_line JOIN shop_order ON shop_order.id = order_id
    ) AS line USING (line_source)
    WHERE payable_fen IS DISTINCT FROM paid_fen OR line.buyer_id <> commission.buyer_id
       OR (payable_fen > 0 AND clawed_fen <> amount_fen * refunded_fen / payable_fen)
    """
)

_NOT_IN_TIME = text(
    """
    SELECT commission.id, received_at, mature_at
    FROM commission JOIN shop_order ON order_source = 'order:' || order_no
    WHERE state IN ('frozen', 'matured') AND (
        (mature_at IS NULL) <> (received_at IS NULL)
        OR mature_at <> ALL (
            SELECT received_at + make_interval(hours => 24 * days)
            FROM (SELECT mature_days FROM commission_rules UNION SELECT :days) AS rule (days)))
    """
)


_NOT_TOLD = text(
    """
    SELECT order_source, told.kept_fen, sold.kept_fen AS sold_fen
    FROM purchase AS told
    FULL JOIN (
        SELECT 'order:' || order_no AS order_source, buyer_id, completed_at,
               sum(order_line.payable_fen) AS paid_fen,
               sum(order_line.payable_fen - order_line.refunded_fen) AS kept_fen,
               coalesce(array_agg(DISTINCT spu_id ORDER BY spu_id)
                        FILTER (WHERE order_line.payable_fen > order_line.refunded_fen),
                        '{}') AS spu_ids
        FROM shop_order JOIN order_line ON order_id = shop_order.id AND kind = 'goods'
        WHERE paid_at IS NOT NULL
        GROUP BY shop_order.id
    ) AS sold USING (order_source)
    WHERE (told.buyer_id, told.paid_fen, told.kept_fen, told.spu_ids, told.completed_at)
          IS DISTINCT FROM
          (sold.buyer_id, sold.paid_fen, sold.kept_fen, sold.spu_ids, sold.completed_at)
    """
)


def verify(session: Session) -> Iterator[Breach]:
    """Every rule of the engine; paid orders accrued once, clawed back as refunded, due in time."""
    for breach in engine.verify(session):
        yield Breach(*breach)
    for (order_no,) in session.execute(_NOT_ACCRUED):
        yield Breach("commission.paid_orders_are_accrued", f"order {order_no}", "paid, no posting")
    for row in session.execute(_NOT_ALIKE):
        yield Breach(
            "commission.follows_the_order",
            f"commission {row.id}",
            f"paid {row.paid_fen}, order says {row.payable_fen};"
            f" clawed {row.clawed_fen} of {row.amount_fen}, refunds say {row.target_fen}",
        )
    for row in session.execute(_NOT_TOLD):
        yield Breach(
            "team.purchases_are_the_orders",
            row.order_source,
            f"kept {row.kept_fen} fen, the order says {row.sold_fen}",
        )
    for row in session.execute(_NOT_IN_TIME, {"days": CommissionRules().mature_days}):
        yield Breach(
            "commission.matures_after_receipt",
            f"commission {row.id}",
            f"received {row.received_at}, due {row.mature_at}",
        )
