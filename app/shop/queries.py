"""What is asked about the shop's rules: those in force, and how they became what they are."""

from collections.abc import Sequence

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.shop.models import ShopRulesRow
from app.shop.rules import ShopRules, stored

__all__ = ["ShopRules", "rules", "versions"]


def rules(session: Session) -> ShopRules:
    """Return the rules in force; those of a shop that has decided nothing are the defaults."""
    row = session.execute(
        select(ShopRulesRow.version, ShopRulesRow.values)
        .order_by(ShopRulesRow.version.desc())
        .limit(1)
    ).first()
    return ShopRules() if row is None else stored(row[0], row[1])


def versions(session: Session, *, before: int | None, limit: int) -> Sequence[ShopRulesRow]:
    """Return the latest versions below `before`, newest first: who decided, when and why."""
    wanted = select(ShopRulesRow).order_by(ShopRulesRow.version.desc()).limit(limit)
    if before is not None:
        wanted = wanted.where(ShopRulesRow.version < before)
    return session.scalars(wanted).all()
