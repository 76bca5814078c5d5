"""Limits in plain Python: every answer is a sum over what is held and used, nothing is counted."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from promotions.limits import (
    BudgetExhausted,
    GiftOut,
    LimitReached,
    MemberLimitReached,
    NotRunning,
    SourceReused,
    Use,
)


@dataclass
class Taken:
    """What one source holds or has used."""

    member_id: int
    at: datetime
    uses: list[Use]
    is_used: bool = False


@dataclass
class Limits:
    """The caps of each promotion by the names of a set-up, and what every source has."""

    caps: dict[int, dict[str, Any]]
    stopped: set[int] = field(default_factory=set)
    taken: dict[str, Taken] = field(default_factory=dict)

    def reserve(
        self, source: str, member_id: int, uses: list[Use], now: datetime
    ) -> type[Exception] | None:
        """Take all of it, or nothing and say why."""
        held = self.taken.get(source)
        if held is not None:
            return None if sorted(held.uses) == sorted(uses) else SourceReused
        if any(use.promotion_id in self.stopped for use in uses):
            return NotRunning
        for refuses in (self._refuses_all, self._refuses_member, self._refuses_gifts):
            for use in sorted(uses):
                if reason := refuses(use, member_id, now):
                    return reason
        self.taken[source] = Taken(member_id, now, uses)
        return None

    def confirm(self, source: str) -> int:
        """Use up what is held; say how many promotions that were."""
        held = self.taken.get(source)
        if held is None or held.is_used:
            return 0
        held.is_used = True
        return len(held.uses)

    def release(self, source: str) -> int:
        """Forget what is held; say how many promotions that were."""
        held = self.taken.get(source)
        if held is None or held.is_used:
            return 0
        del self.taken[source]
        return len(held.uses)

    def left(self, promotion_id: int, member_id: int | None, now: datetime) -> dict[str, Any]:
        """What a member may still have: uses, fen, pieces, and pieces of each limited gift."""
        caps = self.caps[promotion_id]

        def least(total: str, own: str, what: str) -> int | None:
            both = [
                caps[total] - self._sum(promotion_id, what) if total in caps else None,
                caps[own] - self._own(promotion_id, what, member_id, now) if own in caps else None,
            ]
            return min((one for one in both if one is not None), default=None)

        return {
            "uses": least("max_uses", "member_max_uses", "uses"),
            "budget_fen": least("budget_fen", "", "amount_fen"),
            "units": least("max_units", "member_max_units", "units"),
            "gifts": {
                sku_id: total - self._given(promotion_id, sku_id)
                for sku_id, total in caps.get("gift_stock", {}).items()
            },
        }

    def most_taken(self, promotion_id: int, what: str) -> int:
        """What all together have taken of one side of it."""
        return self._sum(promotion_id, what)

    def _of(self, promotion_id: int) -> list[tuple[Taken, Use]]:
        return [
            (taken, use)
            for taken in self.taken.values()
            for use in taken.uses
            if use.promotion_id == promotion_id
        ]

    def _sum(self, promotion_id: int, what: str) -> int:
        return sum(getattr(use, what) for _, use in self._of(promotion_id))

    def _own(self, promotion_id: int, what: str, member_id: int | None, now: datetime) -> int:
        is_daily = self.caps[promotion_id].get("member_period") == "day"
        return sum(
            getattr(use, what)
            for taken, use in self._of(promotion_id)
            if taken.member_id == member_id
            and (not is_daily or _china_day(taken.at) == _china_day(now))
        )

    def _given(self, promotion_id: int, sku_id: int) -> int:
        return sum(dict(use.gifts).get(sku_id, 0) for _, use in self._of(promotion_id))

    def _refuses_all(self, use: Use, _: int, __: datetime) -> type[Exception] | None:
        caps = self.caps[use.promotion_id]
        for cap, what in (("max_uses", "uses"), ("max_units", "units")):
            taken = self._sum(use.promotion_id, what) + getattr(use, what)
            if cap in caps and taken > caps[cap]:
                return LimitReached
        spent_fen = self._sum(use.promotion_id, "amount_fen") + use.amount_fen
        return BudgetExhausted if spent_fen > caps.get("budget_fen", spent_fen) else None

    def _refuses_member(self, use: Use, member_id: int, now: datetime) -> type[Exception] | None:
        caps = self.caps[use.promotion_id]
        for cap, what in (("member_max_uses", "uses"), ("member_max_units", "units")):
            taken = self._own(use.promotion_id, what, member_id, now) + getattr(use, what)
            if cap in caps and taken > caps[cap]:
                return MemberLimitReached
        return None

    def _refuses_gifts(self, use: Use, _: int, __: datetime) -> type[Exception] | None:
        stock = self.caps[use.promotion_id].get("gift_stock", {})
        for sku_id, pieces in use.gifts:
            taken = self._given(use.promotion_id, sku_id) + pieces
            if sku_id in stock and taken > stock[sku_id]:
                return GiftOut
        return None


def _china_day(moment: datetime) -> tuple[int, int, int]:
    there = moment + timedelta(hours=8)
    return (there.year, there.month, there.day)
