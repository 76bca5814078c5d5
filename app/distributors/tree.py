"""The tree of bindings as staff see it, a node at a time."""

from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.core import paging
from app.core.errors import Invalid
from app.members import queries as members
from app.members.queries import MemberNotFound
from distribution.reports import tree
from distribution.team import binding_rules

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)


def node(
    session: Session, member_id: int, *, cursor: str | None, limit: int, now: datetime
) -> dict[str, Any]:
    """
    Who stands above a member, up to the top, and a page of who is bound to them.

    :raises MemberNotFound: there never was such a member.
    :raises Invalid: the cursor is not one of ours.
    """
    chain = tree.above(session, member_id)
    found = tree.below(session, member_id, before=_before(cursor), limit=limit + 1)
    shown = found[:limit]
    ids = {member_id, *(each.member_id for each in chain), *(each.member_id for each in shown)}
    names = {each: brief.nickname for each, brief in members.briefs(session, ids).items()}
    if member_id not in names:
        raise MemberNotFound
    last = None
    if len(found) > limit:
        last = paging.encode((shown[-1].bound_at - EPOCH) // MICROSECOND, shown[-1].member_id)
    return {
        "member_id": member_id,
        "nickname": names[member_id],
        "above": [_named(each, names, now) for each in chain],
        "items": [_named(each, names, now) for each in shown],
        "next_cursor": last,
    }


def _named(each: tree.Above | tree.Below, names: dict[int, str], now: datetime) -> dict[str, Any]:
    return {
        **each._asdict(),
        "nickname": names.get(each.member_id, ""),
        "is_live": binding_rules.is_live(each.protection_ends_at, now=now),
    }


def _before(cursor: str | None) -> tuple[datetime, int] | None:
    if cursor is None:
        return None
    microseconds, member_id = paging.decode(cursor, int, int)
    try:
        return EPOCH + microseconds * MICROSECOND, member_id
    except OverflowError as error:
        raise Invalid(errors={"cursor": ["翻页标记无效，请从第一页开始"]}) from error
