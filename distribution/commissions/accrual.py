"""Accrual: what a paid order earns the people above the buyer, and why."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from distribution import ledger
from distribution.commissions import freezing, policy, terms
from distribution.commissions.rules import CommissionRules, SkuRates
from distribution.commissions.states import CommissionState, Unearned
from distribution.ledger.states import PostingKind
from distribution.team import Upline
from distribution.team.states import DistributorStatus

_BARRED = {
    DistributorStatus.INVITED: Unearned.INVITED,
    DistributorStatus.QUALIFYING: Unearned.QUALIFYING,
    DistributorStatus.PENDING: Unearned.PENDING,
    DistributorStatus.FROZEN: Unearned.FROZEN,
    DistributorStatus.REFUSED: Unearned.REFUSED,
    DistributorStatus.LEFT: Unearned.LEFT,
}


@dataclass(frozen=True, slots=True)
class PaidLine:
    """One line of a paid order. `paid_fen` is what was really paid for it, without freight."""

    line_source: str
    sku_id: int
    spu_id: int
    paid_fen: int
    category_path: tuple[int, ...] = ()


def accrue(
    session: Session,
    *,
    order_source: str,
    buyer_id: int,
    lines: Sequence[PaidLine],
    now: datetime,
) -> None:
    """
    Record what a paid order earns the buyer's uplines of this moment, frozen until it matures.

    Per line and level: paid × rate, rounded down. An upline who is not active earns nothing, with
    the reason on record, and nobody else gets it. The order's second accrual changes nothing.

    :raises ValueError: a line comes twice.
    :raises ledger.KeyReused: the order was accrued before with another buyer or other lines.
    """
    paid = {line.line_source: [line.sku_id, line.paid_fen] for line in lines}
    if len(paid) < len(lines):
        raise ValueError(f"{order_source}: a line comes twice")
    payload = {"buyer": buyer_id, "lines": paid}
    sku_ids = [line.sku_id for line in lines]
    decided = terms.read(session, buyer_id=buyer_id, sku_ids=sku_ids, now=now)
    if decided is None:
        ledger.reserve(
            session,
            idem_key=freezing.idem_key(order_source),
            kind=PostingKind.ACCRUE,
            source=order_source,
            payload=payload,
            now=now,
        )
        return
    earnings = [
        _earned(line, upline, decided.rules, decided.own.get(line.sku_id))
        for line in lines
        for upline in decided.uplines[: decided.rules.levels]
    ]
    freezing.record(
        session,
        order={
            "order_source": order_source,
            "buyer_id": buyer_id,
            "rules_version": decided.rules.version,
            "cap_bp": decided.rules.cap_bp,
        },
        payload=payload,
        earnings=earnings,
        accounts=decided.accounts,
        now=now,
    )


def _earned(
    line: PaidLine, upline: Upline, in_force: CommissionRules, own: SkuRates | None
) -> dict[str, Any]:
    """What one line earns one upline, or why nothing."""
    rate_bp = in_force.effective(own.rates if own else None).of(upline.level)
    amount_fen = policy.commission_fen(line.paid_fen, rate_bp)
    reason = _BARRED.get(upline.status)
    if reason is None and amount_fen == 0:
        reason = Unearned.TOO_SMALL if rate_bp else Unearned.NO_RATE
    return {
        "line_source": line.line_source,
        "level": upline.level,
        "beneficiary_id": upline.member_id,
        "sku_id": line.sku_id,
        "spu_id": line.spu_id,
        "base_fen": line.paid_fen,
        "rate_bp": rate_bp,
        "amount_fen": 0 if reason else amount_fen,
        "state": CommissionState.UNEARNED if reason else CommissionState.FROZEN,
        "reason": reason,
        "sku_rate_id": own.id if own else None,
        "binding_log_id": upline.binding_log_id,
    }
