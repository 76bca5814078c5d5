"""
Who has which grade: reached by what was sold, looked at again after its days, or given by hand.

A higher grade is reached at once; a lower one only follows from a review, or from staff. Locks: the
grades concerned, then distributors by id. Whoever was changed by somebody else at that moment is
left to the next look.
"""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

from sqlalchemy import ARRAY, BigInteger, any_, bindparam, insert, select, text, update
from sqlalchemy.orm import Session

from distribution.base import Moment, bigints
from distribution.team import conditions, facts, grades, standing
from distribution.team.conditions import Facts, Grade
from distribution.team.grade_models import DistributorGrade, GradeLog
from distribution.team.models import Distributor
from distribution.team.states import DistributorStatus, GradeCause

BATCH = 5_000
"""How many distributors one transaction looks at."""


_GIVE = text(
    """
    UPDATE distributor
    SET grade_id = given.grade_id, grade_review_at = review_at, is_grade_locked = false,
        graded_at = CASE WHEN distributor.grade_id IS DISTINCT FROM given.grade_id THEN :now
                         ELSE graded_at END
    FROM unnest(:members, :grades, :reviews) AS given (member_id, grade_id, review_at)
    WHERE distributor.member_id = given.member_id
    """
).bindparams(
    bindparam("members", type_=ARRAY(BigInteger)),
    bindparam("grades", type_=ARRAY(BigInteger)),
    bindparam("reviews", type_=ARRAY(Moment)),
    bindparam("now", type_=Moment),
)


class _Held(NamedTuple):
    """The grade somebody has now, and whether its days are over."""

    grade_id: int | None
    review_at: datetime | None


class _Move(NamedTuple):
    """From one grade to another, or the same one confirmed for its days."""

    member_id: int
    held: _Held
    target: Grade | None
    is_lift: bool
    facts: Facts
    """What counted for it."""


def evaluate(session: Session, member_ids: Collection[int], *, now: datetime) -> int:
    """
    Give each active distributor among them the grade they have reached; returns how many changed.

    A grade locked by staff stays. A lower grade follows only when the days of the held one are
    over and its conditions were not met in them.
    """
    ladder = grades.in_use(session)
    if not any(grade.conditions.thresholds for grade in ladder):
        return 0
    held = _held(session, member_ids)
    looks = _looks(session, ladder, list(held), now=now)
    return _apply(session, _moves(ladder, held, looks, now=now), GradeCause.EARNED, now=now)


def review(session: Session, *, after: int, now: datetime, limit: int = BATCH) -> int | None:
    """
    Look at the next distributors by id after `after`; returns the last one, None if none is left.
    """
    ids = session.scalars(
        select(Distributor.member_id)
        .where(Distributor.member_id > after, Distributor.status == DistributorStatus.ACTIVE)
        .order_by(Distributor.member_id)
        .limit(limit)
    ).all()
    if not ids:
        return None
    evaluate(session, ids, now=now)
    return ids[-1]


def give(
    session: Session,
    *,
    member_id: int,
    grade_id: int | None,
    is_locked: bool,
    reason: str,
    actor: str,
    now: datetime,
) -> None:
    """
    Give somebody a grade by hand, or take it (None); locked, conditions do not change it any more.

    :raises UnknownDistributor: the member is no distributor.
    :raises UnknownGrade: there is none such in use.
    """
    target = None if grade_id is None else _kept_in_use(session, [grade_id]).get(grade_id)
    if grade_id is not None and target is None:
        raise grades.UnknownGrade(f"no grade {grade_id} in use")
    before = session.execute(
        select(Distributor.grade_id)
        .where(Distributor.member_id == member_id)
        .with_for_update(key_share=True)
    ).one_or_none()
    if before is None:
        raise standing.UnknownDistributor(f"member {member_id} is not a distributor")
    values = {
        "grade_id": grade_id,
        "graded_at": now,
        "grade_review_at": None if is_locked else _review_at(target, now),
        "is_grade_locked": is_locked,
    }
    session.execute(
        update(Distributor).where(Distributor.member_id == member_id).values(values),
        execution_options={"synchronize_session": False},
    )
    session.execute(
        insert(GradeLog).values(
            member_id=member_id,
            from_grade_id=before.grade_id,
            grade_id=grade_id,
            cause=GradeCause.STAFF,
            is_locked=is_locked,
            reason=reason,
            actor=actor,
            changed_at=now,
        )
    )


def archive(session: Session, grade_id: int, *, now: datetime) -> int:
    """
    Take a grade out of use; who has it gets the best grade they have reached otherwise, or none.

    Returns how many had it.

    :raises UnknownGrade: there is none, or it is archived already.
    """
    grades.mark_archived(session, grade_id, now=now)
    holders = session.execute(
        select(Distributor.member_id, Distributor.grade_id, Distributor.grade_review_at)
        .where(Distributor.grade_id == grade_id)
        .order_by(Distributor.member_id)
        .with_for_update(key_share=True)
    ).all()
    ladder = grades.in_use(session)
    ids = [row.member_id for row in holders]
    looks = _looks(session, ladder, ids, now=now)
    moves = [
        _Move(
            row.member_id,
            _Held(row.grade_id, row.grade_review_at),
            conditions.best(ladder, looks[row.member_id]),
            is_lift=False,
            facts=looks[row.member_id][None],
        )
        for row in holders
    ]
    _write(session, moves, GradeCause.ARCHIVED, now=now)
    return len(moves)


