"""Reconciliation as files for finance: the sums of each day, and every break."""

from collections.abc import Iterator, Sequence
from datetime import date, datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core import sheets
from app.core.sheets import Cell, Yuan
from app.reconciliation import queries, wording
from app.reconciliation.models import Book, LineKind

DAYS = (
    "日期", "账单", "类别", "账单笔数", "本店笔数", "相符笔数", "账单金额（元）", "本店金额（元）",
    "差额（元）",
)  # fmt: skip
BREAKS = (
    "编号", "日期", "账单", "类别", "商户单号", "微信单号", "差异", "账单金额（元）",
    "本店金额（元）", "佣金账金额（元）", "对当日合计的影响（元）", "账单状态", "本店状态",
    "微信答复", "处理方式", "状态", "负责人", "结果", "说明", "处理人", "发现时间", "处理时间",
    "账龄（天）",
)  # fmt: skip


def days(session: Session, *, first: date, last: date) -> Iterator[str]:
    """The sums of some days, both included, as CSV."""
    rows = (
        (
            one.bill_day.isoformat(),
            wording.BOOKS[Book(one.book)],
            wording.KINDS[LineKind(one.kind)],
            one.lines,
            one.ours,
            one.matched,
            Yuan(one.bill_fen),
            Yuan(one.local_fen),
            Yuan(one.bill_fen - one.local_fen),
        )
        for one in queries.sums(session, first=first, last=last)
    )
    return sheets.lines(DAYS, rows)


def breaks(session: Session, *, first: date, last: date, now: datetime) -> Iterator[str]:
    """Every break of some days, both included, as CSV."""
    found = queries.of_days(session, first=first, last=last, now=now)
    return sheets.lines(BREAKS, (_break(one) for one in found))


def _break(one: dict[str, Any]) -> Sequence[Cell]:
    return (
        one["id"],
        one["bill_day"].isoformat(),
        one["book_name"],
        one["kind_name"],
        one["out_no"],
        one["wechat_no"],
        one["verdict_name"],
        _yuan(one["bill_fen"]),
        _yuan(one["local_fen"]),
        _yuan(one["ledger_fen"]),
        Yuan(one["difference_fen"]),
        one["bill_state"],
        one["local_state"],
        one["answer"],
        one["resolver_name"],
        one["status_name"],
        one["owner"],
        one["how_name"],
        one["reason"],
        one["resolver_staff"],
        one["found_at"],
        one["resolved_at"],
        one["age_days"],
    )


def _yuan(fen: int | None) -> Cell:
    return None if fen is None else Yuan(fen)
