"""Withdrawals as distributors and staff see them: the engine's rows with what WeChat said."""

import csv
import io
from collections.abc import Sequence
from dataclasses import asdict
from datetime import date
from typing import Any, NamedTuple

from sqlalchemy import select
from sqlalchemy.dialects.postgresql import distinct_on
from sqlalchemy.orm import Session

from app.core import paging
from app.members import queries as members
from app.withdrawals import payees, wording
from app.withdrawals.models import Payee, Payout, PayoutStatus
from app.withdrawals.payees import Person
from distribution import queries as distribution
from distribution.withdrawals import queries, rules
from distribution.withdrawals.models import Withdrawal
from distribution.withdrawals.states import WithdrawalState

Item = dict[str, Any]

COLUMNS = (
    "\ufeff月份", "姓名", "身份证号", "用户", "笔数", "应付（元）", "手续费（元）", "扣税（元）",
    "实付（元）",
)  # fmt: skip


class Merchant(NamedTuple):
    """Who pays: what `wx.requestMerchantTransfer` wants beside the package."""

    mchid: str
    appid: str


def terms(session: Session, member_id: int) -> Item:
    """What a distributor should know before asking: limits, fee, name, and the payee on record."""
    in_force = rules.current(session)
    payee = payees.latest(session, member_id)
    return {
        **asdict(in_force),
        "available_fen": distribution.summary(session, member_id).available_fen,
        "payee": payees.show(payee)._asdict() if payee else None,
        "consent": payees.CONSENT,
    }


def of_rules(session: Session) -> Item:
    """The rules in force, with what staff should know about tax."""
    in_force = rules.current(session)
    return {**asdict(in_force), "tax_notice": wording.tax_notice(in_force)}


def waits_for_wechat(session: Session, asked: Withdrawal) -> bool:
    """Whether WeChat has been asked to pay it and has not said how that ended."""
    payout = _payouts(session, [asked]).get(asked.no)
    return payout is not None and payout.sent_at is not None and payout.settled_at is None


def own(session: Session, asked: Withdrawal, merchant: Merchant | None) -> Item:
    """One withdrawal as its distributor sees it, with what confirms it."""
    payout = _payouts(session, [asked]).get(asked.no)
    return {**_shown(asked, payout), "confirmation": _confirmation(payout, merchant)}


def own_page(session: Session, member_id: int, *, cursor: str | None, limit: int) -> Item:
    """A page of a distributor's withdrawals, the latest first, and their sums."""
    found = queries.of_member(session, member_id, before=_before(cursor), limit=limit + 1)
    known = _payouts(session, found)
    items = [_shown(each, known.get(each.no)) for each in found]
    return {**_page(found, items, limit), **queries.summary_of(session, member_id)._asdict()}


def queue(
    session: Session,
    *,
    state: WithdrawalState | None,
    is_parked: bool,
    cursor: str | None,
    limit: int,
) -> Item:
    """A page of withdrawals for staff, the latest first; `is_parked`: those WeChat refuses now."""
    numbers = None
    if is_parked:
        parked = select(Payout.out_bill_no).where(
            Payout.last_error.is_not(None), Payout.next_poll_at.is_not(None)
        )
        numbers = session.scalars(parked).all()
    found = queries.page(
        session, state=state, numbers=numbers, before=_before(cursor), limit=limit + 1
    )
    return _page(found, _for_staff(session, found), limit)


def for_staff(session: Session, asked: Withdrawal) -> Item:
    """One withdrawal as staff see it: what is owed beside it, and the payee, masked."""
    (item,) = _for_staff(session, [asked])
    payout = _payouts(session, [asked]).get(asked.no)
    payee = session.get(Payee, payout.payee_id) if payout and payout.payee_id else None
    return {**item, "payee": payees.show(payee)._asdict() if payee else None}


def account_to_pay(session: Session, asked: Withdrawal) -> Item:
    """Whom and where to pay by hand, in clear: for the one who pays."""
    payout = _payouts(session, [asked])[asked.no]
    person = payees.reveal(session.get_one(Payee, payout.payee_id))
    return {"real_name": person.real_name, "account": person.account, "net_fen": asked.net_fen}