def history(session: Session, member_id: int) -> Sequence[GradeLog]:
    """Every grade a distributor was ever given or lost, the latest first."""
    query = select(GradeLog).where(GradeLog.member_id == member_id)
    return session.scalars(query.order_by(GradeLog.id.desc())).all()


def _held(session: Session, member_ids: Collection[int]) -> dict[int, _Held]:
    rows = session.execute(
        select(Distributor.member_id, Distributor.grade_id, Distributor.grade_review_at).where(
            Distributor.member_id == any_(bigints(member_ids)),
            Distributor.status == DistributorStatus.ACTIVE,
            ~Distributor.is_grade_locked,
        )
    )
    return {row.member_id: _Held(row.grade_id, row.grade_review_at) for row in rows}


def _looks(
    session: Session, ladder: Sequence[Grade], member_ids: Sequence[int], *, now: datetime
) -> dict[int, dict[int | None, Facts]]:
    """Everybody's facts, ever and as far back as each grade looks. One query for each."""
    looks: dict[int, dict[int | None, Facts]] = {member_id: {} for member_id in member_ids}
    for days in {None, *(grade.keep_days for grade in ladder)}:
        since = None if days is None else now - timedelta(days=days)
        for member_id, found in facts.of(session, member_ids, since=since).items():
            looks[member_id][days] = found
    return looks


def _moves(
    ladder: Sequence[Grade],
    held: Mapping[int, _Held],
    looks: Mapping[int, Mapping[int | None, Facts]],
    *,
    now: datetime,
) -> list[_Move]:
    known = {grade.id: grade for grade in ladder}
    moves = []
    for member_id, has in held.items():
        present = known.get(has.grade_id) if has.grade_id is not None else None
        is_due = has.review_at is not None and has.review_at <= now
        target = conditions.verdict(present, ladder, looks[member_id], is_due=is_due)
        if target != present or is_due:
            is_lift = target is not None and (present is None or target.rank > present.rank)
            basis = target if is_lift else present
            days = basis.keep_days if basis else None
            moves.append(_Move(member_id, has, target, is_lift, looks[member_id][days]))
    return moves


def _apply(session: Session, moves: Sequence[_Move], cause: GradeCause, *, now: datetime) -> int:
    """Make the moves of those whom nobody has changed meanwhile."""
    if not moves:
        return 0
    in_use = _kept_in_use(session, {move.target.id for move in moves if move.target})
    unchanged = dict(
        session.execute(
            select(Distributor.member_id, Distributor.grade_id)
            .where(
                Distributor.member_id == any_(bigints(move.member_id for move in moves)),
                Distributor.status == DistributorStatus.ACTIVE,
                ~Distributor.is_grade_locked,
            )
            .order_by(Distributor.member_id)
            .with_for_update(key_share=True)
        ).all()
    )
    made = [
        move
        for move in moves
        if move.member_id in unchanged
        and unchanged[move.member_id] == move.held.grade_id
        and (move.target is None or move.target.id in in_use)
    ]
    _write(session, made, cause, now=now)
    return len([move for move in made if _id(move) != move.held.grade_id])


def _write(session: Session, moves: Sequence[_Move], cause: GradeCause, *, now: datetime) -> None:
    """Write moves of distributors whose rows are locked, and put the changes on record."""
    if not moves:
        return
    columns = {
        "members": [move.member_id for move in moves],
        "grades": [_id(move) for move in moves],
        "reviews": [_review_at(move.target, now) for move in moves],
    }
    session.execute(_GIVE, {**columns, "now": now})
    changed = [_logged(move, cause, now=now) for move in moves if _id(move) != move.held.grade_id]
    if changed:
        session.execute(insert(GradeLog), changed)


def _logged(move: _Move, cause: GradeCause, *, now: datetime) -> dict[str, Any]:
    if cause == GradeCause.EARNED and not move.is_lift:
        cause = GradeCause.REVIEW
    return {
        "member_id": move.member_id,
        "from_grade_id": move.held.grade_id,
        "grade_id": _id(move),
        "cause": cause,
        "is_locked": False,
        "facts": move.facts._asdict(),
        "actor": standing.SYSTEM,
        "changed_at": now,
    }


def _id(move: _Move) -> int | None:
    return move.target.id if move.target else None


def _review_at(grade: Grade | None, now: datetime) -> datetime | None:
    """When a grade given now is looked at again; None: never."""
    if grade is None or grade.keep_days is None:
        return None
    return now + timedelta(days=grade.keep_days)


def _kept_in_use(session: Session, grade_ids: Collection[int]) -> dict[int, Grade]:
    """Those of the grades that are in use, and stay so until the transaction ends."""
    session.execute(
        select(DistributorGrade.id)
        .where(DistributorGrade.id == any_(bigints(grade_ids)))
        .order_by(DistributorGrade.id)
        .with_for_update(read=True)
    )
    return {grade.id: grade for grade in grades.in_use(session) if grade.id in set(grade_ids)}
