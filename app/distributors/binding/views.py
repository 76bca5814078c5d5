"""Bindings as members and staff see them."""

from dataclasses import asdict
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core import paging
from app.distributors import views as shop
from app.distributors import wording
from app.members import queries as members
from app.members.queries import MemberBrief, MemberNotFound
from distribution.team import binding_rules, clicks, rebinding, tree
from distribution.team.clicks import Clicked
from distribution.team.models import Binding, BindingLog, ShareClick


def bound(session: Session, found: Binding) -> dict[str, Any]:
    """A binding as the member sees it: whose they are, masked."""
    upline_id = found.upline_member_id
    known = members.briefs(session, [upline_id])
    return {
        "upline": wording.name_of(known.get(upline_id)),
        "bound_at": found.bound_at,
        "protection_ends_at": found.protection_ends_at,
    }


def of_member(session: Session, member_id: int) -> dict[str, Any]:
    """The same, with nulls if they are nobody's."""
    found = tree.bound(session, member_id)
    if found is None:
        return {"upline": None, "bound_at": None, "protection_ends_at": None}
    return bound(session, found)


def for_staff(session: Session, member_id: int, *, now: datetime) -> dict[str, Any]:
    """
    A member's binding as staff see it; nulls if they are nobody's.

    :raises MemberNotFound: there never was such a member.
    """
    found = tree.bound(session, member_id)
    upline_id = found.upline_member_id if found else None
    names = _names(session, member_id, upline_id)
    if member_id not in names:
        raise MemberNotFound
    return {
        "member_id": member_id,
        "nickname": names[member_id],
        "upline_member_id": upline_id,
        "upline": names.get(upline_id),
        "bound_at": found.bound_at if found else None,
        "protection_ends_at": found.protection_ends_at if found else None,
        "is_live": found is not None and binding_rules.is_live(found.protection_ends_at, now=now),
    }


def history(session: Session, member_id: int, *, cursor: str | None, limit: int) -> dict[str, Any]:
    """
    A page of what the log says of a member, the latest first, those who left included.

    :raises MemberNotFound: there never was such a member.
    """
    if not _names(session, member_id):
        raise MemberNotFound
    before = None if cursor is None else int(paging.decode(cursor, int)[0])
    rows = rebinding.history(session, member_id, before=before, limit=limit + 1)
    shown, more = rows[:limit], len(rows) > limit
    ids = {each.upline_member_id for each in shown} | {each.previous_upline_id for each in shown}
    names = _names(session, *ids)
    followed = clicks.by_ids(session, [each.click_id for each in shown if each.click_id])
    return {
        "items": [_logged(each, names, followed) for each in shown],
        "next_cursor": paging.encode(shown[-1].id) if more else None,
    }


def clicked(session: Session, member_id: int, *, cursor: str | None, limit: int) -> dict[str, Any]:
    """
    A page of who followed what a distributor shared, masked, the latest first.

    :raises NotADistributor: the member never applied.
    """
    shop.distributor(session, member_id)
    before = None if cursor is None else int(paging.decode(cursor, int)[0])
    found = clicks.of_distributor(session, member_id, before=before, limit=limit + 1)
    shown, more = found[:limit], len(found) > limit
    ids = {each.bound_member_id or each.click.member_id for each in shown} - {None}
    known = members.briefs(session, [each for each in ids if each is not None])
    return {
        "items": [_clicked(each, known) for each in shown],
        "next_cursor": paging.encode(shown[-1].click.id) if more else None,
    }


def rules(session: Session) -> dict[str, Any]:
    """The rules of binding in force, with what they mean for who is bound."""
    found = binding_rules.current(session)
    return {**asdict(found), "note": wording.binding_note(found)}


def _clicked(each: Clicked, known: dict[int, MemberBrief]) -> dict[str, Any]:
    who = each.bound_member_id or each.click.member_id
    return {
        **_click(each.click),
        "who": "访客" if who is None else wording.name_of(known.get(who)),
        "is_bound": each.bound_member_id is not None,
    }


def _click(click: ShareClick) -> dict[str, Any]:
    return {
        "click_id": click.id,
        "source": click.source,
        "source_name": wording.ORIGINS[click.source],
        "spu_id": click.spu_id,
        "clicked_at": click.clicked_at,
    }


def _logged(
    row: BindingLog, names: dict[int | None, str], followed: dict[int, ShareClick]
) -> dict[str, Any]:
    click = followed.get(row.click_id or 0)
    return {
        "log_id": row.id,
        "kind": row.kind,
        "kind_name": wording.BINDINGS[row.kind],
        "origin": row.origin,
        "origin_name": wording.ORIGINS.get(row.origin, row.origin),
        "upline_member_id": row.upline_member_id,
        "upline": names.get(row.upline_member_id),
        "previous_upline_id": row.previous_upline_id,
        "previous_upline": names.get(row.previous_upline_id),
        "actor": row.actor,
        "reason": row.reason,
        "click": None if click is None else {**_click(click), "scene": click.scene},
        "bound_at": row.bound_at,
        "protection_ends_at": row.protection_ends_at,
        "logged_at": row.logged_at,
    }


def _names(session: Session, *member_ids: int | None) -> dict[int | None, str]:
    """The nicknames of members, empty for those who left."""
    wanted = {each for each in member_ids if each is not None}
    return {each: brief.nickname for each, brief in members.briefs(session, wanted).items()}
