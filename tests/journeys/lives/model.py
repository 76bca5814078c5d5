"""
What an order's money must come to, worked out without the mall: who asked for what, what it costs.

A line's pieces share its price cumulatively, its last piece takes what is left of it. Nothing here
knows of states, locks, WeChat or time: only of what was agreed, in the order it was agreed.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Any

CANCEL, COMPENSATE, RETURN, EXCHANGE = "cancel", "compensate", "return", "exchange"


@dataclass
class Line:
    """One line: its pieces and what was paid for them; what of both is gone by now."""

    id: int
    pieces: int
    paid_fen: int
    gone: int = 0
    given_fen: int = 0
    kept_fen: int = 0
    """Of returned pieces, what the shop kept by agreement."""


@dataclass(frozen=True)
class Asking:
    """What a case is about and brings; `fen` and `kept` by line."""

    kind: str
    pieces: Mapping[int, int]
    amount_fen: int
    freight_fen: int = 0
    fen: Mapping[int, int] = field(default_factory=dict)
    kept: Mapping[int, int] = field(default_factory=dict)

    @property
    def going(self) -> Mapping[int, int]:
        """The pieces that leave the order with it."""
        return self.pieces if self.kind in {CANCEL, RETURN} else {}

    def as_told(self, case: Mapping[str, Any]) -> "Asking":
        """Check what the mall says of it, and take from there how lines share it."""
        brings = case["breakdown"]
        assert case["amount_fen"] == self.amount_fen, (case, self)
        assert brings["freight_fen"] == self.freight_fen, (case, self)
        fen = {one["line_id"]: one["amount_fen"] for one in brings["lines"]}
        assert sum(fen.values()) + self.freight_fen == self.amount_fen, (case, self)
        kept = dict(self.kept)
        for line_id, share_fen in self.fen.items() if self.kind == RETURN else ():
            less_fen = share_fen - fen.get(line_id, 0)
            assert less_fen >= 0, (case, self)
            kept[line_id] = kept.get(line_id, 0) + less_fen
        return replace(self, fen=fen, kept=kept)


@dataclass
class Account:
    """The money of one order."""

    lines: dict[int, Line]
    freight_fen: int
    freight_given_fen: int = 0
    back_fen: int = 0
    open: dict[str, Asking] = field(default_factory=dict)

    @property
    def payable_fen(self) -> int:
        return sum(line.paid_fen for line in self.lines.values()) + self.freight_fen

    def worth(
        self,
        kind: str,
        pieces: Mapping[int, int],
        amount_fen: int | None = None,
        *,
        besides: str = "",
        with_freight: bool = False,
    ) -> Asking:
        """What these pieces bring beside what all cases but `besides` ask for, or only so much."""
        others = [one for number, one in self.open.items() if number != besides]
        if kind == EXCHANGE:
            return Asking(kind, pieces, 0)
        fen = {line_id: self._share(line_id, count, others) for line_id, count in pieces.items()}
        freight_fen = 0
        if (kind == CANCEL or with_freight) and self._is_last(pieces):
            freight_fen = self.freight_fen - self.freight_given_fen
            freight_fen -= sum(one.freight_fen for one in others)
        whole_fen = sum(fen.values()) + freight_fen
        found = Asking(kind, pieces, whole_fen, freight_fen, fen)
        return found if amount_fen is None else self.cut(found, amount_fen)

    def cut(self, asking: Asking, amount_fen: int) -> Asking:
        """The same pieces for less; off freight last. How lines share the cut the mall says."""
        cut_fen = asking.amount_fen - amount_fen
        assert cut_fen >= 0
        off_freight = max(0, cut_fen - sum(asking.fen.values()))
        return replace(asking, amount_fen=amount_fen, freight_fen=asking.freight_fen - off_freight)

    def accepted(self, number: str, pieces: Mapping[int, int]) -> Asking:
        """What a return brings of which only these pieces were accepted, in proportion."""
        settled = self.open[number]
        if dict(pieces) == dict(settled.pieces):
            return settled
        whole = self.worth(settled.kind, settled.pieces, besides=number)
        found = self.worth(settled.kind, pieces, besides=number)
        goods_fen = settled.amount_fen - settled.freight_fen
        if goods_fen < whole.amount_fen:
            found = self.cut(found, found.amount_fen * goods_fen // whole.amount_fen)
        freight_fen = settled.freight_fen
        return replace(
            found,
            amount_fen=found.amount_fen - found.freight_fen + freight_fen,
            freight_fen=freight_fen,
        )

    def again(self, number: str) -> Asking:
        """What a case brings that is looked at anew; never more than was asked."""
        settled = self.open[number]
        found = self.worth(settled.kind, settled.pieces, besides=number)
        if settled.kind == CANCEL:
            return found
        return self.cut(found, min(found.amount_fen, settled.amount_fen))

    def agreed_to_cancel(self, number: str) -> Asking:
        """Pieces that may be the last ones by now: then the freight goes with them."""
        settled = self.open[number]
        found = self.worth(settled.kind, settled.pieces, besides=number)
        return found if found.amount_fen > settled.amount_fen else settled

    def give(self, number: str, asking: Asking) -> None:
        """The money of a case goes back: it is not asked for any more."""
        self.open.pop(number, None)
        for line_id, count in asking.going.items():
            self.lines[line_id].gone += count
        for line_id, fen in asking.fen.items():
            self.lines[line_id].given_fen += fen
        for line_id, fen in asking.kept.items():
            self.lines[line_id].kept_fen += fen
        self.freight_given_fen += asking.freight_fen
        self.back_fen += asking.amount_fen
        for line in self.lines.values():
            assert 0 <= line.given_fen + line.kept_fen <= line.paid_fen, (number, line)
            assert line.gone <= line.pieces, (number, line)
            if line.gone == line.pieces:
                assert line.given_fen + line.kept_fen == line.paid_fen, (number, line)
        assert self.back_fen <= self.payable_fen, number

    def _share(self, line_id: int, count: int, others: list[Asking]) -> int:
        line = self.lines[line_id]
        asked_fen = sum(one.fen.get(line_id, 0) + one.kept.get(line_id, 0) for one in others)
        left_fen = line.paid_fen - line.given_fen - line.kept_fen - asked_fen
        first = line.gone + sum(one.going.get(line_id, 0) for one in others)
        last = first + count
        if last == line.pieces:
            return left_fen
        return min(
            left_fen,
            line.paid_fen * last // line.pieces - line.paid_fen * first // line.pieces,
        )

    def _is_last(self, pieces: Mapping[int, int]) -> bool:
        return all(
            line.gone + pieces.get(line.id, 0) == line.pieces for line in self.lines.values()
        )
