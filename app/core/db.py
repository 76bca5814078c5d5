"""
The database: one base class, the column types, and the one function that commits.

`transaction()` is opened only at the edge (routes, jobs, commands, webhooks). A service takes the
`session` it yields, flushes when it needs an id, and never commits.
"""

import select
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated, Any, cast

from flask import Flask
from flask_sqlalchemy import SQLAlchemy
from psycopg import Connection
from sqlalchemy import BigInteger, DateTime, Dialect, MetaData, TypeDecorator, event
from sqlalchemy.dialects.postgresql import JSONB
from sqlalchemy.exc import InvalidatePoolError
from sqlalchemy.orm import DeclarativeBase, Session, mapped_column, registry

NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class UtcDateTime(TypeDecorator[datetime]):
    """A moment: TIMESTAMPTZ in the database, aware UTC in Python; a naive value is refused."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's signature
        if value is not None and value.tzinfo is None:
            raise ValueError(f"naive datetime {value!r}: moments are aware UTC")
        return value

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:  # noqa: ARG002  # SQLAlchemy's signature
        return None if value is None else value.astimezone(UTC)


class Base(DeclarativeBase):
    """The base of every table of the shop (each engine has its own)."""

    # In the registry, because Flask-SQLAlchemy derives a class of its own from this one.
    registry = registry(
        metadata=MetaData(naming_convention=NAMING),
        type_annotation_map={datetime: UtcDateTime, dict[str, Any]: JSONB, list[Any]: JSONB},
    )


Fen = Annotated[int, mapped_column(BigInteger)]
"""An amount of money in fen. The column's name ends in `_fen`."""

BigId = Annotated[int, mapped_column(BigInteger, primary_key=True)]
"""An integer key, for joins only."""

db = SQLAlchemy(
    model_class=Base,
    session_options={"expire_on_commit": False},
    disable_autonaming=True,
)


def init_app(app: Flask) -> None:
    """Give `app` its pool of connections; nothing connects until the first use."""
    db.init_app(app)
    with app.app_context():
        event.listen(db.engine, "checkout", _refuse_dead)


def read() -> Session:
    """
    The session of a request that writes nothing; it closes with the request.

    Each statement is its own transaction: a page is one statement, and BEGIN and ROLLBACK around
    it would be two more journeys to the database.
    """
    session = db.session()
    if not session.in_transaction():
        session.connection(execution_options={"isolation_level": "AUTOCOMMIT"})
    return session


def if_needed() -> Session:
    """The session of a request, which begins with its first use: for what mostly needs none."""
    return cast(Session, db.session)


@contextmanager
def transaction() -> Iterator[Session]:
    """
    Open the one transaction of a command: commit on success, roll back on any exception.

    It does not nest: whoever needs a transaction inside takes the `session` it yields.

    :raises RuntimeError: a transaction is already open in this context.
    """
    session = db.session()
    if session.info.get("in_transaction"):
        raise RuntimeError("transaction() does not nest: take the session of the one that is open")
    session.rollback()  # End the read transaction that a guard or a query may have begun.
    session.info["in_transaction"] = True
    try:
        yield session
        session.commit()
    except BaseException:
        session.rollback()
        raise
    finally:
        session.info.pop("in_transaction")


@contextmanager
def snapshot() -> Iterator[Session]:
    """
    A session of its own for reading much: one moment, rows by a cursor of the server, no writing.

    The request's own session gives its connection back, so that who reads for long holds only one.
    """
    db.session.remove()
    with db.engine.connect() as connection:
        settled = connection.execution_options(
            isolation_level="REPEATABLE READ", postgresql_readonly=True
        )
        with Session(settled) as session:
            yield session


def _refuse_dead(connection: Connection, *_: object) -> None:
    """
    Have the pool connect anew if PostgreSQL hung up while `connection` was idle.

    Nobody speaks to an idle connection: if there is something to read, it is the goodbye. Looking
    costs a system call of our own, asking PostgreSQL would cost every request a journey.
    """
    look = select.poll()
    look.register(connection.fileno(), select.POLLIN)
    if look.poll(0):
        raise InvalidatePoolError("PostgreSQL hung up")
