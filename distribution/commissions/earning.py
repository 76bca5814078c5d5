"""
Who earns what of one line, and why: pure, so that an accrual, a preview and a promise agree.

The nearest rule counts, for each level by itself: of the SKU, the product, its category and those
above it, the shop; within each the one for the earner's grade before the one for everybody.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from distribution.commissions import policy
from distribution.commissions.policy import Pay
from distribution.commissions.rules import CommissionRules
from distribution.commissions.states import (
    BaseKind,
    CommissionState,
    RuleName,
    Scope,
    Unearned,
)
from distribution.team.states import DistributorStatus

_BARRED = {
    DistributorStatus.INVITED: Unearned.INVITED,
    DistributorStatus.QUALIFYING: Unearned.QUALIFYING,
    DistributorStatus.PENDING: Unearned.PENDING,
    DistributorStatus.REFUSED: Unearned.REFUSED,
    DistributorStatus.FROZEN: Unearned.FROZEN,
    DistributorStatus.LEFT: Unearned.LEFT,
}
_NAMES = {
    Scope.SKU: (RuleName.SKU_GRADE, RuleName.SKU),
    Scope.SPU: (RuleName.SPU_GRADE, RuleName.SPU),
    Scope.CATEGORY: (RuleName.CATEGORY_GRADE, RuleName.CATEGORY),
    Scope.SHOP: (RuleName.GRADE, RuleName.SHOP),
}
"""By what a rate is set for: its name with a grade, and without."""
ALL_GOODS = 0
"""The target of a rate for the whole shop."""


class Decision(NamedTuple):
    """Which rule pays a level, the stored rate behind it if there is one, and what it pays."""

    rule: RuleName
    rate_id: int | None
    pay: Pay


class Target(NamedTuple):
    """What a rate is set for: goods by scope and id."""

    scope: Scope
    target_id: int


@dataclass(frozen=True, slots=True)
class Rate:
    """What is set for some goods and perhaps one grade. `id` is its row; None: not stored."""

    target: Target
    grade_id: int | None
    level1: Pay | None = None
    """None: this level follows the next rule."""
    level2: Pay | None = None
    is_off: bool = False
    """The product pays nobody anything, whatever else is set."""
    id: int | None = None

    @property
    def is_withdrawn(self) -> bool:
        """Whether it says nothing: everything follows the next rule."""
        return self.level1 is None and self.level2 is None and not self.is_off

    @property
    def rule(self) -> RuleName:
        """Its name."""
        return _NAMES[self.target.scope][self.grade_id is None]

    def of(self, level: int) -> Pay | None:
        """What it says for level 1 or 2; None: it says nothing."""
        return self.level1 if level == 1 else self.level2


class RateBook:
    """The rates in force for some goods, found by target and grade."""

    def __init__(self, rates: Iterable[Rate] = ()) -> None:
        self._of = {(rate.target, rate.grade_id): rate for rate in rates}

    def concerning(self, line: "PaidLine", grade_id: int | None) -> Iterator[Rate]:
        """Every rate that concerns the line and the grade, the strongest first."""
        for target in targets_of(line):
            for grade in dict.fromkeys((grade_id, None)):
                rate = self._of.get((target, grade))
                if rate is not None:
                    yield rate

    def is_off(self, spu_id: int) -> bool:
        """Whether the product pays no commission at all."""
        rate = self._of.get((Target(Scope.SPU, spu_id), None))
        return rate is not None and rate.is_off


NO_RATES = RateBook()


@dataclass(frozen=True, slots=True)
class PaidLine:
    """
    One line of a paid order.

    `paid_fen` is what was really paid for all of it after every discount, without freight and
    without what points paid; `cost_fen` what all of it cost the shop, None if nobody knows.
    `is_commissioned` is False if a campaign that made it cheaper pays no commission.
    """

    line_source: str
    sku_id: int
    spu_id: int
    paid_fen: int
    category_path: tuple[int, ...] = ()
    """From the root down, its own category last."""
    quantity: int = 1
    cost_fen: int | None = None
    is_commissioned: bool = True


@dataclass(frozen=True, slots=True)
class Earner:
    """Who stands on a level when the order is paid."""

    level: int
    member_id: int
    status: DistributorStatus
    grade_id: int | None
    binding_log_id: int | None
    """The binding that put them there; None: it is the buyer, who earns on their own order."""


class Earned(NamedTuple):
    """What one line earns one earner and why: a commission before it is stored."""

    line_source: str
    level: int
    beneficiary_id: int
    sku_id: int
    spu_id: int
    quantity: int
    paid_fen: int
    base_kind: BaseKind
    base_fen: int
    grade_id: int | None
    rule: RuleName
    rate_id: int | None
    rate_bp: int | None
    piece_fen: int | None
    amount_fen: int
    state: CommissionState
    reason: Unearned | None
    binding_log_id: int | None
    is_self_purchase: bool


def targets_of(line: PaidLine) -> Iterator[Target]:
    """What rates may be set for that concern the line, the nearest first."""
    yield Target(Scope.SKU, line.sku_id)
    yield Target(Scope.SPU, line.spu_id)
    for category_id in reversed(line.category_path):
        yield Target(Scope.CATEGORY, category_id)
    yield Target(Scope.SHOP, ALL_GOODS)


def decide(
    line: PaidLine, *, level: int, grade_id: int | None, rules: CommissionRules, rates: RateBook
) -> Decision:
    """Which rule pays a level of this grade for the line: the strongest that says anything."""
    for rate in rates.concerning(line, grade_id):
        pay = rate.of(level)
        if pay is not None:
            return Decision(rate.rule, rate.id, pay)
    return Decision(RuleName.SHOP, None, Pay(rate_bp=rules.rates.of(level)))


def earned(
    line: PaidLine, earners: Sequence[Earner], *, rules: CommissionRules, rates: RateBook
) -> list[Earned]:
    """
    What a line earns each of its earners, level 1 first, or why nothing.

    What somebody is kept from earning, for being frozen or because it is too much, goes to nobody.
    """
    known_fen = policy.base_fen(rules.base_kind, paid_fen=line.paid_fen, cost_fen=line.cost_fen)
    base_fen = known_fen or 0
    decided = [
        decide(line, level=each.level, grade_id=each.grade_id, rules=rules, rates=rates)
        for each in earners
    ]
    wanted = [
        decision.pay.wanted_fen(base_fen=base_fen, quantity=line.quantity) for decision in decided
    ]
    served = policy.within_cap(wanted, base_fen=base_fen, cap_bp=rules.cap_bp)
    stopped = _stopped(line, known_fen, rates)
    found = []
    for earner, decision, wanted_fen, fen in zip(earners, decided, wanted, served, strict=True):
        reason = _barred(earner.status) or stopped
        if reason is None and fen == 0:
            reason = _nothing(decision.pay, wanted_fen, base_fen, rules.base_kind)
        found.append(_of(line, earner, decision, reason, (rules.base_kind, base_fen, fen)))
    return found


def _barred(status: DistributorStatus) -> Unearned | None:
    """Why somebody of this status earns nothing; None: only who is active earns."""
    return None if status == DistributorStatus.ACTIVE else _BARRED[status]


def _stopped(line: PaidLine, base_fen: int | None, rates: RateBook) -> Unearned | None:
    """Why the line pays nobody anything, if it does not."""
    if rates.is_off(line.spu_id):
        return Unearned.PRODUCT_OFF
    if not line.is_commissioned:
        return Unearned.CAMPAIGN_OFF
    return Unearned.NO_COST if base_fen is None else None


def _nothing(pay: Pay, wanted_fen: int, base_fen: int, kind: BaseKind) -> Unearned:
    """Why a level that may earn gets nothing."""
    if pay.is_nothing:
        return Unearned.NO_RATE
    if base_fen == 0 and kind == BaseKind.PROFIT:
        return Unearned.NO_PROFIT
    return Unearned.CAPPED if wanted_fen and base_fen else Unearned.TOO_SMALL


def _of(
    line: PaidLine,
    earner: Earner,
    decision: Decision,
    reason: Unearned | None,
    figures: tuple[BaseKind, int, int],
) -> Earned:
    base_kind, base_fen, amount_fen = figures
    return Earned(
        line_source=line.line_source,
        level=earner.level,
        beneficiary_id=earner.member_id,
        sku_id=line.sku_id,
        spu_id=line.spu_id,
        quantity=line.quantity,
        paid_fen=line.paid_fen,
        base_kind=base_kind,
        base_fen=base_fen,
        grade_id=earner.grade_id,
        rule=decision.rule,
        rate_id=decision.rate_id,
        rate_bp=decision.pay.rate_bp,
        piece_fen=decision.pay.piece_fen,
        amount_fen=0 if reason else amount_fen,
        state=CommissionState.UNEARNED if reason else CommissionState.FROZEN,
        reason=reason,
        binding_log_id=earner.binding_log_id,
        is_self_purchase=earner.binding_log_id is None,
    )
