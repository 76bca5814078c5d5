"""Builders for the commission engine: distributors, teams, paid and refunded orders."""

from datetime import UTC, datetime, timedelta
from itertools import pairwise
from typing import Any, NamedTuple
from uuid import uuid4

from sqlalchemy import select
from sqlalchemy.orm import Session

from distribution import commissions, ledger, team, withdrawals
from distribution.commissions import PaidLine, RefundedLine, rates, rules
from distribution.commissions.earning import Rate, Target
from distribution.commissions.policy import Pay
from distribution.commissions.rules import CommissionRules
from distribution.commissions.states import Scope
from distribution.ledger import adjusting
from distribution.ledger.models import Adjustment
from distribution.ledger.states import AccountKind, AdjustmentKind, PostingKind
from distribution.team import binding_rules, grades, grading, joining, joining_rules
from distribution.team.binding_rules import BindingRules
from distribution.team.conditions import Conditions, Grade
from distribution.team.grade_models import DistributorGrade
from distribution.team.joining_rules import JoiningRules
from distribution.team.models import Binding, Distributor
from distribution.team.states import DistributorStatus, Joining
from distribution.withdrawals import rules as withdrawal_rules
from distribution.withdrawals.models import Withdrawal
from distribution.withdrawals.rules import WithdrawalRules
from distribution.withdrawals.states import WithdrawalState

NOON = datetime(2026, 11, 11, 4, tzinfo=UTC)


def make_rules(
    session: Session, *, joining: Joining = Joining.OPEN, now: datetime = NOON, **changes: object
) -> CommissionRules:
    """Put rules in force: two levels of 10 % and 5 %, anybody may join, unless told otherwise."""
    make_joining_rules(session, way=joining, now=now)
    given = {"levels": 2, "level1_bp": 1000, "level2_bp": 500, **changes}
    return rules.change(session, CommissionRules(**given), changed_by="staff:1", now=now)  # type: ignore[arg-type]  # Any field.


def make_binding_rules(
    session: Session, *, now: datetime = NOON, **changes: object
) -> BindingRules:
    """Put rules of binding in force: the defaults, unless told otherwise."""
    rules = BindingRules(**changes)  # type: ignore[arg-type]  # Any field.
    return binding_rules.change(session, rules, changed_by="staff:1", now=now)


def make_joining_rules(
    session: Session, *, way: Joining, now: datetime = NOON, **more: object
) -> JoiningRules:
    """Put a way of joining in force."""
    wanted = JoiningRules(way=way, **more)  # type: ignore[arg-type]  # Any field.
    return joining_rules.change(session, wanted, changed_by="staff:1", now=now)


def make_grade(session: Session, *, rank: int = 1, name: str = "金牌", now: datetime = NOON) -> int:
    """A grade nothing lifts anybody to; return its id."""
    grade = DistributorGrade(name=name, rank=rank, is_every=False, created_at=now)
    session.add(grade)
    session.flush()
    return grade.id


def give_grade(session: Session, member_id: int, grade_id: int | None) -> None:
    """Have a distributor stand on a grade, or on none."""
    grading.give(
        session, member_id=member_id, grade_id=grade_id, is_locked=False, reason="测试",
        actor="staff:1", now=NOON,
    )  # fmt: skip


def make_rate(  # One for each thing that may be set.
    session: Session,
    scope: str = "sku",
    target_id: int = 1,
    *,
    grade_id: int | None = None,
    level1_bp: int | None = None,
    level2_bp: int | None = None,
    level1_fen: int | None = None,
    level2_fen: int | None = None,
    is_off: bool = False,
    now: datetime = NOON,
) -> int:
    """Put a rate in force for some goods and perhaps one grade; return its id."""
    rate = Rate(
        Target(Scope(scope), target_id),
        grade_id,
        level1=_pay(level1_bp, level1_fen),
        level2=_pay(level2_bp, level2_fen),
        is_off=is_off,
    )
    stored = rates.set_rate(session, rate, changed_by="staff:1", now=now)
    assert stored.rate.id is not None
    return stored.rate.id


def _pay(rate_bp: int | None, piece_fen: int | None) -> Pay | None:
    return None if rate_bp is None and piece_fen is None else Pay(rate_bp, piece_fen)


def make_rung(
    session: Session,
    *,
    rank: int = 1,
    keep_days: int | None = None,
    now: datetime = NOON,
    **conditions: int,
) -> Grade:
    """A grade that asks for so much; for three level-1 orders unless told otherwise."""
    asked = conditions or {"level1_orders": 3}
    return grades.create(
        session,
        name=f"第{rank}级",
        rank=rank,
        conditions=Conditions(**asked),
        keep_days=keep_days,
        now=now,
    )


def make_distributor(session: Session, *, member_id: int, now: datetime = NOON) -> Distributor:
    """An active distributor."""
    distributor = joining.join(session, member_id=member_id, now=now)
    if distributor.status == "pending":
        joining.approve(session, member_id=member_id, now=now)
    return distributor


def make_chain(session: Session, *member_ids: int, now: datetime = NOON) -> None:
    """Bind each member to the next one; all but the first are distributors."""
    for member_id, upline_id in reversed(list(pairwise(member_ids))):
        bind(session, member_id=member_id, upline_id=upline_id, now=now)


