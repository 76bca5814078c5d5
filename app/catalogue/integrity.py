"""Uniqueness and references are settled by the database; this gives its refusals their names."""

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

from psycopg.errors import IntegrityError as PsycopgIntegrityError
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm import Session

from app.core.errors import AppError


@contextmanager
def refusing(session: Session, errors: Mapping[str, type[AppError]]) -> Iterator[None]:
    """Raise the error named for a constraint if what is written inside breaks it."""
    try:
        with session.begin_nested():
            yield
    except IntegrityError as error:
        named = errors.get(_constraint(error))
        if named is None:
            raise
        raise named from error


def _constraint(error: IntegrityError) -> str:
    assert isinstance(error.orig, PsycopgIntegrityError)
    return error.orig.diag.constraint_name or ""
