"""What staff do about the shop's rules: decide anew. Nothing decided before is ever edited."""

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import Invalid
from app.shop.models import ShopRulesRow
from app.shop.rules import BadShopRules, ShopRules, stored


def change(
    session: Session, *, fields: dict[str, Any], staff_id: int, reason: str, now: datetime
) -> ShopRules:
    """
    Put the next version in force: the whole set; what `fields` leaves out takes its default.

    :raises Invalid: a value is out of its range.
    """
    try:
        values = ShopRules(**fields).values()
    except BadShopRules as error:
        raise Invalid(errors={error.field: [error.message]}) from error
    row = ShopRulesRow(values=values, staff_id=staff_id, reason=reason, created_at=now)
    session.add(row)
    session.flush()
    return stored(row.version, values)
