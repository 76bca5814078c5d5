"""
Orders of the past as carts that can be priced again, oldest first, in batches.

An order keeps the cart it was priced from. One placed before it did is rebuilt from its lines: then
the buyer is nobody in particular, and the tags are those the products have today.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import TypeVarTuple

from sqlalchemy import Row, Select, exists, select
from sqlalchemy.orm import Session

from app.catalogue import queries as catalogue
from app.catalogue import scopes
from app.core import clock, numbers
from app.orders.models import LineKind, Order, OrderLine
from promotions import replay
from promotions.pricing import ENGINE_VERSION, Cart, CartLine, Snapshot
from promotions.replay import UnknownSnapshot
from promotions.simulation import Past

Columns = TypeVarTuple("Columns")

BATCH = 500
SNAPSHOTS_MAX = 50
"""How many snapshots are kept at a time."""

EMPTY = Snapshot(0)
Stored = tuple[int, str, int, datetime, int, bytes, bytes | None, int]
_COLUMNS = (
    Order.id,
    Order.order_no,
    Order.buyer_id,
    Order.placed_at,
    Order.payable_fen,
    Order.quote,
    Order.quote_input,
    Order.snapshot_version,
)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Paid orders from `first_no` on; with `is_cut` there are older ones that are left out."""

    first_no: str
    is_cut: bool


def stretch(session: Session, *, since: datetime, most: int) -> Stretch:
    """Return where the latest paid orders since a moment begin, at most `most` of them."""
    earliest = numbers.first_order_no(since)
    latest = _paid(select(Order.order_no), earliest).order_by(Order.order_no.desc())
    first_no = session.scalar(latest.offset(most - 1).limit(1))
    if first_no is None:
        return Stretch(earliest, is_cut=False)
    older = _paid(select(Order.order_no), earliest).where(Order.order_no < first_no)
    return Stretch(first_no, is_cut=bool(session.scalar(select(exists(older)))))


class History:
    """The paid orders of a stretch, as carts with the promotions of their moment."""

    def __init__(self, session: Session, first_no: str) -> None:
        self._session = session
        self._first_no = first_no
        self._snapshots: dict[int, Snapshot] = {}
        self.rebuilt = 0
        """Orders rebuilt from their lines, so far."""

    def __iter__(self) -> Iterator[Past]:
        wanted = _paid(select(*_COLUMNS), self._first_no).order_by(Order.order_no).limit(BATCH)
        batch = self._session.execute(wanted).all()
        while batch:
            yield from self._pasts(batch)
            further = wanted.where(Order.order_no > batch[-1].order_no)
            batch = self._session.execute(further).all() if len(batch) == BATCH else []

    def _pasts(self, batch: Sequence[Row[*Stored]]) -> Iterator[Past]:
        rebuilt = self._rebuilt([row for row in batch if row.quote_input is None])
        stored = {
            row.id: Cart.from_json(json.loads(row.quote_input))
            for row in batch
            if row.quote_input is not None
        }
        self.rebuilt += len(rebuilt)
        carts = stored | rebuilt
        sku_ids = {line.sku_id for cart in carts.values() for line in cart.lines}
        costs = scopes.costs(self._session, sku_ids)
        for row in batch:
            yield Past(
                cart=carts[row.id],
                snapshot=self._snapshot(row.snapshot_version),
                day=clock.china_day(row.placed_at),
                member_id=row.buyer_id,
                charged_fen=_charged(row) if row.id in stored else None,
                costs_fen=costs,
            )

    def _rebuilt(self, rows: Sequence[Row[*Stored]]) -> dict[int, Cart]:
        lines: dict[int, list[OrderLine]] = {row.id: [] for row in rows}
        found = self._session.scalars(
            select(OrderLine)
            .where(OrderLine.order_id.in_(lines), OrderLine.kind == LineKind.GOODS)
            .order_by(OrderLine.id)
        ).all()
        for line in found:
            lines[line.order_id].append(line)
        skus = catalogue.skus_for_pricing(self._session, {line.sku_id for line in found})
        tags = {sku_id: frozenset(sku.tags) for sku_id, sku in skus.items()}
        return {
            row.id: Cart(
                lines=tuple(_cart_line(line, tags) for line in lines[row.id]),
                now=row.placed_at,
                freight_fen=json.loads(row.quote)["freight_list_fen"],
            )
            for row in rows
        }

    def _snapshot(self, version: int) -> Snapshot:
        kept = self._snapshots.get(version)
        if kept is None:
            if len(self._snapshots) == SNAPSHOTS_MAX:
                self._snapshots.clear()
            try:
                kept = replay.snapshot(self._session, version)
            except UnknownSnapshot:  # From before the log: nothing is known of other campaigns.
                kept = EMPTY
            self._snapshots[version] = kept
        return kept


def _paid(wanted: Select[*Columns], first_no: str) -> Select[*Columns]:
    return wanted.where(Order.order_no >= first_no, Order.paid_at.is_not(None))


def _charged(row: Row[*Stored]) -> int | None:
    """Return what the order brought in, points included, if this engine has priced it."""
    quote = json.loads(row.quote)
    if quote["engine_version"] != ENGINE_VERSION:
        return None
    charged_fen: int = row.payable_fen + quote["tender_fen"]
    return charged_fen


def _cart_line(line: OrderLine, tags: Mapping[int, frozenset[str]]) -> CartLine:
    return CartLine(
        line_id=line.seq,
        sku_id=line.sku_id,
        spu_id=line.spu_id,
        quantity=line.quantity,
        unit_price_fen=line.unit_price_fen,
        category_path=tuple(line.category_path),
        tags=tags.get(line.sku_id, frozenset()),
    )
