"""
What the merchant has set for withdrawals. Versions, never edited: a withdrawal names its own.

The arithmetic of one withdrawal is here too, and pure: what it costs, who must agree, whether the
payee must be named.
"""

from dataclasses import asdict, dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from distribution.commissions.policy import ALL_BP
from distribution.withdrawals import tax as taxes
from distribution.withdrawals.models import WithdrawalRulesRow
from distribution.withdrawals.states import Channel, Tax

MOST_FEN = 20_000_000
"""What one withdrawal may be set to at most: 200,000 yuan, WeChat's limit for a payee's month."""
MOST_A_DAY = 100
NAME_REQUIRED_FEN = 200_000
"""From 2,000 yuan on WeChat pays only to a payee who is named."""
LEAST_NET_FEN = 10
"""WeChat pays nothing smaller; what is left after fee and tax is this at least."""


class BadRules(Exception):
    """The rules contradict each other or leave nothing to pay; `field` says where."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field


class Figures(NamedTuple):
    """What becomes of the amount of one withdrawal, in fen."""

    fee_fen: int
    tax_fen: int
    net_fen: int
    """What the distributor receives; not above zero if fee and tax eat it all."""


@dataclass(frozen=True, slots=True)
class WithdrawalRules:
    """One version of the rules. Version 0 is the defaults of a shop that has set nothing."""

    version: int = 0
    min_fen: int = 100
    max_fen: int = 500_000
    daily_count: int = 3
    """How many a distributor may ask for on a day (Asia/Shanghai), returned ones included."""
    daily_fen: int = 2_000_000
    """How much on a day, returned ones left out."""
    fee_bp: int = 0
    fee_min_fen: int = 0
    tax: Tax = Tax.OFF
    review_over_fen: int = 0
    """Above this, one of the staff must agree."""
    second_review_over_fen: int = 200_000
    """Above this, a second one must."""
    name_from_fen: int = NAME_REQUIRED_FEN
    """From this on the payee must be named: 0 is always."""
    has_wechat: bool = True
    has_manual: bool = False

    def fee_fen(self, amount_fen: int) -> int:
        """The fee: a share of the amount, rounded down, or the least fee if that is more."""
        return max(self.fee_min_fen, amount_fen * self.fee_bp // ALL_BP)

    def figures(self, amount_fen: int, *, month_fen: int = 0, month_tax_fen: int = 0) -> Figures:
        """What a distributor gets of `amount_fen`, after what they withdrew in this month."""
        fee_fen = self.fee_fen(amount_fen)
        tax_fen = taxes.withheld_fen(
            self.tax, amount_fen, month_fen=month_fen, month_tax_fen=month_tax_fen
        )
        return Figures(fee_fen, tax_fen, amount_fen - fee_fen - tax_fen)

    def reviews_needed(self, amount_fen: int) -> int:
        """How many of the staff must agree: 0, 1 or 2."""
        return (amount_fen > self.review_over_fen) + (amount_fen > self.second_review_over_fen)

    def needs_name(self, amount_fen: int, channel: Channel) -> bool:
        """Whether the payee must be known by name: for WeChat, for tax, and for whoever pays."""
        is_asked = amount_fen >= self.name_from_fen or self.tax != Tax.OFF
        return is_asked or channel == Channel.MANUAL

    def is_open(self, channel: Channel) -> bool:
        """Whether money may go this way."""
        return self.has_wechat if channel == Channel.WECHAT else self.has_manual


def current(session: Session) -> WithdrawalRules:
    """The rules in force."""
    row = session.scalar(
        select(WithdrawalRulesRow).order_by(WithdrawalRulesRow.version.desc()).limit(1)
    )
    if row is None:
        return WithdrawalRules()
    return WithdrawalRules(
        **{name: getattr(row, name) for name in WithdrawalRules.__dataclass_fields__}
    )


def change(
    session: Session, rules: WithdrawalRules, *, changed_by: str, now: datetime
) -> WithdrawalRules:
    """
    Put the next version in force; its number is given here, whatever `rules.version` says.

    Withdrawals asked for before keep the version that decided them.

    :raises BadRules: they contradict each other, or leave nothing of the least withdrawal.
    """
    check(rules)
    values = asdict(rules)
    del values["version"]
    session.execute(
        insert(WithdrawalRulesRow).values(**values, changed_by=changed_by, changed_at=now)
    )
    return current(session)


def check(rules: WithdrawalRules) -> None:
    """
    Make sure that the rules can be kept.

    :raises BadRules: they cannot.
    """
    wrong = {
        "min_fen": not 1 <= rules.min_fen <= MOST_FEN,
        "max_fen": not rules.min_fen <= rules.max_fen <= MOST_FEN,
        "daily_count": not 1 <= rules.daily_count <= MOST_A_DAY,
        "daily_fen": rules.daily_fen < rules.max_fen,
        "fee_bp": not 0 <= rules.fee_bp <= ALL_BP,
        "fee_min_fen": rules.fee_min_fen < 0,
        "review_over_fen": rules.review_over_fen < 0,
        "second_review_over_fen": rules.second_review_over_fen < rules.review_over_fen,
        "name_from_fen": not 0 <= rules.name_from_fen <= NAME_REQUIRED_FEN,
        "has_wechat": not (rules.has_wechat or rules.has_manual),
    }
    for field, is_wrong in wrong.items():
        if is_wrong:
            raise BadRules(field, f"{getattr(rules, field)} does not fit the other rules")
    if rules.min_fen - rules.fee_fen(rules.min_fen) < LEAST_NET_FEN:
        raise BadRules("min_fen", f"less than {LEAST_NET_FEN} fen of it are left after the fee")
