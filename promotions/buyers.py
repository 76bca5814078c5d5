"""
Who has paid before: what "new buyer" means, wherever a campaign asks for it.

Whoever has once paid an order, be it of nothing, is no new buyer any more; a refund does not make
them one again. Deleting the account does not either: the keys of somebody who left are kept. While
an unpaid order holds something that is for new buyers its buyer is none either: else two such
orders could be placed and then both be paid.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime

from sqlalchemy import exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from promotions.member_models import FirstPayment, FormerPayer
from promotions.models import Promotion, PromotionReservation
from promotions.states import ReservationStatus


def record(session: Session, *, member_id: int, source: str, now: datetime) -> bool:
    """Remember that a member has paid `source`; return whether it is the first they paid."""
    row = {"member_id": member_id, "source": source, "paid_at": now}
    written = insert(FirstPayment).values(row).on_conflict_do_nothing()
    return session.scalar(written.returning(FirstPayment.member_id)) is not None


def is_new(session: Session, member_id: int, *, keys: Collection[str] = ()) -> bool:
    """Whether a member has neither paid nor holds what is for new buyers for an unpaid order."""
    return not (has_paid(session, member_id, keys=keys) or _holds(session, member_id))


def has_paid(session: Session, member_id: int, *, keys: Collection[str] = ()) -> bool:
    """Whether a member has ever paid, or with `keys` somebody who left and had one of them."""
    return has_any_paid(session, [member_id], keys=keys)


def has_any_paid(
    session: Session, member_ids: Collection[int], *, keys: Collection[str] = ()
) -> bool:
    """Whether any of these accounts, or of those who left with one of `keys`, has ever paid."""
    here = exists().where(FirstPayment.member_id.in_(list(member_ids)))
    former = exists().where(FormerPayer.key.in_(list(keys)))
    return bool(session.scalar(select(or_(here, former))))


def payers(session: Session, people: Mapping[int, Collection[str]]) -> set[int]:
    """Return who of these members, each with the keys they are known by, has ever paid."""
    paid = set(
        session.scalars(
            select(FirstPayment.member_id).where(FirstPayment.member_id.in_(list(people)))
        )
    )
    keys = {key for known_by in people.values() for key in known_by}
    former = set(session.scalars(select(FormerPayer.key).where(FormerPayer.key.in_(keys))))
    return paid | {member_id for member_id, known_by in people.items() if former & set(known_by)}


def leave(session: Session, *, member_id: int, keys: Sequence[str]) -> None:
    """
    Keep the keys of a member who leaves, if they have paid or had come back as one who had.

    What is for new buyers and is held for an unpaid order counts: it may be paid when they are
    gone.
    """
    if keys and not is_new(session, member_id, keys=keys):
        rows = [{"key": key} for key in sorted(keys)]
        session.execute(insert(FormerPayer).values(rows).on_conflict_do_nothing())


def _holds(session: Session, member_id: int) -> bool:
    row = PromotionReservation
    held = (
        exists()
        .where(row.member_id == member_id, row.status == ReservationStatus.RESERVED)
        .where(Promotion.id == row.promotion_id)
        .where(Promotion.definition["audience"]["is_new"].as_boolean())
    )
    return bool(session.scalar(select(held)))
