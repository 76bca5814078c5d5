"""The engine's reports with what the shop adds: days, titles, names, words and cursors."""

from collections.abc import Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime, timedelta
from typing import Any

from sqlalchemy.orm import Session

from app.accounting import wording
from app.catalogue import queries as catalogue
from app.core import clock, paging
from app.core.errors import Invalid
from app.members import queries as members
from distribution.reports import earned, liabilities, trial
from distribution.reports.earned import By, GroupSums, Stretch
from distribution.reports.models import TrialDay
from distribution.reports.trial import Balance

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MICROSECOND = timedelta(microseconds=1)

Page = dict[str, Any]


def orders(session: Session, stretch: Stretch, *, cursor: str | None, limit: int) -> Page:
    """
    A page of orders that had uplines, the latest paid first, with what each earned them.

    :raises Invalid: the cursor is not one of ours.
    """
    before = None
    if cursor is not None:
        microseconds, posting_id = paging.decode(cursor, int, int)
        before = (_moment(microseconds), posting_id)
    found = earned.by_order(session, stretch, before=before, limit=limit + 1)
    shown = found[:limit]
    known = members.briefs(session, {each.buyer_id for each in shown})
    items = [
        {
            **asdict(each),
            "order_no": each.order_source.removeprefix(wording.ORDER),
            "buyer": known[each.buyer_id].nickname if each.buyer_id in known else "",
        }
        for each in shown
    ]
    last = None
    if len(found) > limit:
        last = paging.encode((shown[-1].accrued_at - EPOCH) // MICROSECOND, shown[-1].posting_id)
    return {"items": items, "next_cursor": last}


def products(session: Session, stretch: Stretch, *, cursor: str | None, limit: int) -> Page:
    """
    A page of products by what was earned on them, the most first.

    :raises Invalid: the cursor is not one of ours.
    """
    shown, last = _groups(session, By.PRODUCT, stretch, cursor, limit)
    titles = catalogue.titles(session, {each.subject_id for each in shown})
    items = [
        {
            **asdict(each),
            "spu_id": each.subject_id,
            "title": titles.get(each.subject_id, ""),
        }
        for each in shown
    ]
    return {"items": items, "next_cursor": last}


def distributors(session: Session, stretch: Stretch, *, cursor: str | None, limit: int) -> Page:
    """
    A page of distributors by what they earned, the most first.

    :raises Invalid: the cursor is not one of ours.
    """
    shown, last = _groups(session, By.DISTRIBUTOR, stretch, cursor, limit)
    known = members.briefs(session, {each.subject_id for each in shown})
    items = [
        {
            **asdict(each),
            "member_id": each.subject_id,
            "nickname": known[each.subject_id].nickname if each.subject_id in known else "",
        }
        for each in shown
    ]
    return {"items": items, "next_cursor": last}


def owed(session: Session, *, now: datetime) -> dict[str, Any]:
    """What the shop owes distributors and when it falls due, and what they owe."""
    found = liabilities.read(session, now=now, zone=clock.CHINA.key)
    return {
        "at": now,
        "owed_fen": found.owed_fen,
        "accounts": [
            {"account": kind, "account_name": wording.account(kind), **asdict(held)}
            for kind, held in found.held.items()
        ],
        "frozen": [
            {"age": age, "age_name": wording.AGES[age], **asdict(due)}
            for age, due in found.ages.items()
        ],
        "days": [{"day": day, **asdict(due)} for day, due in found.days.items()],
    }


def trial_days(session: Session, *, cursor: str | None, limit: int) -> Page:
    """
    A page of closed days with the trial balance of each, the latest first.

    :raises Invalid: the cursor is not one of ours.
    """
    before = None
    if cursor is not None:
        (text,) = paging.decode(cursor, str)
        before = _day(text)
    found = trial.days(session, before=before, limit=limit + 1)
    shown = found[:limit]
    last = paging.encode(shown[-1][0].day.isoformat()) if len(found) > limit else None
    return {"items": [_trial_day(day, balances) for day, balances in shown], "next_cursor": last}


def _groups(
    session: Session, by: By, stretch: Stretch, cursor: str | None, limit: int
) -> tuple[Sequence[GroupSums], str | None]:
    before = None
    if cursor is not None:
        earned_fen, subject_id = paging.decode(cursor, int, int)
        before = (earned_fen, subject_id)
    found = earned.by_subject(session, by, stretch, before=before, limit=limit + 1)
    shown = found[:limit]
    if len(found) <= limit:
        return shown, None
    return shown, paging.encode(shown[-1].earned_fen, shown[-1].subject_id)


def _trial_day(day: TrialDay, balances: Sequence[Balance]) -> dict[str, Any]:
    columns = (
        "day", "postings", "late_postings", "entries", "amount_fen", "last_posting_id",
        "closed_at",
    )  # fmt: skip
    return {
        **{name: getattr(day, name) for name in columns},
        "balances": [
            {
                **each._asdict(),
                "account": each.kind,
                "account_name": wording.account(each.kind),
                "balance_fen": each.balance_fen,
            }
            for each in balances
        ],
    }


def _moment(microseconds: int) -> datetime:
    try:
        return EPOCH + microseconds * MICROSECOND
    except OverflowError as error:
        raise _bad_cursor() from error


def _day(text: str) -> date:
    try:
        return date.fromisoformat(text)
    except ValueError as error:
        raise _bad_cursor() from error


def _bad_cursor() -> Invalid:
    return Invalid(errors={"cursor": ["翻页标记无效，请从第一页开始"]})
