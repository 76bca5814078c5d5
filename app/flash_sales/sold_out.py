"""
What each process remembers of sales that are sold out, for a moment: a refusal that costs nothing.

It is renewed from Redis by one request in a quarter of a second; the others are answered from
memory meanwhile. A key that was admitted is never answered from here: it has an answer of its own.
"""

import threading
import time
from dataclasses import dataclass

from app.flash_sales.gate import Gate, Verdict, digest_of

FRESH_SECONDS = 0.25
GOOD_SECONDS = 1.0
"""How long a memory may be used while somebody is renewing it."""
TOKENS_MOST = 50_000
"""Of a sale with more keys than that nothing is remembered."""
SKUS_MOST = 1_000


@dataclass(slots=True)
class Kept:
    """That a SKU of a sale is sold out, until when, and whose keys are not to be refused."""

    fresh_until: float
    good_until: float
    changes: int
    digests: frozenset[str]
    answered: int = 0


class Memory:
    """The sold-out SKUs of one process."""

    def __init__(self) -> None:
        self._kept: dict[tuple[int, int], Kept] = {}
        self._sales: set[int] = set()
        self._lock = threading.Lock()

    def knows(self, promotion_id: int) -> bool:
        """Say whether anything of the sale was sold out a moment ago."""
        return promotion_id in self._sales

    def refuses(self, promotion_id: int, sku_id: int, key: str) -> bool:
        """Say whether the SKU is known to be sold out for whoever comes with this key."""
        kept = self._kept.get((promotion_id, sku_id))
        if kept is None:
            return False
        now = time.monotonic()
        if now >= kept.fresh_until:
            # Ours to renew: we go on to the gate, the others are answered meanwhile.
            kept.fresh_until = min(now + FRESH_SECONDS, kept.good_until)
            return False
        if digest_of(key) in kept.digests:
            return False
        kept.answered += 1
        return True

    def keep(self, gate: Gate, promotion_id: int, sku_id: int, verdict: Verdict) -> None:
        """Remember a verdict of the gate, unless pieces are left or its keys may be too few."""
        if verdict.number > 0 or gate.breaker.is_doubtful:
            return
        before = self._kept.get((promotion_id, sku_id))
        if before is not None and before.changes == verdict.changes:
            digests = before.digests
        else:
            tokens = gate.tokens(promotion_id, most=TOKENS_MOST)
            if tokens is None:
                return
            digests = frozenset(token.partition(":")[2] for token in tokens)
        now = time.monotonic()
        kept = Kept(now + FRESH_SECONDS, now + GOOD_SECONDS, verdict.changes, digests)
        with self._lock:
            if len(self._kept) >= SKUS_MOST:
                self.forget()
            self._kept[promotion_id, sku_id] = kept
            self._sales.add(promotion_id)

    def answered(self, promotion_id: int, sku_id: int) -> int:
        """Return how many were refused from memory since this was last asked."""
        kept = self._kept.get((promotion_id, sku_id))
        if kept is None:
            return 0
        answered, kept.answered = kept.answered, 0
        return answered

    def forget(self) -> None:
        """Remember nothing."""
        self._kept, self._sales = {}, set()
