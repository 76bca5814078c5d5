"""
What counts for joining and for grades: what was bought, and what was sold to whom was brought.

Only money that was paid and did not go back counts, and only once an order is completed: when the
days for returning it are over. Nobody counts for having been recruited.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, false, func, select, text
from sqlalchemy.orm import Session

from distribution.base import Moment, bigints
from distribution.team.conditions import Facts
from distribution.team.grade_models import MemberFacts, Purchase
from distribution.team.joining_rules import Bought, JoiningRules

_SINCE = text(
    """
    WITH own AS (
        SELECT buyer_id AS member_id, count(*) AS orders, sum(kept_fen)::bigint AS fen
        FROM purchase
        WHERE buyer_id = ANY (:ids) AND completed_at > :since AND kept_fen > 0
        GROUP BY buyer_id),
    sold AS (
        SELECT upline_member_id AS member_id, count(*) AS orders, sum(kept_fen)::bigint AS fen,
               count(DISTINCT buyer_id) AS people
        FROM purchase
        WHERE upline_member_id = ANY (:ids) AND completed_at > :since AND kept_fen > 0
        GROUP BY upline_member_id)
    SELECT member_id, coalesce(own.orders, 0), coalesce(own.fen, 0),
           coalesce(sold.orders, 0), coalesce(sold.fen, 0), coalesce(people, 0)
    FROM own FULL JOIN sold USING (member_id)
    """
).bindparams(
    bindparam("ids", type_=ARRAY(BigInteger)),
    bindparam("since", type_=Moment),
)


def of(
    session: Session, member_ids: Sequence[int], *, since: datetime | None = None
) -> dict[int, Facts]:
    """What counts for each member: ever, or of orders completed after `since`. One query."""
    if since is None:
        rows: Iterable[Any] = session.execute(
            select(
                MemberFacts.member_id, MemberFacts.own_orders, MemberFacts.own_spend_fen,
                MemberFacts.level1_orders, MemberFacts.level1_fen, MemberFacts.direct_customers,
            ).where(MemberFacts.member_id == any_(bigints(member_ids)))
        )  # fmt: skip
    else:
        rows = session.execute(_SINCE, {"ids": list(member_ids), "since": since})
    found = {member_id: Facts(*counts) for member_id, *counts in rows}
    return {member_id: found.get(member_id, Facts()) for member_id in member_ids}


def bought(session: Session, member_ids: Sequence[int], rules: JoiningRules) -> dict[int, Bought]:
    """What each member has bought and kept, as far as the rules of joining look at it."""
    chosen = Purchase.spu_ids.overlap(bigints(rules.spu_ids)) if rules.spu_ids else false()
    query = (
        select(
            Purchase.buyer_id,
            func.sum(Purchase.kept_fen),
            func.max(Purchase.kept_fen),
            func.bool_or(chosen),
        )
        .where(Purchase.buyer_id == any_(bigints(member_ids)))
        .group_by(Purchase.buyer_id)
    )
    if not rules.counts_at_payment:
        query = query.where(Purchase.completed_at.is_not(None))
    found = {
        buyer_id: Bought(int(total), largest, has_chosen)
        for buyer_id, total, largest, has_chosen in session.execute(query)
    }
    return {member_id: found.get(member_id, Bought()) for member_id in member_ids}
