"""
Who is calling: signed tokens that expire soon and can be revoked at once.

A token carries the id of an `auth_session` row under a signature. The signature makes it
unforgeable without a query; the row makes it revocable. Guards put an id in `g`, not an object.

A route that a crowd storms may answer before the database is asked (`refuses_first`), and presume
who calls from the memory of the process until somebody is let in (`presumes`).
"""

from collections.abc import Callable
from datetime import datetime, timedelta
from enum import StrEnum
from functools import lru_cache
from typing import Any, TypeVar

from flask import current_app, g, request
from itsdangerous import BadSignature, URLSafeSerializer
from sqlalchemy import BigInteger, Index, text, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import clock
from app.core.db import Base, BigId, read
from app.core.errors import Unauthorized
from app.core.remembered import Remembered


class Audience(StrEnum):
    """Who an endpoint is for."""

    PUBLIC = "public"
    """Anybody; nothing personal is answered."""
    SHOPPER = "shopper"
    """A member signed in through WeChat; distributors are members too."""
    STAFF = "staff"
    """Merchant staff."""
    WECHAT = "wechat"
    """WeChat itself: the webhook verifies the signature of the message."""


View = TypeVar("View", bound=Callable[..., Any])

_presumed: Remembered[int, int] = Remembered(seconds=30.0, most=20_000)
"""Session id → whose it was when the database was last asked."""


class AuthSession(Base):
    """One sign-in. Revoking it makes its token worthless at once."""

    __tablename__ = "auth_session"
    __table_args__ = (
        Index(
            "ix_auth_session_subject",
            "audience",
            "subject_id",
            postgresql_where=text("revoked_at IS NULL"),
        ),
    )

    id: Mapped[BigId]
    audience: Mapped[str]
    subject_id: Mapped[int] = mapped_column(BigInteger)
    created_at: Mapped[datetime]
    expires_at: Mapped[datetime]
    revoked_at: Mapped[datetime | None]


def issue(
    session: Session, *, audience: Audience, subject_id: int, now: datetime
) -> tuple[str, datetime]:
    """Open a session for a member or a staff account; return its token and when it expires."""
    minutes = current_app.config["SETTINGS"].access_token_minutes
    opened = AuthSession(
        audience=audience,
        subject_id=subject_id,
        created_at=now,
        expires_at=now + timedelta(minutes=minutes),
    )
    session.add(opened)
    session.flush()
    return _serializer(_secret_key()).dumps([audience, opened.id]), opened.expires_at


def revoke_this(session: Session, *, now: datetime) -> None:
    """Revoke the session the current request came with."""
    _revoke(session, now, AuthSession.id == g.auth_session_id)


def revoke_all(session: Session, *, audience: Audience, subject_id: int, now: datetime) -> None:
    """Revoke every session of one member or staff account."""
    _revoke(session, now, AuthSession.audience == audience, AuthSession.subject_id == subject_id)


def guard(audience: Audience) -> Callable[[], None]:
    """The `before_request` of an audience: refuse strangers, put the caller's id in `g`."""

    def check() -> None:
        g.audience = audience.value
        if audience is Audience.SHOPPER:
            g.member_id = _member()
        elif audience is Audience.STAFF:
            g.staff_id = _subject(_signed(audience))

    return check


def refuses_first(refuse: Callable[..., None]) -> Callable[[View], View]:
    """
    Have `refuse`, with the arguments of the path, speak before the database is asked who calls.

    Its token is signed by us by then, but may have been revoked: `refuse` may only refuse.
    """

    def decorator(view: View) -> View:
        view.__dict__["refuses_first"] = refuse
        return view

    return decorator


def presumes(view: View) -> View:
    """
    Let a view's caller be presumed from memory: good enough to be refused.

    The view is `idempotent`: its transaction begins by asking the database (`confirm`).
    """
    view.__dict__["presumes"] = True
    return view


def confirm(session: Session) -> None:
    """
    Ask the database, in the transaction that works for them, about a caller who was presumed.

    :raises Unauthorized: the session has been revoked or is over.
    """
    if not g.pop("is_presumed", False):
        return
    if _asked(session, g.auth_session_id) != g.member_id:
        raise Unauthorized


def _member() -> int:
    """The member who calls, as the view of the request wants to know them."""
    session_id = _signed(Audience.SHOPPER)
    view = current_app.view_functions[request.endpoint or ""]
    if refuse := getattr(view, "refuses_first", None):
        refuse(**(request.view_args or {}))
    if not getattr(view, "presumes", False):
        return _subject(session_id)
    member_id = _presumed.get(session_id)
    if member_id is None:
        member_id = _subject(session_id)
        _presumed.put(session_id, member_id)
    else:
        g.auth_session_id, g.is_presumed = session_id, True
    return member_id


def _signed(audience: Audience) -> int:
    """The session id in the request's token, which we have signed; nobody is asked about it."""
    scheme, _, token = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer":
        raise Unauthorized
    try:
        claimed, session_id = _claims(_secret_key(), token)
    except (BadSignature, ValueError, TypeError) as error:
        raise Unauthorized from error
    if claimed != audience:
        raise Unauthorized
    return session_id


def _subject(session_id: int) -> int:
    subject_id = _asked(read(), session_id)
    if subject_id is None:
        raise Unauthorized
    g.auth_session_id = session_id
    return subject_id


_ASK = text(
    "SELECT subject_id FROM auth_session"
    " WHERE id = :session_id AND revoked_at IS NULL AND expires_at > :now"
)


def _asked(session: Session, session_id: int) -> int | None:
    asked = {"session_id": session_id, "now": clock.now()}
    subject_id: int | None = session.scalar(_ASK, asked)
    return subject_id


def _revoke(session: Session, now: datetime, *which: object) -> None:
    session.execute(
        update(AuthSession)
        .where(AuthSession.revoked_at.is_(None), *which)  # type: ignore[arg-type]  # Column expressions.
        .values(revoked_at=now)
    )


def _secret_key() -> str:
    secret_key: str = current_app.config["SECRET_KEY"]
    return secret_key


@lru_cache(maxsize=20_000)
def _claims(secret_key: str, token: str) -> tuple[str, int]:
    """
    The audience and the session id that a token claims, if it is signed with this key.

    Kept, because the same token comes again and again: whether it was revoked is asked elsewhere.
    """
    claimed, session_id = _serializer(secret_key).loads(token)
    return claimed, int(session_id)


@lru_cache(maxsize=4)
def _serializer(secret_key: str) -> URLSafeSerializer:
    """Made once for each application of the process: making one costs as much as using it."""
    return URLSafeSerializer(secret_key, salt="access-token")
