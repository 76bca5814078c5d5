"""
Who buys, as the engine's audiences ask: level, tags, and whether they have ever paid.

New is a person, not an account: whoever shares a unionid or a phone number with somebody who has
paid is not new, and of two accounts of one person one may hold what is for new buyers.
"""

from sqlalchemy.orm import Session

from app.members import queries as members
from app.members import service as accounts
from app.members.queries import MemberNotFound
from promotions import buyers, pricing


def buyer_of(session: Session, member_id: int) -> pricing.Buyer:
    """
    Return what an audience may know of a member. Members have no level and no tags yet.

    :raises MemberNotFound: there is none, or they have left.
    """
    person = members.person(session, member_id)
    return pricing.Buyer(is_new=not buyers.has_paid(session, person.accounts, keys=person.keys))


def is_new(session: Session, member_id: int | None) -> bool:
    """Whether a member may have what is for new buyers; of a visitor nobody knows."""
    if member_id is None:
        return False
    try:
        person = members.person(session, member_id)
    except MemberNotFound:
        return False
    return buyers.is_new(session, person.accounts, keys=person.keys)


def keep(session: Session, member_id: int) -> None:
    """
    Lock a person, so that nobody else prices for them as for a new buyer meanwhile.

    :raises Unauthorized: the member has left.
    """
    accounts.lock_person(session, member_id=member_id)
