"""
Advisory locks for facts that have no row to lock yet; they end with the transaction.

Order: a member's lock before the tree's. Under READ COMMITTED what is read after taking a lock
includes whatever its last holder committed.
"""

from sqlalchemy import func, select
from sqlalchemy.orm import Session

_TREE = 0x5349_0000_0000_0000
"""The tree of bindings; plus a member's id, that member."""
_CHAIN = 0x5348_0000_0000_0000
"""The chain of blocks over the ledger."""
_DAYS = 0x5344_0000_0000_0000
"""The daily trial balances."""


_PLACES = 0x5350_0000_0000_0000
"""The places of people below distributors."""


def hold_member(session: Session, member_id: int) -> None:
    """Whether the member is a distributor or is bound stays as it is until the transaction ends."""
    _hold(session, _TREE + member_id)


def hold_tree(session: Session) -> None:
    """Nobody else binds a member who may have a team until the transaction ends."""
    _hold(session, _TREE)


def hold_chain(session: Session) -> None:
    """Nobody else adds a block to the chain until the transaction ends."""
    _hold(session, _CHAIN)


def hold_days(session: Session) -> None:
    """Nobody else closes a day until the transaction ends."""
    _hold(session, _DAYS)


def hold_places(session: Session) -> None:
    """Nobody else brings places into line until the transaction ends: a binding's last lock."""
    _hold(session, _PLACES)


def _hold(session: Session, key: int) -> None:
    session.execute(select(func.pg_advisory_xact_lock(key)))
