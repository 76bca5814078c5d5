"""
The promises of packs and points, as `flask verify` reports them.
"""

from collections.abc import Iterator

from sqlalchemy.orm import Session

from app.core.verify import Breach
from promotions.packs import verify as engine


def verify(session: Session) -> Iterator[Breach]:
    """Yield every breach the engine finds in its tables."""
    for breach in engine.verify(session):
        yield Breach(*breach)
