"""
The way through the gate: asked first, settled after, and open without it.

The gate is asked before any transaction begins. What it lets through is done by the database, whose
word alone counts: a commit clears the token, a refusal gives the ticket back, and of what ends in
any other way nothing is said here, because nobody knows yet. The sweeper asks.
"""

from collections.abc import Callable
from datetime import datetime
from typing import TypeVar

from app.core import logs
from app.core.db import db
from app.core.errors import AppError
from app.core.idempotency import RequestInProgress
from app.core.remembered import Remembered
from app.flash_sales import board, sweeping
from app.flash_sales.extension import Entrance
from app.flash_sales.gate import Attempt, Verdict, Word
from app.flash_sales.service import SaleLimitReached, SoldOut
from app.flash_sales.sold_out import Memory

Answer = TypeVar("Answer")

_mended: Remembered[int, bool] = Remembered(seconds=0.5, most=1_000)
"""The sales whose gate was mended this moment because the database had contradicted it."""


CONTRADICTIONS = (SoldOut, SaleLimitReached)
"""What the database says only if the gate thought otherwise."""


def enter(
    entrance: Entrance, attempt: Attempt, work: Callable[[], Answer], *, now: datetime
) -> Answer:
    """
    Do the work of an attempt, a transaction that places the order, if the gate lets it through.

    :raises SoldOut: too few pieces are left.
    :raises SaleLimitReached: the member has taken what one person may.
    :raises Busy: the gate is lost or gone, and too many are going to the database already.
    """
    gate = entrance.gate
    more = entrance.memory.answered(attempt.promotion_id, attempt.sku_id)
    verdict = gate.ask(attempt, now=now, more=more)
    if verdict.word is Word.LOST and sweeping.refresh(gate, attempt.promotion_id, now=now):
        verdict = gate.ask(attempt, now=now)
    if verdict.word in {Word.LOST, Word.AWAY}:
        with gate.place():
            return _carry(entrance, attempt, work, now=now)
    if verdict.word in {Word.SOLD_OUT, Word.LIMIT}:
        _refuse(entrance, attempt, verdict)
    return _carry(entrance, attempt, work, now=now)


def refuse_from_memory(memory: Memory, promotion_id: int, sku_id: object, key: str) -> None:
    """
    Refuse at once whoever asks for what is known to be gone.

    :raises SoldOut: it was sold out a moment ago.
    """
    if isinstance(sku_id, int) and memory.refuses(promotion_id, sku_id, key):
        logs.count_only()
        raise SoldOut(left=0)


def _carry(
    entrance: Entrance, attempt: Attempt, work: Callable[[], Answer], *, now: datetime
) -> Answer:
    """Do the work, and tell the gate what became of it where that is certain."""
    board.count(attempt.promotion_id, board.Mark.ADMITTED)
    try:
        answer = work()
    except RequestInProgress:
        raise  # Somebody else carries the same token.
    except AppError as refusal:
        entrance.gate.give_back(attempt)
        if isinstance(refusal, CONTRADICTIONS):
            _mend(entrance, attempt.promotion_id, now=now)
        raise
    entrance.gate.clear(attempt)
    return answer


def _refuse(entrance: Entrance, attempt: Attempt, verdict: Verdict) -> None:
    """Refuse, unless the key has an answer of which Redis may not know."""
    gate = entrance.gate
    if gate.breaker.is_doubtful:
        with gate.place():
            if sweeping.is_committed(db.session(), attempt.member_id, attempt.key):
                return
    logs.count_only()
    if verdict.word is Word.LIMIT:
        raise SaleLimitReached(limit=verdict.number)
    entrance.memory.keep(gate, attempt.promotion_id, attempt.sku_id, verdict)
    raise SoldOut(left=verdict.number)


def _mend(entrance: Entrance, promotion_id: int, *, now: datetime) -> None:
    """Have a gate that the database contradicted learn the truth, not more than twice a second."""
    if _mended.get(promotion_id) is None:
        _mended.put(promotion_id, value=True)
        sweeping.refresh(entrance.gate, promotion_id, now=now)
