"""
The roll-up: settled postings are added to the figures of distributors and of the people below them.

It trails the ledger. It goes by postings, not by entries, so that all of one event is in or out,
and only up to where history is settled (`ledger.horizon`). Nobody waits for it, and it is the only
writer of the figures.
"""

from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Select, Subquery, func, select
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from distribution.commissions.models import Commission
from distribution.figures import measures
from distribution.figures.measures import GROUPED, SUMMED
from distribution.figures.models import Period, RolledTo
from distribution.ledger import horizon
from distribution.ledger.models import Entry, Posting
from distribution.team.place_models import Place

MOST = 50_000
"""How many postings one roll-up covers at most."""
_AT_EDGES = ("first_entry_id", "last_entry_id")
OF_PERSON = ("orders", "earned_fen", "clawed_fen")
"""What is counted of each person below a distributor."""


class _Limits(NamedTuple):
    """What one roll-up adds: the postings after one id up to another."""

    after: measures.RolledUp
    posting_id: int
    entry_id: int
    """The last entry id that was given before the last posting id was read."""
    is_all: bool
    """Whether nothing that is settled is left."""


def roll_up(session: Session, *, now: datetime) -> bool:
    """
    Add the settled postings to the figures; whether there may be more to add at once.

    Nothing is added while somebody has been writing for too long to say what is settled.
    """
    limits = _limits(session, now=now)
    if limits is None or limits.posting_id <= limits.after.posting_id:
        return False
    fresh = measures.facts(
        Entry.id > limits.after.entry_id,
        Entry.posting_id > limits.after.posting_id,
        Entry.posting_id <= limits.posting_id,
    ).subquery()
    _add_periods(session, fresh)
    _add_people(session, fresh)
    entry_id = min(limits.entry_id, _before_later(session, limits))
    session.execute(
        insert(RolledTo)
        .values(id=1, posting_id=limits.posting_id, entry_id=entry_id, rolled_at=now)
        .on_conflict_do_update(
            index_elements=[RolledTo.id],
            set_={"posting_id": limits.posting_id, "entry_id": entry_id, "rolled_at": now},
        )
    )
    return not limits.is_all


def _limits(session: Session, *, now: datetime) -> _Limits | None:
    """Hold the roll-up until the transaction ends, and see how far it can go."""
    first = {"id": 1, "posting_id": 0, "entry_id": 0, "rolled_at": now}
    session.execute(insert(RolledTo).values(first).on_conflict_do_nothing())
    after = measures.RolledUp(
        *session.execute(select(RolledTo.posting_id, RolledTo.entry_id).with_for_update()).one()
    )
    # An entry is given its id after its posting, so those of later postings come after this one.
    entry_id = horizon.last_given(session, "entry")
    settled_to = horizon.settled(session, "posting")
    if settled_to is None:
        return None
    last_of_many = session.scalar(
        select(Posting.id)
        .where(Posting.id > after.posting_id, Posting.id <= settled_to)
        .order_by(Posting.id)
        .offset(MOST - 1)
        .limit(1)
    )
    if last_of_many is None:
        return _Limits(after, settled_to, entry_id, is_all=True)
    return _Limits(after, last_of_many, entry_id, is_all=False)


def _before_later(session: Session, limits: _Limits) -> int:
    """The last entry id before all that settled postings after this roll-up have."""
    later = session.scalar(
        select(Entry.id)
        .where(Entry.id > limits.after.entry_id, Entry.posting_id > limits.posting_id)
        .order_by(Entry.id)
        .limit(1)
    )
    return limits.entry_id if later is None else later - 1


def _add_periods(session: Session, fresh: Subquery) -> None:
    found = measures.by_period(fresh)
    wanted = (*GROUPED, *SUMMED, *_AT_EDGES)
    rows = select(*(found.c[name] for name in wanted)).order_by(*(found.c[n] for n in GROUPED))
    statement = insert(Period).from_select(wanted, rows)
    added, kept = statement.excluded, Period.__table__.c
    changes: dict[str, Any] = {name: kept[name] + added[name] for name in SUMMED}
    changes["first_entry_id"] = func.least(kept.first_entry_id, added.first_entry_id)
    changes["last_entry_id"] = func.greatest(kept.last_entry_id, added.last_entry_id)
    session.execute(
        statement.on_conflict_do_update(index_elements=[kept[n] for n in GROUPED], set_=changes)
    )


def _add_people(session: Session, fresh: Subquery) -> None:
    """What each buyer brought each of their uplines."""
    wanted = ("upline_id", "member_id", *OF_PERSON)
    statement = insert(Place).from_select(wanted, by_person(fresh))
    kept = Place.__table__.c
    changes = {name: kept[name] + statement.excluded[name] for name in OF_PERSON}
    session.execute(
        statement.on_conflict_do_update(
            index_elements=[kept.upline_id, kept.member_id], set_=changes
        )
    )


def by_person(fact: Subquery) -> Select[*tuple[Any, ...]]:
    """What these entries brought, by distributor and buyer."""
    return (
        select(
            fact.c.member_id, Commission.buyer_id,
            measures.orders(fact).label("orders"), measures.earned_fen(fact).label("earned_fen"),
            measures.clawed_fen(fact).label("clawed_fen"),
        )
        .join(Commission, Commission.id == fact.c.commission_id)
        .group_by(fact.c.member_id, Commission.buyer_id)
        .order_by(fact.c.member_id, Commission.buyer_id)
    )  # fmt: skip
