"""
The trial balance of each day: what all accounts of a kind were debited and credited, day by day.

A day is closed once, some time after its end and only up to where history is settled (`horizon`),
and never written again. Days follow each other without a gap. A day's balances are those of every
posting recorded before its end that was there when it was closed; what came later is counted by
the next day, as late. Without late postings, a day says what `as_of` says of its last moment.
"""

from collections.abc import Iterator, Sequence
from datetime import UTC, date, datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, insert, select, text
from sqlalchemy.orm import Session

from distribution import locks
from distribution.base import Moment
from distribution.ledger import DEBIT_NORMAL, horizon
from distribution.ledger.models import Posting
from distribution.ledger.states import AccountKind
from distribution.reports.models import TrialBalance, TrialDay

BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)
"""When the first day starts: whatever was recorded before its end belongs to it."""

_COUNTED = """
    counted AS MATERIALIZED (
        SELECT id, recorded_at < :starts_at AS is_late FROM posting
        WHERE id >= :open_id AND id <= :settled_to AND recorded_at < :ends_at
          AND (recorded_at >= :starts_at OR id > :last_id))
"""
_DAY = text(
    f"""
    WITH {_COUNTED}
    SELECT (SELECT count(*) FROM counted) AS postings,
           (SELECT count(*) FROM counted WHERE is_late) AS late_postings,
           count(entry.id) AS entries, coalesce(sum(amount_fen), 0) AS amount_fen,
           coalesce((SELECT min(id) FROM posting
                     WHERE id >= :open_id AND id <= :settled_to AND recorded_at >= :ends_at),
                    :settled_to + 1) AS open_posting_id
    FROM entry JOIN counted ON counted.id = posting_id
    WHERE posting_id >= :open_id AND posting_id <= :settled_to
    """  # noqa: S608  # Put together from the constant above.
).bindparams(bindparam("starts_at", type_=Moment), bindparam("ends_at", type_=Moment))
_MOVED = text(
    f"""
    WITH {_COUNTED},
    side AS (
        SELECT debit_account_id AS account_id, amount_fen AS debited, 0 AS credited
        FROM entry JOIN counted ON counted.id = posting_id
        WHERE posting_id >= :open_id AND posting_id <= :settled_to
        UNION ALL
        SELECT credit_account_id, 0, amount_fen
        FROM entry JOIN counted ON counted.id = posting_id
        WHERE posting_id >= :open_id AND posting_id <= :settled_to)
    SELECT kind, sum(debited) AS debited, sum(credited) AS credited
    FROM side JOIN account ON account.id = account_id GROUP BY kind
    """  # noqa: S608  # Put together from the constant above.
).bindparams(bindparam("starts_at", type_=Moment), bindparam("ends_at", type_=Moment))
_AGAIN = text(
    """
    WITH counted AS (
        SELECT posting.id, own.day
        FROM posting CROSS JOIN LATERAL (
            SELECT day FROM trial_day
            WHERE ends_at > recorded_at AND last_posting_id >= posting.id
            ORDER BY day LIMIT 1) AS own),
    side AS (
        SELECT day, debit_account_id AS account_id, amount_fen AS debited, 0 AS credited
        FROM entry JOIN counted ON counted.id = posting_id
        UNION ALL
        SELECT day, credit_account_id, 0, amount_fen
        FROM entry JOIN counted ON counted.id = posting_id),
    moved AS (
        SELECT day, kind, sum(debited) AS debited, sum(credited) AS credited
        FROM side JOIN account ON account.id = account_id GROUP BY day, kind),
    said AS (
        SELECT day, kind, day_debited_fen, day_credited_fen,
               debited_fen - coalesce(lag(debited_fen) OVER past, 0) AS grown_debit,
               credited_fen - coalesce(lag(credited_fen) OVER past, 0) AS grown_credit
        FROM trial_balance WINDOW past AS (PARTITION BY kind ORDER BY day))
    SELECT coalesce(said.day, moved.day) AS day, coalesce(said.kind, moved.kind) AS kind,
           day_debited_fen, day_credited_fen, grown_debit, grown_credit,
           coalesce(debited, 0) AS debited, coalesce(credited, 0) AS credited
    FROM said FULL JOIN moved USING (day, kind)
    WHERE (day_debited_fen, day_credited_fen, grown_debit, grown_credit) IS DISTINCT FROM
          (coalesce(debited, 0), coalesce(credited, 0), coalesce(debited, 0), coalesce(credited, 0))
    ORDER BY 1, 2
    """
)
_TOTALS = text(
    """
    SELECT day, 'counts' AS kind FROM trial_day AS told
    LEFT JOIN LATERAL (
        SELECT sum(day_debited_fen) AS debited, sum(day_credited_fen) AS credited
        FROM trial_balance WHERE trial_balance.day = told.day) AS total ON true
    WHERE total.debited IS DISTINCT FROM amount_fen OR total.credited IS DISTINCT FROM amount_fen
       OR (EXISTS (SELECT FROM trial_day AS first WHERE first.day < told.day)
           AND NOT EXISTS (SELECT FROM trial_day AS before WHERE before.day = told.day - 1))
    ORDER BY 1
    """
)


