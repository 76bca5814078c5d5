"""The engine's declarative base and column types: BIGINT integers, aware moments, checked words."""

from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from enum import StrEnum

from sqlalchemy import (
    ARRAY,
    BigInteger,
    BindParameter,
    DateTime,
    Dialect,
    Enum,
    MetaData,
    Text,
    TypeDecorator,
    literal,
)
from sqlalchemy.orm import DeclarativeBase

SOURCE = 100
"""The longest source or line source, in characters."""
NAMING = {
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


class Moment(TypeDecorator[datetime]):
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
    """The base of the engine's tables."""

    metadata = MetaData(naming_convention=NAMING)
    type_annotation_map = {datetime: Moment, int: BigInteger}


def words(kind: type[StrEnum], name: str) -> Enum:
    """The column type of a `StrEnum`: text, held to the members by a CHECK called `name`."""
    return Enum(
        kind,
        name=name,
        native_enum=False,
        create_constraint=True,
        length=20,
        values_callable=lambda members: [each.value for each in members],
    )


def bigints(values: Iterable[int]) -> BindParameter[Sequence[int]]:
    """One array parameter, for `column == any_(bigints(ids))`: as many values as you like."""
    return literal(list(values), ARRAY(BigInteger))


def texts(values: Iterable[str]) -> BindParameter[Sequence[str]]:
    """One array parameter of texts, as `bigints` is of ids."""
    return literal(list(values), ARRAY(Text))
