"""What the slices that act upon a pushed message read of it."""

from sqlalchemy.orm import Session

from app.pushes.models import PushMessage


def message(session: Session, message_id: int) -> PushMessage | None:
    """Return one message; None once it has been forgotten."""
    return session.get(PushMessage, message_id)
