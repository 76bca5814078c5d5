"""
Claiming a pack: all parts or none, one person once for ever.

A person is known by keys. The keys of a claim stay when its account is deleted, and one key in
common makes two accounts one person. Of many who race the database lets one through: the claim of
an account and each key of a pack are unique.
"""

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import Select, exists, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from promotions import buyers
from promotions.packs import giving, queries
from promotions.packs.models import Pack, PackClaim, PackClaimKey, PackCounter
from promotions.packs.setup import Eligibility
from promotions.states import CampaignStatus


class Refusal(StrEnum):
    """Why somebody cannot have a pack now; the first that holds, in this order."""

    NOT_OPEN = "not_open"
    """A draft, paused or ended."""
    NOT_YET = "not_yet"
    OVER = "over"
    ALREADY_CLAIMED = "already_claimed"
    """This person has had it, with another account."""
    REGISTERED_BEFORE = "registered_before"
    PAID_BEFORE = "paid_before"
    TOO_LATE = "too_late"
    """Registered longer ago than the pack allows."""
    CLAIMED_OUT = "claimed_out"
    """All have been claimed, or the budget is spent."""
    CANNOT_GIVE = "cannot_give"
    """One of its templates gives nothing now."""


class Refused(Exception):
    """The pack cannot be claimed; `refusal` says why. Roll the transaction back."""

    def __init__(self, refusal: Refusal) -> None:
        super().__init__(refusal)
        self.refusal = refusal


@dataclass(frozen=True, slots=True, kw_only=True)
class Person:
    """Who claims: the account, and all that tells whether this person is new."""

    member_id: int
    registered_at: datetime
    keys: frozenset[str]
    """Every key the account has. At least one, or nobody would be known again."""
    accounts: frozenset[int]
    """Every live account of this person, this one included."""
    is_first_account: bool
    """Whether this person never had an account before this one."""


class Claimed(NamedTuple):
    """A claim, and whether it was made just now."""

    claim: PackClaim
    is_new: bool


def claim(session: Session, *, pack_id: int, person: Person, now: datetime) -> Claimed:
    """
    Give a person everything in a pack. Claiming again with the same account answers the same claim.

    :raises NoSuchPack: there is none.
    :raises Refused: they cannot have it; roll the transaction back.
    """
    pack = queries.get(session, pack_id)
    refusal = refusal_of(session, pack, person, now)
    # Looked for last: the same account may have claimed on another device in between.
    if own := claim_of(session, pack_id=pack_id, member_id=person.member_id):
        return Claimed(own, is_new=False)
    if refusal is not None:
        raise Refused(refusal)
    written = _write(session, pack_id, person, now)
    if written is None:  # It did so just now, and has committed.
        own = session.scalars(_made(pack_id, person.member_id)).one()
        return Claimed(own, is_new=False)
    _take(session, pack)
    try:
        giving.give(
            session,
            parts=queries.parts_of(pack),
            member_id=person.member_id,
            source=written.source,
            now=now,
        )
    except giving.CannotGive as empty:
        raise Refused(Refusal.CANNOT_GIVE) from empty
    return Claimed(written, is_new=True)


def learn(session: Session, *, member_id: int, keys: Collection[str]) -> None:
    """Add keys a member has come by to whatever they have claimed; another's keys stay theirs."""
    made = session.execute(
        select(PackClaim.pack_id, PackClaim.id)
        .where(PackClaim.member_id == member_id)
        .order_by(PackClaim.pack_id)
    ).all()
    rows = [
        {"pack_id": pack_id, "key": key, "claim_id": claim_id}
        for pack_id, claim_id in made
        for key in sorted(keys)
    ]
    if rows:
        session.execute(insert(PackClaimKey).values(rows).on_conflict_do_nothing())


def claim_of(session: Session, *, pack_id: int, member_id: int) -> PackClaim | None:
    """Return the claim this account has made of a pack."""
    return session.scalar(_made(pack_id, member_id))


def refusal_of(session: Session, pack: Pack, person: Person, now: datetime) -> Refusal | None:
    """Return why a person who has no claim of the pack cannot have it now; None if they can."""
    return next(_refusals(session, pack, person, now), None)


