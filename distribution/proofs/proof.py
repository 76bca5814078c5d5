"""A rule of the engine, as the query that finds what breaks it."""

from typing import NamedTuple


class Proof(NamedTuple):
    """A rule and its query, which answers (subject, detail) for whatever breaks the rule."""

    rule: str
    query: str
