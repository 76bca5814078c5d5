"""
What the end of a campaign comes to for one share: pure, from what is stored of it.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from promotions.bulk_buys.collecting import Line
from promotions.bulk_buys.states import ShareState
from promotions.pricing.kinds import BulkBuy, due_back_fen


@dataclass(frozen=True, slots=True)
class Reckoned:
    """How a share ends, what each of its lines costs then, and what goes back of each."""

    state: ShareState
    finals: Mapping[int, int]
    """Fen by SKU id, of the line with all its pieces; empty unless the price fell."""
    due: Mapping[int, int]
    """Fen by SKU id; empty unless the price fell."""

    @property
    def due_fen(self) -> int:
        """What goes back because the price fell."""
        return sum(self.due.values())


def reckon(rule: BulkBuy, lines: Sequence[Line], *, tier: int | None) -> Reckoned:
    """
    Say how a share of these lines ends when the campaign has reached `tier`, None if none.

    What goes back is exactly what its kept pieces cost at the price paid less what they cost at the
    price reached.
    """
    if all(line.gone == line.quantity for line in lines):
        return Reckoned(ShareState.GONE, {}, {})
    if tier is None:
        return Reckoned(ShareState.FAILED, {}, {})
    finals = {
        line.sku_id: rule.final_fen(
            line.sku_id, quantity=line.quantity, paid_fen=line.paid_fen, tier=tier
        )
        for line in lines
    }
    due = {
        line.sku_id: due_back_fen(
            paid_fen=line.paid_fen,
            final_fen=finals[line.sku_id],
            quantity=line.quantity,
            gone=line.gone,
        )
        for line in lines
    }
    if not any(due.values()):
        return Reckoned(ShareState.KEPT, {}, {})
    return Reckoned(ShareState.LOWERED, finals, due)
