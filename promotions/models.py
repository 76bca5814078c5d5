"""The tables of the promotions engine."""

from sqlalchemy import MetaData
from sqlalchemy.orm import DeclarativeBase


class Base(DeclarativeBase):
    """The base of every table of the promotions engine."""

    metadata = MetaData()
