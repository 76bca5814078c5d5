"""What `flask verify` speaks in: a breach of one promise, found in the live database."""

from typing import NamedTuple


class Breach(NamedTuple):
    """One promise broken by one row or sum."""

    rule: str
    """The promise, such as `stock.held_is_sum_of_holds`."""
    subject: str
    """What breaks it, such as `sku 1024`."""
    detail: str
    """The figures: what was found and what it should be."""
