"""
What a merchant's bills tell of: every movement of money that this WeChat has seen.

A trade stands on the day it was paid, a refund on the day it was accepted (in the fund flow: on the
day it succeeded), a transfer on the day its payee had the money.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import date, datetime

from sandbox.clock import CHINA
from sandbox.refunds import Refunds
from sandbox.trades import Trade, Trades
from sandbox.transfers import Transfers
from sandbox.world import Merchant, World

FEE_BP = 60
BASIC, OPERATION = "BASIC", "OPERATION"
REFUND_STATES = {"ABNORMAL": "CHANGE", "CLOSED": "FAIL"}
"""A bill's words for a refund's states; the others are spelled alike."""


@dataclass(frozen=True)
class Line:
    """One line of a bill, of either kind. Amounts in fen; an expense of a fund flow is negative."""

    kind: str
    """`trade`, `refund`, `transfer` or `fee`."""
    at: datetime
    number: str
    """The merchant's number of it."""
    wechat_number: str
    fen: int
    state: str
    account: str = BASIC
    trade_number: str = ""
    transaction_id: str = ""
    openid: str = ""
    title: str = ""
    fee_fen: int = 0
    total_fen: int = 0
    succeeded_at: datetime | None = None

    @property
    def day(self) -> date:
        return self.at.astimezone(CHINA).date()

    def made(self, **changes: object) -> Line:
        return replace(self, **changes)  # type: ignore[arg-type]  # Fields of its own, by name.


def trade_lines(world: World, merchant: Merchant) -> list[Line]:
    """What the trade bills of all days say, oldest first."""
    found = [*_trades(world, merchant), *_refunds(world, merchant)]
    return sorted(found, key=lambda line: (line.at, line.number))


def flow_lines(world: World, merchant: Merchant) -> list[Line]:
    """What the fund-flow bills of all days and accounts say, oldest first."""
    found = [*_flows(world, merchant), *_transfers(world, merchant)]
    return sorted(found, key=lambda line: (line.at, line.number, line.kind == "fee"))


def _trades(world: World, merchant: Merchant) -> Iterator[Line]:
    for trade in world.store(Trades).all():
        if trade.merchant.mchid == merchant.mchid and trade.paid_at:
            yield _trade(trade, trade.paid_at)


def _trade(trade: Trade, paid_at: datetime) -> Line:
    return Line(
        "trade",
        paid_at,
        trade.out_trade_no,
        str(trade.transaction_id),
        trade.total_fen,
        "SUCCESS",
        trade_number=trade.out_trade_no,
        transaction_id=str(trade.transaction_id),
        openid=str(trade.body["payer"]["openid"]),
        title=str(trade.body["description"]),
        fee_fen=fee(trade.total_fen),
        total_fen=trade.total_fen,
    )


def _refunds(world: World, merchant: Merchant) -> Iterator[Line]:
    for refund in world.store(Refunds).all():
        trade = refund.trade
        if trade.merchant.mchid != merchant.mchid or not trade.paid_at:
            continue
        yield _trade(trade, trade.paid_at).made(
            kind="refund",
            at=refund.created_at,
            number=refund.out_refund_no,
            wechat_number=refund.refund_id,
            fen=refund.amount_fen,
            state=REFUND_STATES.get(refund.status, refund.status),
            fee_fen=-fee(refund.amount_fen),
            succeeded_at=refund.succeeded_at,
        )


def _flows(world: World, merchant: Merchant) -> Iterator[Line]:
    for line in _trades(world, merchant):
        yield from _with_fee(line)
    for line in _refunds(world, merchant):
        if line.succeeded_at is not None:
            yield from _with_fee(line.made(at=line.succeeded_at, fen=-line.fen))


def _with_fee(line: Line) -> Iterator[Line]:
    yield line
    if line.fee_fen:
        yield line.made(kind="fee", fen=-line.fee_fen)


def _transfers(world: World, merchant: Merchant) -> Iterator[Line]:
    for bill in world.store(Transfers).all():
        if bill.merchant.mchid == merchant.mchid and bill.state == "SUCCESS":
            yield Line(
                "transfer",
                bill.updated_at,
                bill.out_bill_no,
                bill.transfer_bill_no,
                -bill.amount_fen,
                bill.state,
                account=OPERATION,
                title=str(bill.body["transfer_remark"]),
            )


def fee(fen: int) -> int:
    """What WeChat keeps of a payment, to the nearest fen."""
    return (fen * FEE_BP + 5_000) // 10_000