class Balance(NamedTuple):
    """All accounts of one kind at the end of a day, in fen."""

    kind: AccountKind
    debited_fen: int
    credited_fen: int
    day_debited_fen: int
    day_credited_fen: int

    @property
    def balance_fen(self) -> int:
        """What the accounts hold: of those that grow by debits, debits less credits."""
        net = self.debited_fen - self.credited_fen
        return net if self.kind in DEBIT_NORMAL else -net


class Wrong(NamedTuple):
    """A day that does not say what its entries do."""

    day: date
    detail: str


def open_since(session: Session) -> datetime | None:
    """
    From which moment on days are still to be closed; None if nothing was ever posted.

    It is the end of the last closed day, or else when the first posting was recorded.
    """
    last = session.scalar(select(TrialDay.ends_at).order_by(TrialDay.day.desc()).limit(1))
    return last or session.scalar(select(Posting.recorded_at).order_by(Posting.id).limit(1))


def close(session: Session, *, day: date, ends_at: datetime, now: datetime) -> bool:
    """
    Write the trial balance of a day that is over; False if it is there already.

    False, too, if somebody has been writing for too long to say what is settled: ask again later.

    :raises ValueError: the day is not over, or not the one after the last that was closed.
    """
    if ends_at > now:
        raise ValueError(f"{day} ends at {ends_at}, it is {now}")
    locks.hold_days(session)
    last = session.scalar(select(TrialDay).order_by(TrialDay.day.desc()).limit(1))
    if last is not None and day <= last.day:
        return False
    if last is not None and day != last.day + timedelta(days=1):
        raise ValueError(f"{day} does not follow {last.day}")
    settled_to = horizon.settled(session, "posting")
    if settled_to is None:
        return False
    _write(session, last, day=day, ends_at=ends_at, settled_to=settled_to, now=now)
    return True


def days(
    session: Session, *, before: date | None = None, limit: int = 31
) -> Sequence[tuple[TrialDay, Sequence[Balance]]]:
    """Closed days with their balances, the latest first; `before` is the last day seen."""
    query = select(TrialDay).order_by(TrialDay.day.desc()).limit(limit)
    if before is not None:
        query = query.where(TrialDay.day < before)
    found = session.scalars(query).all()
    balances: dict[date, list[Balance]] = {each.day: [] for each in found}
    columns = (TrialBalance.day, *(getattr(TrialBalance, name) for name in Balance._fields))
    rows = session.execute(select(*columns).where(TrialBalance.day.in_(balances)))
    for each_day, *figures in rows:
        balances[each_day].append(Balance(*figures))
    kinds = list(AccountKind)
    return [
        (each, sorted(balances[each.day], key=lambda one: kinds.index(one.kind))) for each in found
    ]


def verify(session: Session) -> Iterator[Wrong]:
    """Every closed day whose figures are not those of the entries it counts."""
    for row in session.execute(_AGAIN):
        yield Wrong(row.day, _difference(row))
    for row in session.execute(_TOTALS):
        yield Wrong(row.day, "its totals differ from its accounts, or the day before is missing")


def _difference(row: Row[*tuple[Any, ...]]) -> str:
    return (
        f"{row.kind} has {row.day_debited_fen}/{row.day_credited_fen} and grows by"
        f" {row.grown_debit}/{row.grown_credit}, entries have {row.debited}/{row.credited}"
    )


def _write(
    session: Session,
    last: TrialDay | None,
    *,
    day: date,
    ends_at: datetime,
    settled_to: int,
    now: datetime,
) -> None:
    asked = {
        "open_id": last.open_posting_id if last else 0,
        "last_id": last.last_posting_id if last else 0,
        "starts_at": last.ends_at if last else BEGINNING,
        "settled_to": settled_to,
        "ends_at": ends_at,
    }
    counts = session.execute(_DAY, asked).one()._asdict()
    moved = {
        row.kind: (int(row.debited), int(row.credited)) for row in session.execute(_MOVED, asked)
    }
    before = _totals(session, last)
    session.execute(
        insert(TrialDay).values(
            day=day, ends_at=ends_at, last_posting_id=settled_to, closed_at=now, **counts
        )
    )
    rows = []
    for kind in AccountKind:
        debited_fen, credited_fen = moved.get(kind, (0, 0))
        past_debited_fen, past_credited_fen = before.get(kind, (0, 0))
        rows.append(
            {
                "day": day,
                "kind": kind,
                "debited_fen": past_debited_fen + debited_fen,
                "credited_fen": past_credited_fen + credited_fen,
                "day_debited_fen": debited_fen,
                "day_credited_fen": credited_fen,
            }
        )
    session.execute(insert(TrialBalance), rows)


def _totals(session: Session, last: TrialDay | None) -> dict[AccountKind, tuple[int, int]]:
    if last is None:
        return {}
    rows = session.execute(
        select(TrialBalance.kind, TrialBalance.debited_fen, TrialBalance.credited_fen).where(
            TrialBalance.day == last.day
        )
    )
    return {row.kind: (row.debited_fen, row.credited_fen) for row in rows}
