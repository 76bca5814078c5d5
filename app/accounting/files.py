"""Reports as files: one row after another, however many, with names looked up batch by batch."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime
from itertools import islice
from typing import TypeVar

from sqlalchemy.orm import Session

from app.accounting.wording import ORDER, account
from app.catalogue import queries as catalogue
from app.catalogue.queries import SellableSku
from app.core import sheets
from app.core.days import Stretch
from app.core.sheets import Cell, Yuan
from app.distributors import explaining, wording
from app.members import queries as members
from app.members.queries import MemberBrief
from distribution.commissions.models import Commission
from distribution.ledger import DEBIT_NORMAL
from distribution.ledger.states import AccountKind
from distribution.reports import exports
from distribution.reports.exports import Moved

T = TypeVar("T")

BATCH = 500
"""Rows whose names are looked up together."""

COMMISSIONS = (
    "计提时间", "订单号", "订单行", "商品ID", "商品", "规格", "买家ID", "层级", "分销员ID",
    "分销员", "计佣基数（元）", "比例", "佣金（元）", "已扣回（元）", "净额（元）", "状态",
    "无佣金原因", "结算时间",
)  # fmt: skip
STATEMENTS = (
    "分录", "时间", "分销员ID", "分销员", "事项", "来源", "订单行", "层级", "账户", "变动（元）",
    "变动后余额（元）",
)  # fmt: skip


def commissions(session: Session, stretch: Stretch) -> Iterator[str]:
    """Every commission accrued in the stretch as CSV, those that earned nothing too."""
    found = exports.commissions(session, since=stretch.since, until=stretch.until)
    return sheets.lines(COMMISSIONS, _commission_rows(session, found))


def statements(session: Session, stretch: Stretch) -> Iterator[str]:
    """Every change of every distributor's accounts in the stretch as CSV."""
    found = exports.statements(session, since=stretch.since, until=stretch.until)
    return sheets.lines(STATEMENTS, _statement_rows(session, found))


def ledger(session: Session, *, now: datetime) -> Iterator[str]:
    """The whole ledger with its chain, a JSON document a line."""
    return exports.ledger(session, now=now)


def _commission_rows(session: Session, found: Iterable[Commission]) -> Iterator[Sequence[Cell]]:
    for batch in _batches(found):
        skus = catalogue.skus_for_pricing(session, {each.sku_id for each in batch})
        known = members.briefs(session, {each.beneficiary_id for each in batch})
        for each in batch:
            yield _commission(each, skus.get(each.sku_id), known.get(each.beneficiary_id))


def _commission(
    each: Commission, sku: SellableSku | None, earner: MemberBrief | None
) -> Sequence[Cell]:
    return (
        each.accrued_at,
        each.order_source.removeprefix(ORDER),
        each.line_source.removeprefix(ORDER),
        each.spu_id,
        sku.title if sku else "",
        sku.spec_text if sku else "",
        each.buyer_id,
        each.level,
        each.beneficiary_id,
        earner.nickname if earner else "",
        Yuan(each.base_fen),
        explaining.paid_by(each.rate_bp, each.piece_fen),
        Yuan(each.amount_fen),
        Yuan(each.clawed_fen),
        Yuan(each.amount_fen - each.clawed_fen),
        wording.STATES[each.state],
        wording.REASONS[each.reason] if each.reason else "",
        each.mature_at,
    )


def _statement_rows(session: Session, found: Iterable[Moved]) -> Iterator[Sequence[Cell]]:
    for batch in _batches(found):
        known = members.briefs(session, {each.member_id for each in batch})
        for each in batch:
            yield from _moves(each, known.get(each.member_id))


def _moves(each: Moved, member: MemberBrief | None) -> Iterator[Sequence[Cell]]:
    """One row for each account of the distributor that the entry changes."""
    sides = (
        (each.debit, each.debit_balance_fen, True),
        (each.credit, each.credit_balance_fen, False),
    )
    for kind, balance_fen, is_debit in sides:
        if balance_fen is not None:
            yield (
                each.entry_id,
                each.effective_at,
                each.member_id,
                member.nickname if member else "",
                wording.POSTINGS[each.kind],
                each.source,
                each.line_source,
                each.level,
                account(kind),
                Yuan(_change(kind, each.amount_fen, is_debit=is_debit)),
                Yuan(balance_fen),
            )


def _change(kind: AccountKind, amount_fen: int, *, is_debit: bool) -> int:
    return amount_fen if is_debit == (kind in DEBIT_NORMAL) else -amount_fen


def _batches(rows: Iterable[T]) -> Iterator[list[T]]:
    waiting = iter(rows)
    while batch := list(islice(waiting, BATCH)):
        yield batch
