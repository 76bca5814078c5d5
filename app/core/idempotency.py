"""
`Idempotency-Key`: the same request twice does its work once and gets the same answer twice.

The key's row, the work and the stored answer are one transaction, so there is no half-way state to
repair: a crash leaves neither, and the client simply asks again. A failure rolls the key back with
the work; only successes are remembered.
"""

import hashlib
import json
from collections.abc import Callable, Collection
from datetime import datetime, timedelta
from functools import wraps
from typing import Any, TypeVar

from flask import Response, g, request
from sqlalchemy import (
    CheckConstraint,
    Row,
    UniqueConstraint,
    delete,
    select,
    text,
    tuple_,
)
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.core import auth, clock
from app.core.db import Base, BigId, transaction
from app.core.errors import AppError

KEEP = timedelta(days=3)
KEY_MAX = 64

HEADER_DOC = {
    "in": "header",
    "name": "Idempotency-Key",
    "required": True,
    "schema": {"type": "string", "pattern": f"^[A-Za-z0-9_-]{{8,{KEY_MAX}}}$"},
    "description": "A fresh value per intent, the same on every retry of it.",
}

View = TypeVar("View", bound=Callable[..., Any])


class IdempotencyKeyMissing(AppError):
    code, status, title = "idempotency_key_missing", 400, "请求缺少有效的 Idempotency-Key"


class IdempotencyKeyReused(AppError):
    """The key was used for another request."""

    code, status, title = "idempotency_key_reused", 422, "该 Idempotency-Key 已用于另一个请求"


class RequestInProgress(AppError):
    """The same request is being worked on at this moment."""

    code, status, title = "request_in_progress", 409, "请求正在处理，请稍候"


FAILURES = (IdempotencyKeyMissing, IdempotencyKeyReused, RequestInProgress)


class IdempotencyKey(Base):
    __tablename__ = "idempotency_key"
    __table_args__ = (
        UniqueConstraint("scope", "key"),
        CheckConstraint("length(body_hash) = 64", name="body_hash_is_sha256"),
    )

    id: Mapped[BigId]
    scope: Mapped[str]
    """Whose key, and for which route: `shopper:12:orders.place_order`."""
    key: Mapped[str]
    body_hash: Mapped[str]
    response_status: Mapped[int]
    response_body: Mapped[bytes]
    created_at: Mapped[datetime] = mapped_column(index=True)


def once(view: View) -> View:
    """Wrap `view(session, …) -> Response` so that it runs at most once per key."""

    @wraps(view)
    def wrapper(*args: Any, **kwargs: Any) -> Response:
        key, scope, digest = current_key(), _scope(), _body_hash()
        with transaction() as session:
            auth.confirm(session)
            _take(session, scope, key)
            if stored := _find(session, scope, key):
                return _replay(stored, digest)
            response: Response = view(session, *args, **kwargs)
            session.execute(
                _WRITE,
                {
                    "scope": scope,
                    "key": key,
                    "body_hash": digest,
                    "response_status": response.status_code,
                    "response_body": response.get_data(),
                    "created_at": clock.now(),
                },
            )
        return response

    return wrapper  # type: ignore[return-value]  # The same view with one argument supplied.


def purge(session: Session, *, now: datetime) -> int:
    """Forget keys older than three days; return how many."""
    result = session.execute(
        delete(IdempotencyKey).where(IdempotencyKey.created_at < now - KEEP),
        execution_options={"synchronize_session": False},
    )
    return int(result.rowcount)  # type: ignore[attr-defined]  # A DELETE has a row count.


def current_key() -> str:
    """
    Return the key the request came with.

    :raises IdempotencyKeyMissing: it came without one, or with what cannot be one.
    """
    key = request.headers.get("Idempotency-Key", "")
    plain = key.replace("-", "").replace("_", "")
    if not (8 <= len(key) <= KEY_MAX and plain.isascii() and plain.isalnum()):
        raise IdempotencyKeyMissing
    return key


def scope_of(audience: str, subject_id: int, endpoint: str) -> str:
    """Return whose keys and for which route they are."""
    return f"{audience}:{subject_id}:{endpoint}"


def known(session: Session, pairs: Collection[tuple[str, str]]) -> set[tuple[str, str]]:
    """Return those among pairs of scope and key whose work is committed."""
    if not pairs:
        return set()
    row = IdempotencyKey
    found = session.execute(
        select(row.scope, row.key).where(tuple_(row.scope, row.key).in_(list(pairs)))
    )
    return {(scope, key) for scope, key in found}


def keys_of(session: Session, scopes: Collection[str], *, since: datetime) -> list[tuple[str, str]]:
    """Return the keys of these scopes that were used since, as pairs of scope and key."""
    row = IdempotencyKey
    wanted = select(row.scope, row.key).where(row.scope.in_(list(scopes)), row.created_at >= since)
    return [(scope, key) for scope, key in session.execute(wanted)]


def _scope() -> str:
    subject = g.get("member_id") or g.get("staff_id")
    return scope_of(g.audience, subject, str(request.endpoint))


def _body_hash() -> str:
    """The hash of what was asked: the path and the body with its keys sorted."""
    canonical = json.dumps([request.path, request.get_json(silent=True)], sort_keys=True)
    return hashlib.sha256(canonical.encode()).hexdigest()


_TAKE = text("SELECT pg_try_advisory_xact_lock(hashtextextended(:key, 0))")


def _take(session: Session, scope: str, key: str) -> None:
    if not session.scalar(_TAKE, {"key": f"{scope}:{key}"}):
        busy = RequestInProgress()
        busy.headers["Retry-After"] = "1"
        raise busy


_WRITE = text(
    "INSERT INTO idempotency_key"
    " (scope, key, body_hash, response_status, response_body, created_at) VALUES"
    " (:scope, :key, :body_hash, :response_status, :response_body, :created_at)"
)
_FIND = text(
    "SELECT body_hash, response_status, response_body FROM idempotency_key"
    " WHERE scope = :scope AND key = :key"
)


def _find(session: Session, scope: str, key: str) -> Row[Any] | None:
    return session.execute(_FIND, {"scope": scope, "key": key}).one_or_none()


def _replay(stored: Row[Any], digest: str) -> Response:
    if stored.body_hash != digest:
        raise IdempotencyKeyReused
    response = Response(
        stored.response_body, status=stored.response_status, content_type="application/json"
    )
    response.headers["Idempotency-Replayed"] = "true"
    return response
