"""
The rows behind the limits: taken by guarded UPDATEs, used up or given back.

Whoever takes from several goes by this order: counters by promotion id, then the member's own
counters, then gift stock. So no two orders wait for each other in a circle.
"""

from datetime import date
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, func, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import InstrumentedAttribute, Session

from promotions.models import PromotionCounter, PromotionGiftStock, PromotionMemberCounter
from promotions.standings import Standing


class Use(NamedTuple):
    """What one source takes of one promotion."""

    promotion_id: int
    amount_fen: int
    """What it saves: charged to the budget."""
    uses: int = 1
    units: int = 0
    """The pieces sold at its price."""
    gifts: tuple[tuple[int, int], ...] = ()
    """Pairs of SKU id and pieces given away, by SKU id."""
    pieces: tuple[tuple[int, int], ...] = ()
    """Pairs of SKU id and pieces sold out of the stock of a deal, by SKU id."""


def take(session: Session, use: Use) -> bool:
    """Hold `use` of what all members share, if all of it still fits; say whether it did."""
    row = PromotionCounter
    taken = session.execute(
        update(row)
        .where(
            row.promotion_id == use.promotion_id,
            _fits(row.uses_used + row.uses_reserved + use.uses, row.max_uses),
            _fits(row.used_fen + row.reserved_fen + use.amount_fen, row.budget_fen),
            _fits(row.units_used + row.units_reserved + use.units, row.max_units),
        )
        .values(
            uses_reserved=row.uses_reserved + use.uses,
            reserved_fen=row.reserved_fen + use.amount_fen,
            units_reserved=row.units_reserved + use.units,
        )
        .returning(row.promotion_id)
        .execution_options(synchronize_session=False)
    )
    return taken.one_or_none() is not None


def take_for_member(session: Session, use: Use, standing: Standing, member_id: int) -> bool:
    """Count `use` for the member; say whether that is within what one person may have."""
    if not standing.is_personal:
        return True
    row = PromotionMemberCounter
    caps = {row.uses: (use.uses, standing.max_uses), row.units: (use.units, standing.max_units)}
    limited = [(kept, more, cap) for kept, (more, cap) in caps.items() if cap is not None]
    if any(more > cap for _, more, cap in limited):
        return False
    taken = session.execute(
        insert(row)
        .values(
            promotion_id=use.promotion_id,
            member_id=member_id,
            day=standing.day,
            uses=use.uses,
            units=use.units,
            max_uses=standing.max_uses,
            max_units=standing.max_units,
        )
        .on_conflict_do_update(
            index_elements=[row.promotion_id, row.member_id, row.day],
            set_={
                row.uses: row.uses + use.uses,
                row.units: row.units + use.units,
                row.max_uses: standing.max_uses,
                row.max_units: standing.max_units,
            },
            where=and_(*(kept + more <= cap for kept, more, cap in limited)),
        )
        .returning(row.promotion_id)
    )
    return taken.one_or_none() is not None


def take_gifts(session: Session, use: Use) -> bool:
    """Hold the gifts of `use`; say whether the limited stock of each was enough."""
    return all(
        _take_gift(session, use.promotion_id, sku_id, quantity) for sku_id, quantity in use.gifts
    )


def settle(session: Session, use: Use, *, is_used: bool) -> None:
    """Use up, or give back, what is held of what all members share."""
    row = PromotionCounter
    session.execute(
        update(row)
        .where(
            row.promotion_id == use.promotion_id,
            func.num_nonnulls(row.max_uses, row.budget_fen, row.max_units) > 0,
        )
        .values(
            uses_reserved=row.uses_reserved - use.uses,
            reserved_fen=row.reserved_fen - use.amount_fen,
            units_reserved=row.units_reserved - use.units,
            uses_used=row.uses_used + (use.uses if is_used else 0),
            used_fen=row.used_fen + (use.amount_fen if is_used else 0),
            units_used=row.units_used + (use.units if is_used else 0),
        )
        .execution_options(synchronize_session=False)
    )


def give_back_for_member(session: Session, use: Use, member_id: int | None, day: date) -> None:
    """Count `use` for the member no longer, if it was counted."""
    row = PromotionMemberCounter
    session.execute(
        update(row)
        .where(row.promotion_id == use.promotion_id, row.member_id == member_id, row.day == day)
        .values(uses=row.uses - use.uses, units=row.units - use.units)
        .execution_options(synchronize_session=False)
    )


def settle_gifts(session: Session, use: Use, *, is_used: bool) -> None:
    """Use up, or give back, the held pieces of the gifts whose stock is limited."""
    row = PromotionGiftStock
    for sku_id, quantity in use.gifts:
        session.execute(
            update(row)
            .where(row.promotion_id == use.promotion_id, row.sku_id == sku_id)
            .values(
                units_reserved=row.units_reserved - quantity,
                units_used=row.units_used + (quantity if is_used else 0),
            )
            .execution_options(synchronize_session=False)
        )


def _take_gift(session: Session, promotion_id: int, sku_id: int, quantity: int) -> bool:
    row = PromotionGiftStock
    is_it = and_(row.promotion_id == promotion_id, row.sku_id == sku_id)
    taken = session.execute(
        update(row)
        .where(is_it, row.units_used + row.units_reserved + quantity <= row.max_units)
        .values(units_reserved=row.units_reserved + quantity)
        .returning(row.promotion_id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    return taken is not None or session.scalar(select(row.sku_id).where(is_it)) is None


def _fits(after: ColumnElement[int], cap: InstrumentedAttribute[int | None]) -> ColumnElement[bool]:
    return or_(cap.is_(None), after <= cap)
