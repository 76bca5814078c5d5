"""
`ledger_pages`: what a distributor opens costs the same however much history and team there is.

The same questions are asked of a quiet distributor in a small ledger, then in a large one, and of a
busy distributor there: each figure is the busy one's median, its limit the quiet one's in the small
ledger, in microseconds. `ledger_pages_full` is the same with ten million entries, which take
minutes to load and gigabytes to keep.
"""

import json
import sys
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from statistics import median
from time import perf_counter
from typing import NamedTuple

import psycopg
from sqlalchemy import Engine, create_engine
from sqlalchemy.orm import Session

from bench.course import Course
from bench.ledger_rows import OTHERS, Rows
from distribution import queries
from distribution.team import people

NOW = datetime(2026, 11, 11, 4, tzinfo=UTC)
FIRST = 2 * 10**9
"""Nobody of the mall or of the other benches has such an id."""
QUIET, BUSY = FIRST, FIRST + 1
CROWD = FIRST + 10**6
QUIET_TEAM, BUSY_TEAM = FIRST + 2 * 10**6, FIRST + 3 * 10**6
PAGE = 10
"""How long a page is: as long as all the quiet one has, so that both read the same."""
ASKED = 400
"""How often each question is asked in one round."""
ROUNDS = 5


class Size(NamedTuple):
    """How many entries there are of the quiet and the busy one, and of all before and after."""

    quiet: int
    busy: int
    before: int
    after: int
    team: int


SMALL = Size(quiet=10, busy=100_000, before=10_000, after=1_000_000, team=100_000)
FULL = Size(quiet=10, busy=1_000_000, before=10_000, after=10_000_000, team=100_000)

Question = Callable[[Session, int], object]
QUESTIONS: dict[str, Question] = {
    "summary": queries.summary,
    "statement": lambda session, member_id: queries.statement(session, member_id, limit=PAGE),
    "team_counts": people.team_counts,
    "team_level1": lambda session, member_id: people.team_members(
        session, member_id, level=1, limit=PAGE
    ),
    "team_level2": lambda session, member_id: people.team_members(
        session, member_id, level=2, limit=PAGE
    ),
}


def ledger_pages(course: Course) -> None:
    """In the size for every day: a million entries."""
    _on(course, SMALL)


def ledger_pages_full(course: Course) -> None:
    """In the size that is promised: ten million entries, of which a million are one person's."""
    _on(course, FULL)


def measure(database_url: str, size: Size) -> None:
    """Every figure, on the database at this libpq address."""
    address = database_url.replace("postgresql://", "postgresql+psycopg://")
    engine = create_engine(address, connect_args={"prepare_threshold": 0})
    with psycopg.connect(database_url, autocommit=True) as connection:
        rows = Rows(connection, NOW)
        _begin(rows, size)
        alone = _medians(engine, [QUIET])
        _say(f"loading {size.after} entries")
        rows.earned(BUSY, size.busy)
        rows.others(CROWD, size.before, size.after - size.before - size.busy)
        rows.settle()
    beside = _medians(engine, [QUIET, BUSY])
    engine.dispose()
    for name in QUESTIONS:
        limit, value = alone[QUIET, name], beside[BUSY, name]
        figure = {
            "name": f"ledger_{name}",
            "value": round(value),
            "unit": "µs",
            "limit": round(limit),
            "ratio": round(limit / value, 3),
            "quiet_in_large": round(beside[QUIET, name]),
        }
        print(json.dumps(figure, ensure_ascii=False), flush=True)


def _on(course: Course, size: Size) -> None:
    course.mall.family.stop("worker")  # It would chain what is ours; the mall is thrown away.
    measure(course.database_url, size)


def _begin(rows: Rows, size: Size) -> None:
    """The small ledger, and both teams: they do not depend on it."""
    rows.distributors(QUIET, 2)
    rows.distributors(CROWD, OTHERS)
    rows.earned(QUIET, size.quiet)
    rows.others(CROWD, 0, size.before)
    rows.team(QUIET, first=QUIET_TEAM, near=PAGE, people=2 * PAGE)
    rows.team(BUSY, first=BUSY_TEAM, near=size.team // 100, people=size.team)
    rows.settle()


def _medians(engine: Engine, members: list[int]) -> dict[tuple[int, str], float]:
    """The median of each question about each of these members, in microseconds."""
    took: dict[tuple[int, str], list[float]] = {}
    for number in range(ROUNDS):
        _say(f"ledger_pages: round {number + 1} of {ROUNDS}")
        for name, question in QUESTIONS.items():
            for member_id in members:
                took.setdefault((member_id, name), []).extend(_asked(engine, question, member_id))
    return {key: median(times) for key, times in took.items()}


def _asked(engine: Engine, question: Question, member_id: int) -> Iterator[float]:
    with Session(engine) as session:
        for _ in range(ASKED):
            started = perf_counter()
            question(session, member_id)
            yield (perf_counter() - started) * 1e6


def _say(line: str) -> None:
    print(f"  {line}", file=sys.stderr, flush=True)