def month_csv(session: Session, day: date) -> str:
    """What each person was paid in a month, in clear: the file for the tax office."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(COLUMNS)
    for person, member_ids, sums in _month_by_person(session, day):
        writer.writerow(
            [
                f"{day:%Y-%m}",
                _cell(person.real_name if person else ""),
                _cell(person.id_number if person else ""),
                " ".join(str(each) for each in member_ids),
                sums[0],
                *(_yuan(fen) for fen in sums[1:]),
            ]
        )
    return file.getvalue()


def _month_by_person(
    session: Session, day: date
) -> list[tuple[Person | None, list[int], list[int]]]:
    """The month's sums; accounts with one identity number are one person."""
    months = queries.paid_in_month(session, day)
    known = _persons(session, [each.member_id for each in months])
    people: dict[object, tuple[Person | None, list[int], list[int]]] = {}
    for month in months:
        person = known.get(month.member_id)
        key = person.id_number_hash if person else month.member_id
        sums = [month.withdrawals, month.amount_fen, month.fee_fen, month.tax_fen, month.net_fen]
        if key in people:
            _, ids, before = people[key]
            ids.append(month.member_id)
            before[:] = [one + other for one, other in zip(before, sums, strict=True)]
        else:
            people[key] = (person, [month.member_id], sums)
    return list(people.values())


def _persons(session: Session, member_ids: Sequence[int]) -> dict[int, Person]:
    latest = (
        select(Payee)
        .ext(distinct_on(Payee.member_id))
        .where(Payee.member_id.in_(member_ids))
        .order_by(Payee.member_id, Payee.id.desc())
    )
    return {each.member_id: payees.reveal(each) for each in session.scalars(latest)}


def _for_staff(session: Session, found: Sequence[Withdrawal]) -> list[Item]:
    ids = {each.member_id for each in found}
    people, known = members.briefs(session, ids), _payouts(session, found)
    owed = distribution.summaries(session, sorted(ids))
    items = []
    for each in found:
        payout, person = known.get(each.no), people.get(each.member_id)
        items.append(
            {
                **_shown(each, payout),
                "member_id": each.member_id,
                "nickname": person.nickname if person else "",
                "phone": person.masked_phone if person else None,
                "receivable_fen": owed[each.member_id].receivable_fen,
                "reviews_needed": each.reviews_needed,
                "first_by": each.first_by,
                "second_by": each.second_by,
                "ended_by": each.ended_by,
                "reason": each.reason,
                "payout_status": PayoutStatus(payout.status if payout else "new"),
                "transfer_bill_no": payout.transfer_bill_no if payout else None,
                "last_error": payout.last_error if payout else None,
                "next_poll_at": payout.next_poll_at if payout else None,
            }
        )
    return items


def _shown(asked: Withdrawal, payout: Payout | None) -> Item:
    return {
        "withdrawal_no": asked.no,
        "channel": asked.channel,
        "channel_name": wording.CHANNELS[asked.channel],
        "amount_fen": asked.amount_fen,
        "fee_fen": asked.fee_fen,
        "tax_fen": asked.tax_fen,
        "net_fen": asked.net_fen,
        "state": asked.state,
        "title": wording.title(asked, payout),
        "is_cancelling": bool(payout and payout.cancel_asked_at and payout.settled_at is None),
        "reason": wording.reason(asked),
        "receipt_no": asked.receipt_no,
        "requested_at": asked.requested_at,
        "ended_at": asked.ended_at,
    }


def _confirmation(payout: Payout | None, merchant: Merchant | None) -> Item | None:
    """The arguments of `wx.requestMerchantTransfer`, while confirming makes sense."""
    if payout is None or merchant is None or payout.package_info is None:
        return None
    if payout.status != PayoutStatus.CONFIRMING or payout.cancel_asked_at is not None:
        return None
    return {
        "mchId": merchant.mchid, "appId": merchant.appid, "package": payout.package_info,
    }  # fmt: skip


def _payouts(session: Session, found: Sequence[Withdrawal]) -> dict[str, Payout]:
    numbers = [each.no for each in found]
    rows = session.scalars(select(Payout).where(Payout.out_bill_no.in_(numbers)))
    return {each.out_bill_no: each for each in rows}


def _before(cursor: str | None) -> int | None:
    return int(paging.decode(cursor, int)[0]) if cursor else None


def _page(found: Sequence[Withdrawal], items: list[Item], limit: int) -> Item:
    more = len(found) > limit
    return {
        "items": items[:limit],
        "next_cursor": paging.encode(found[limit - 1].id) if more else None,
    }


def _cell(text: str) -> str:
    """Text that no spreadsheet takes for a formula, nor for a number it may round."""
    return f"'{text}" if text[:1] in {"=", "+", "-", "@"} or text.isdigit() else text


def _yuan(fen: int) -> str:
    return f"{fen // 100}.{fen % 100:02d}"