def claim_ends_at(pack: Pack, person: Person) -> datetime | None:
    """Return the moment from which this person is too late for the pack; None is never."""
    ends = [pack.ends_at]
    if pack.claim_days is not None:
        ends.append(person.registered_at + timedelta(days=pack.claim_days))
    return min((one for one in ends if one is not None), default=None)


def _made(pack_id: int, member_id: int) -> Select[PackClaim]:
    row = PackClaim
    return select(row).where(row.pack_id == pack_id, row.member_id == member_id)


def _refusals(session: Session, pack: Pack, person: Person, now: datetime) -> Iterator[Refusal]:
    yield from _closed(pack, now)
    if _has_claimed(session, pack.id, person.keys):
        yield Refusal.ALREADY_CLAIMED
    yield from _not_new(session, pack, person, now)
    if _is_claimed_out(session, pack):
        yield Refusal.CLAIMED_OUT
    if not giving.can_give(session, queries.parts_of(pack), now=now):
        yield Refusal.CANNOT_GIVE


def _closed(pack: Pack, now: datetime) -> Iterator[Refusal]:
    if pack.status is not CampaignStatus.PUBLISHED:
        yield Refusal.NOT_OPEN
    if now < pack.starts_at:
        yield Refusal.NOT_YET
    if pack.ends_at is not None and pack.ends_at <= now:
        yield Refusal.OVER


def _not_new(session: Session, pack: Pack, person: Person, now: datetime) -> Iterator[Refusal]:
    if pack.eligibility is Eligibility.NEVER_REGISTERED:
        if not person.is_first_account:
            yield Refusal.REGISTERED_BEFORE
    elif buyers.has_paid(session, person.accounts, keys=person.keys):
        yield Refusal.PAID_BEFORE
    ends_at = claim_ends_at(pack, person)
    if ends_at is not None and ends_at <= now:
        yield Refusal.TOO_LATE


def _has_claimed(session: Session, pack_id: int, keys: Collection[str]) -> bool:
    taken = exists().where(PackClaimKey.pack_id == pack_id, PackClaimKey.key.in_(list(keys)))
    return bool(session.scalar(select(taken)))


def _is_claimed_out(session: Session, pack: Pack) -> bool:
    counter = PackCounter
    is_full = (counter.claims + 1 > counter.max_claims) | (
        counter.spent_fen + pack.worth_fen > counter.budget_fen
    )
    return bool(session.scalar(select(exists().where(counter.pack_id == pack.id, is_full))))


def _write(session: Session, pack_id: int, person: Person, now: datetime) -> PackClaim | None:
    """Write the claim and its keys in their order; None if this account has claimed meanwhile."""
    written: PackClaim | None = session.scalar(
        insert(PackClaim)
        .values(
            pack_id=pack_id,
            member_id=person.member_id,
            source=f"pack:{pack_id}:member:{person.member_id}",
            claimed_at=now,
        )
        .on_conflict_do_nothing()
        .returning(PackClaim)
    )
    if written is None:
        return None
    rows = [{"pack_id": pack_id, "key": key, "claim_id": written.id} for key in sorted(person.keys)]
    row = PackClaimKey
    free = session.scalars(
        insert(row).values(rows).on_conflict_do_nothing().returning(row.key)
    ).all()
    if len(free) < len(rows):
        raise Refused(Refusal.ALREADY_CLAIMED)
    return written


def _take(session: Session, pack: Pack) -> None:
    """Count one claim of a limited pack, if it still fits."""
    counter = PackCounter
    if session.get(counter, pack.id) is None:
        return
    claims, spent_fen = counter.claims + 1, counter.spent_fen + pack.worth_fen
    taken = session.scalar(
        update(counter)
        .where(
            counter.pack_id == pack.id,
            or_(counter.max_claims.is_(None), claims <= counter.max_claims),
            or_(counter.budget_fen.is_(None), spent_fen <= counter.budget_fen),
        )
        .values(claims=claims, spent_fen=spent_fen)
        .returning(counter.claims),
        execution_options={"synchronize_session": False},
    )
    if taken is None:
        raise Refused(Refusal.CLAIMED_OUT)
