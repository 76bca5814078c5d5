"""
`ledger`: orders posted and commissions matured a second, beside raw SQL that writes the same rows.

Both sides speak to the mall's PostgreSQL from this process, so that nothing but the engine lies
between them. The limit of posting is one transaction of prepared statements that asks nothing and
checks nothing; the limit of maturing is one statement a batch.
"""

import itertools
import json
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor, ThreadPoolExecutor
from datetime import UTC, datetime
from multiprocessing import get_context
from statistics import median
from time import perf_counter

from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from bench.course import Course
from bench.ledger_raw import Raw
from distribution import commissions, team
from distribution.commissions import PaidLine, rules
from distribution.commissions.rules import CommissionRules
from distribution.team import joining, joining_rules
from distribution.team.joining_rules import JoiningRules
from distribution.team.states import Joining

NOW = datetime(2026, 11, 11, 4, tzinfo=UTC)
FIRST_MEMBER = 10**9
"""Nobody of the mall has such an id."""
TEAMS = 1_000
"""Buyers with two people above each; orders take turns among them."""
ROUNDS = 5
SECONDS = 2.0
WARM = 50
"""Orders of a process before its clock runs."""
BATCHES = 3
"""How many batches one side matures in one round."""

Rounds = list[tuple[float, float]]


def ledger(course: Course) -> None:
    """Posting by one thread, by two, and by two processes, then maturing."""
    course.mall.family.stop("worker")  # It would mature what is ours.
    measure(course.database_url)
    course.mall.start_worker()


def measure(database_url: str) -> None:
    """Every figure, on the database at this libpq address."""
    engine = _engine(database_url)
    with Session(engine) as session:
        _make_teams(session)
        session.commit()
    raw = Raw(database_url, FIRST_MEMBER, NOW)
    for threads in (1, 2):
        _posting(lambda number: _post(engine, number), raw, threads)
    _posting_apart(database_url, processes=2)
    _maturing(lambda: _mature(engine), raw)
    raw.close()
    engine.dispose()


def _engine(database_url: str) -> Engine:
    address = database_url.replace("postgresql://", "postgresql+psycopg://")
    return create_engine(address, connect_args={"prepare_threshold": 0})


def _make_teams(session: Session) -> None:
    two = CommissionRules(levels=2, level1_bp=1000, level2_bp=500)
    rules.change(session, two, changed_by="bench", now=NOW)
    anybody = JoiningRules(way=Joining.OPEN)
    joining_rules.change(session, anybody, changed_by="bench", now=NOW)
    for number in range(TEAMS):
        buyer_id, near_id, far_id = (_buyer(number) + place * TEAMS for place in range(3))
        for member_id, upline_id in ((near_id, far_id), (buyer_id, near_id)):
            code = joining.join(session, member_id=upline_id, now=NOW).invite_code
            team.bind(session, member_id=member_id, invite_code=code, origin="code", now=NOW)


def _buyer(number: int) -> int:
    return FIRST_MEMBER + number % TEAMS


def _post(engine: Engine, number: int) -> None:
    """One order of one line, in a transaction of its own."""
    source = f"bench:{number}"
    line = PaidLine(line_source=f"{source}:1", sku_id=1, spu_id=1, paid_fen=9_900)
    with Session(engine) as session:
        commissions.accrue(
            session, order_source=source, buyer_id=_buyer(number), lines=[line], now=NOW
        )
        session.commit()


def _mature(engine: Engine) -> int:
    with Session(engine) as session:
        matured = commissions.mature_due(session, now=NOW)
        session.commit()
        return matured


def _posting(ours: Callable[[int], None], raw: Raw, threads: int) -> None:
    name = f"ledger_post_{threads}_threads"
    numbers = itertools.count(threads * 10**9)
    rounds = []
    for number in range(ROUNDS):
        print(f"  {name}: round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
        sides = (ours, lambda each: raw.post(each, _buyer(each)))
        value, limit = (_rate(side, numbers, threads) for side in sides)
        rounds.append((value, limit))
    _print(name, "orders/s", rounds)


def _rate(step: Callable[[int], None], numbers: Iterator[int], threads: int) -> float:
    """How many orders these threads post a second."""

    def run(_: int) -> int:
        done = 0
        while perf_counter() - started < SECONDS:
            step(next(numbers))
            done += 1
        return done

    with ThreadPoolExecutor(threads) as pool:
        started = perf_counter()
        done = sum(pool.map(run, range(threads)))
        return done / (perf_counter() - started)


def _posting_apart(database_url: str, *, processes: int) -> None:
    """Posting by processes of their own, as servers and workers do it: none waits for another."""
    name = f"ledger_post_{processes}_processes"
    bases = itertools.count(10**12, 10**9)
    rounds = []
    with ProcessPoolExecutor(processes, mp_context=get_context("fork")) as pool:
        for number in range(ROUNDS):
            print(f"  {name}: round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
            rates = []
            for side in (_ours_apart, _raw_apart):
                shares = [(database_url, next(bases)) for _ in range(processes)]
                rates.append(sum(pool.map(side, shares)))
            rounds.append((rates[0], rates[1]))
    _print(name, "orders/s", rounds)


def _ours_apart(share: tuple[str, int]) -> float:
    engine = _engine(share[0])
    rate = _alone(lambda number: _post(engine, number), share[1])
    engine.dispose()
    return rate


def _raw_apart(share: tuple[str, int]) -> float:
    raw = Raw(share[0], FIRST_MEMBER, NOW)
    raw.close()  # What it asked began a transaction, and each order is to be one of its own.
    rate = _alone(lambda number: raw.post(number, _buyer(number)), share[1])
    raw.close()
    return rate


def _alone(step: Callable[[int], None], base: int) -> float:
    """The rate of this process, once its statements are prepared."""
    for number in range(base, base + WARM):
        step(number)
    return _rate(step, itertools.count(base + WARM), 1)


def _maturing(ours: Callable[[], int], raw: Raw) -> None:
    """Whole batches, of commissions that were made for the side that matures them."""
    rounds = []
    for number in range(ROUNDS):
        print(f"  ledger_mature: round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
        sides: tuple[Callable[[], int], ...] = (ours, lambda: raw.mature(commissions.BATCH))
        rates = []
        for place, mature in enumerate(sides):
            raw.fill(f"fill:{number}:{place}", BATCHES * commissions.BATCH, TEAMS)
            started = perf_counter()
            matured = sum(mature() for _ in range(BATCHES))
            rates.append(matured / (perf_counter() - started))
            assert matured == BATCHES * commissions.BATCH, f"only {matured} matured"
        rounds.append((rates[0], rates[1]))
    _print("ledger_mature", "commissions/s", rounds)


def _print(name: str, unit: str, rounds: Rounds) -> None:
    value, limit = (median(side) for side in zip(*rounds, strict=True))
    figure = {
        "name": name,
        "value": round(value),
        "unit": unit,
        "limit": round(limit),
        "ratio": round(median(ours / best for ours, best in rounds), 3),
    }
    print(json.dumps(figure), flush=True)
