"""
The promises of the promotions engine, as `flask verify` reports them.
"""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from app.core.verify import Breach
from promotions import verify as engine
from promotions.group_buys import verify as group_buys


def verify(session: Session) -> Iterator[Breach]:
    """Yield every breach the engine finds in its tables."""
    for check in (engine.verify, group_buys.verify):
        for breach in check(session):
            yield Breach(*breach)
