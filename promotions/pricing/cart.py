"""
What is to be priced: lines, the customer's allowances, freight and the moment.

Everything the engine may know arrives here; it asks no clock, no table and no network.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import UTC, datetime
from operator import attrgetter
from typing import Any

from promotions.pricing.money import whole


class DuplicateLine(ValueError):
    """Two lines of one cart carry the same line id."""


class NaiveMoment(ValueError):
    """A moment has no time zone, so it names no instant."""


def aware(moment: datetime, name: str) -> datetime:
    """
    Return `moment` unchanged if it carries a time zone.

    :raises NaiveMoment: it carries none.
    """
    if moment.tzinfo is None:
        raise NaiveMoment(f"{name} has no time zone")
    return moment


def canonical(document: Any) -> bytes:
    """Return the one UTF-8 JSON text of `document`: keys sorted, no spaces."""
    return json.dumps(document, ensure_ascii=False, sort_keys=True, separators=(",", ":")).encode()


def digest(document: Any) -> str:
    """Return the SHA-256 of the canonical text of `document`, in hex."""
    return hashlib.sha256(canonical(document)).hexdigest()


@dataclass(frozen=True, slots=True, kw_only=True)
class CartLine:
    """One SKU in a quantity. `category_path` runs from the root to the SPU's own category."""

    line_id: int
    sku_id: int
    spu_id: int
    quantity: int
    unit_price_fen: int
    category_path: tuple[int, ...] = ()
    tags: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        whole(self.line_id, "line_id")
        whole(self.sku_id, "sku_id")
        whole(self.spu_id, "spu_id")
        whole(self.quantity, "quantity", least=1)
        whole(self.unit_price_fen, "unit_price_fen")
        for category_id in self.category_path:
            whole(category_id, "category_path")

    @property
    def amount_fen(self) -> int:
        """The line at its list price, before any promotion."""
        return self.unit_price_fen * self.quantity

    def to_json(self) -> dict[str, Any]:
        """Return the line as plain data, sets in order."""
        return {
            "line_id": self.line_id,
            "sku_id": self.sku_id,
            "spu_id": self.spu_id,
            "quantity": self.quantity,
            "unit_price_fen": self.unit_price_fen,
            "category_path": list(self.category_path),
            "tags": sorted(self.tags),
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class Allowance:
    """What a limited promotion may still give this customer now. None: that side is not limited."""

    promotion_id: int
    uses: int | None = None
    budget_fen: int | None = None

    def __post_init__(self) -> None:
        whole(self.promotion_id, "promotion_id")
        if self.uses is not None:
            whole(self.uses, "uses")
        if self.budget_fen is not None:
            whole(self.budget_fen, "budget_fen")

    def to_json(self) -> dict[str, Any]:
        """Return the allowance as plain data."""
        return {"promotion_id": self.promotion_id, "uses": self.uses, "budget_fen": self.budget_fen}


@dataclass(frozen=True, slots=True, kw_only=True)
class Cart:
    """
    The whole input of a quote. Lines and allowances are kept by id, so their order cannot matter.

    :raises DuplicateLine: a line id occurs twice.
    :raises NaiveMoment: `now` has no time zone.
    """

    lines: tuple[CartLine, ...]
    now: datetime
    freight_fen: int = 0
    """The freight by the shop's tables, before any promotion."""
    allowances: tuple[Allowance, ...] = ()

    def __post_init__(self) -> None:
        whole(self.freight_fen, "freight_fen")
        moment = aware(self.now, "now").astimezone(UTC)
        lines = tuple(sorted(self.lines, key=attrgetter("line_id")))
        if len({line.line_id for line in lines}) < len(lines):
            raise DuplicateLine("a line id occurs twice")
        object.__setattr__(self, "now", moment)
        object.__setattr__(self, "lines", lines)
        allowances = tuple(sorted(self.allowances, key=attrgetter("promotion_id")))
        object.__setattr__(self, "allowances", allowances)

    def to_json(self) -> dict[str, Any]:
        """Return everything the price depends on, except the snapshot, as plain data."""
        return {
            "lines": [line.to_json() for line in self.lines],
            "now": self.now.isoformat(),
            "freight_fen": self.freight_fen,
            "allowances": [allowance.to_json() for allowance in self.allowances],
        }
