"""A page of a team with what each person brought, exact to the moment."""

from collections.abc import Sequence

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from distribution.figures import measures, rolling
from distribution.team import people
from distribution.team.people import TeamMember, TeamOrder, TeamWanted

LATEST = TeamWanted()


def team_page(
    session: Session,
    member_id: int,
    *,
    wanted: TeamWanted = LATEST,
    before: int | None = None,
    limit: int = 20,
) -> Sequence[TeamMember]:
    """
    The people wanted, with the entries added that are not rolled up yet; `before`: the last seen.

    Sorting by amount goes by the last roll-up, a minute old at most. One statement: what is rolled
    up meanwhile is seen in one place or the other, never in both.
    """
    page = people.team_query(member_id, wanted, before=before, limit=limit).subquery()
    fresh = rolling.by_person(measures.tail()).subquery()
    amounts = (page.c[name] + func.coalesce(fresh.c[name], 0) for name in rolling.OF_PERSON)
    rolled_fen = page.c.earned_fen - page.c.clawed_fen
    key = page.c.bound_at if wanted.by == TeamOrder.JOINED else rolled_fen
    rows = session.execute(
        select(page.c.member_id, page.c.level, page.c.bound_at, *amounts)
        .outerjoin(fresh, fresh.c.buyer_id == page.c.member_id)
        .order_by(key.desc(), page.c.member_id.desc()),
        measures.of_member(session, member_id),
    )
    return [TeamMember(*row) for row in rows]
