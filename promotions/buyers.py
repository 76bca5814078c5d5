"""
Who has paid before: what "new buyer" means, wherever a campaign asks for it.

Whoever has once paid an order, be it of nothing, is no new buyer any more; a refund does not make
them one again. Deleting the account does not either: the keys of somebody who left are kept. Nor
does a second account: a person is all of theirs. While an unpaid order holds something that is for
new buyers its buyer is none either: else two such orders could be placed and then both be paid.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Protocol

from sqlalchemy import exists, or_, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from promotions.group_buys.models import BuyingTeam, TeamSeat
from promotions.group_buys.states import SeatStatus
from promotions.member_models import FirstPayment, FormerPayer
from promotions.models import Promotion, PromotionReservation
from promotions.states import ReservationStatus


class Known(Protocol):
    """A person: the accounts they have, and the keys by which they are known for ever."""

    @property
    def accounts(self) -> Collection[int]:
        """Every live account."""
        ...

    @property
    def keys(self) -> Collection[str]:
        """What those who have left are known by."""
        ...


def record(session: Session, *, member_id: int, source: str, now: datetime) -> bool:
    """Remember that a member has paid `source`; return whether it is the first they paid."""
    row = {"member_id": member_id, "source": source, "paid_at": now}
    written = insert(FirstPayment).values(row).on_conflict_do_nothing()
    return session.scalar(written.returning(FirstPayment.member_id)) is not None


def is_new(session: Session, accounts: Collection[int], *, keys: Collection[str] = ()) -> bool:
    """Whether a person has neither paid nor holds what is for new buyers for an unpaid order."""
    return not (has_paid(session, accounts, keys=keys) or _holds(session, accounts))


def has_paid(session: Session, accounts: Collection[int], *, keys: Collection[str] = ()) -> bool:
    """Whether any of these accounts, or of those who left with one of `keys`, has ever paid."""
    here = exists().where(FirstPayment.member_id.in_(list(accounts)))
    former = exists().where(FormerPayer.key.in_(list(keys)))
    return bool(session.scalar(select(or_(here, former))))


def payers(session: Session, people: Mapping[int, Known]) -> set[int]:
    """Return who of these members, each with the person they are, has ever paid."""
    accounts = {account for one in people.values() for account in one.accounts}
    keys = {key for one in people.values() for key in one.keys}
    paid = set(
        session.scalars(select(FirstPayment.member_id).where(FirstPayment.member_id.in_(accounts)))
    )
    former = set(session.scalars(select(FormerPayer.key).where(FormerPayer.key.in_(keys))))
    return {
        member_id
        for member_id, one in people.items()
        if not (paid.isdisjoint(one.accounts) and former.isdisjoint(one.keys))
    }


def leave(session: Session, *, accounts: Collection[int], keys: Sequence[str]) -> None:
    """
    Keep the keys of an account that is deleted, if its person has paid, ever or as somebody else.

    `accounts` are all the person has, that one included. What is for new buyers and is held for an
    unpaid order counts: it may be paid when they are gone.
    """
    if keys and not is_new(session, accounts, keys=keys):
        rows = [{"key": key} for key in sorted(keys)]
        session.execute(insert(FormerPayer).values(rows).on_conflict_do_nothing())


def _holds(session: Session, accounts: Collection[int]) -> bool:
    row = PromotionReservation
    held = (
        exists()
        .where(row.member_id.in_(list(accounts)), row.status == ReservationStatus.RESERVED)
        .where(Promotion.id == row.promotion_id)
        .where(Promotion.definition["audience"]["is_new"].as_boolean())
    )
    seated = (
        exists()
        .where(TeamSeat.member_id.in_(list(accounts)), TeamSeat.status == SeatStatus.HELD)
        .where(~TeamSeat.opens_team, TeamSeat.team_id == BuyingTeam.id)
        .where(BuyingTeam.newcomers_only)
    )
    return bool(session.scalar(select(or_(held, seated))))