def bind(session: Session, *, member_id: int, upline_id: int, now: datetime = NOON) -> None:
    """Bind a member to an active distributor, who is made one if needed."""
    code = make_distributor(session, member_id=upline_id, now=now).invite_code
    team.bind(session, member_id=member_id, invite_code=code, origin="code", now=now)


def pay(
    session: Session,
    *,
    buyer_id: int,
    order: str = "order:1",
    paid_fen: tuple[int, ...] = (10_000,),
    sku_id: int = 1,
    now: datetime = NOON,
    **more: Any,
) -> None:
    """Accrue a paid order with one line for each amount; `more` goes into each `PaidLine`."""
    lines = [
        PaidLine(line_source=f"{order}/{seq}", sku_id=sku_id, spu_id=7, paid_fen=fen, **more)
        for seq, fen in enumerate(paid_fen, 1)
    ]
    commissions.accrue(session, order_source=order, buyer_id=buyer_id, lines=lines, now=now)


def refund(
    session: Session,
    *,
    total_fen: int,
    order: str = "order:1",
    seq: int = 1,
    source: str = "refund:1",
    now: datetime = NOON,
) -> None:
    """Claw back after `total_fen` of a line has been refunded in all."""
    line = RefundedLine(line_source=f"{order}/{seq}", refunded_fen_total=total_fen)
    commissions.claw_back(session, refund_source=source, lines=[line], now=now)


def mature(session: Session, *, order: str = "order:1", now: datetime = NOON) -> int:
    """Receive an order's goods and let everything that is due an hour later mature."""
    commissions.schedule_maturity(session, order_source=order, mature_at=now)
    return commissions.mature_due(session, now=now + timedelta(hours=1))


def post(
    session: Session,
    kind: PostingKind,
    *moves: tuple[AccountKind, AccountKind, int],
    member_id: int,
    key: str = "",
    now: datetime = NOON,
) -> None:
    """Post one event of a member: (out of, into, fen) each."""
    draft = ledger.reserve(
        session,
        idem_key=key or f"test:{uuid4()}",
        kind=kind,
        source="test:1",
        payload={"moves": moves},
        now=now,
    )
    assert draft is not None
    draft.lock([member_id], ledger.MEMBER_KINDS)
    for debit, credit, fen in moves:
        draft.move(member_id, debit, credit, fen)
    draft.write()


def adjust(
    session: Session,
    *,
    member_id: int,
    kind: AdjustmentKind = AdjustmentKind.GIVE,
    amount_fen: int = 300,
    reason: str = "活动补发",
    no: str = "J1",
    now: datetime = NOON,
) -> Adjustment:
    """Move money by hand, asked for by one person and approved by another."""
    adjusting.request(
        session,
        no=no,
        member_id=member_id,
        kind=kind,
        amount_fen=amount_fen,
        reason=reason,
        requested_by="staff:1",
        now=now,
    )
    return adjusting.approve(session, no=no, approved_by="staff:2", now=now)


def withdraw(session: Session, *, member_id: int, amount_fen: int, now: datetime = NOON) -> str:
    """Ask for available money where nobody reviews it; the withdrawal's number."""
    if withdrawal_rules.current(session).version == 0:
        open_rules = WithdrawalRules(
            min_fen=10,
            max_fen=20_000_000,
            daily_count=100,
            daily_fen=10**9,
            review_over_fen=10**9,
            second_review_over_fen=10**9,
        )
        withdrawal_rules.change(session, open_rules, changed_by="staff:1", now=now)
    number = f"W{uuid4().hex[:26].upper()}"
    withdrawals.request(session, no=number, member_id=member_id, amount_fen=amount_fen, now=now)
    return number


def pay_out(
    session: Session, *, member_id: int, cash_fen: int, fee_fen: int = 0, tax_fen: int = 0
) -> None:
    """Let the money of the member's open withdrawal arrive, less such a fee and tax."""
    asked = session.scalars(
        select(Withdrawal).where(
            Withdrawal.member_id == member_id, Withdrawal.state == WithdrawalState.PAYING
        )
    ).one()
    asked.net_fen, asked.fee_fen, asked.tax_fen = cash_fen, fee_fen, tax_fen
    session.flush()
    withdrawals.pay_out(session, no=asked.no, by="wechat", now=NOON)


class Above(NamedTuple):
    """Who stands above a member, how far, and which binding made it so."""

    level: int
    member_id: int
    status: DistributorStatus
    binding_log_id: int


def uplines_of(
    session: Session, member_id: int, *, now: datetime | None = None
) -> tuple[Above, ...]:
    """
    The one or two people above a member, nearest first, read row by row.

    With `now` nobody counts from the first binding on whose protection is over then.
    """
    found: list[Above] = []
    for level in (1, 2):
        binding = session.get(Binding, member_id, populate_existing=True)
        if binding is None or not (
            now is None or binding_rules.is_live(binding.protection_ends_at, now=now)
        ):
            break
        upline = session.get_one(Distributor, binding.upline_member_id, populate_existing=True)
        found.append(Above(level, upline.member_id, upline.status, binding.log_id))
        member_id = upline.member_id
    return tuple(found)
