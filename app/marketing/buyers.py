"""
Who buys, as the engine's audiences ask: level, tags, and whether they have ever paid.
"""

from sqlalchemy.orm import Session

from app.members import identity
from app.members import queries as members
from promotions import buyers, pricing


def buyer_of(session: Session, member_id: int) -> pricing.Buyer:
    """
    Return what an audience may know of a member. Members have no level and no tags yet.

    :raises MemberNotFound: there is none, or they have left.
    """
    member = members.get(session, member_id)
    has_paid = buyers.has_paid(session, member_id, keys=identity.keys_of(member))
    return pricing.Buyer(is_new=not has_paid)
