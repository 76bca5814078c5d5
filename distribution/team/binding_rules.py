"""
What the merchant has set about binding: for how long, against whom, who may be bound.

Rules are versions, never edited. They decide what the next touch does; how long a binding that
exists is protected was decided when it was made, and stays.
"""

from dataclasses import asdict, dataclass
from datetime import datetime, timedelta

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from distribution.team.models import BindingRulesRow
from distribution.team.states import Bindable, BindingMode, OnLeaving

MOST_DAYS = 3650
MOST_NEW_MINUTES = 525_600
MOST_CLICK_DAYS = 365


class BadBindingRules(Exception):
    """A figure of the rules is out of its range."""


@dataclass(frozen=True, slots=True)
class Newness:
    """What decides whether a member counts as new."""

    registered_at: datetime
    has_paid: bool
    """Whether they have ever paid an order."""


@dataclass(frozen=True, slots=True)
class BindingRules:
    """One version of the rules. Version 0 is the defaults of a shop that has set nothing."""

    version: int = 0
    mode: BindingMode = BindingMode.PERMANENT
    protect_days: int = 30
    """Days of 24 hours a binding is protected for, in the mode that protects."""
    extend_days: int = 0
    """Days the protection lasts from the member's latest paid order, if that is longer."""
    bindable: Bindable = Bindable.EVERYONE
    new_minutes: int = 30
    """How long somebody has just registered."""
    click_days: int = 30
    """How long the click of a visitor waits for them to sign in."""
    on_leaving: OnLeaving = OnLeaving.KEEP

    def protection_ends_at(self, now: datetime) -> datetime | None:
        """Until when a binding made now is protected; None: for good."""
        if self.mode != BindingMode.PROTECTED:
            return None
        return now + timedelta(days=self.protect_days)

    def replaces(self, protection_ends_at: datetime | None, *, now: datetime) -> bool:
        """Whether another's touch replaces a binding that is protected until then."""
        return self.mode == BindingMode.LAST_TOUCH or not is_live(protection_ends_at, now=now)

    def admits(self, newness: Newness | None, *, now: datetime) -> bool:
        """Whether somebody may be bound by a touch; who is not known to be new is not."""
        if self.bindable == Bindable.EVERYONE:
            return True
        if newness is None:
            return False
        if self.bindable == Bindable.NEVER_PAID:
            return not newness.has_paid
        return now < newness.registered_at + timedelta(minutes=self.new_minutes)


def is_live(protection_ends_at: datetime | None, *, now: datetime) -> bool:
    """Whether a binding earns its upline anything: it is protected still, or for good."""
    return protection_ends_at is None or now < protection_ends_at


def current(session: Session) -> BindingRules:
    """The rules in force."""
    row = BindingRulesRow
    columns = (
        row.version, row.mode, row.protect_days, row.extend_days,
        row.bindable, row.new_minutes, row.click_days, row.on_leaving,
    )  # fmt: skip
    found = session.execute(select(*columns).order_by(row.version.desc()).limit(1)).one_or_none()
    return BindingRules() if found is None else BindingRules(*found)


def change(
    session: Session, rules: BindingRules, *, changed_by: str, now: datetime
) -> BindingRules:
    """
    Put the next version in force; its number is given here, whatever `rules.version` says.

    :raises BadBindingRules: a figure is out of its range.
    """
    _check(rules)
    given = asdict(rules)
    del given["version"]
    session.execute(insert(BindingRulesRow).values(**given, changed_by=changed_by, changed_at=now))
    return current(session)


def _check(rules: BindingRules) -> None:
    for name, least, most in (
        ("protect_days", 1, MOST_DAYS),
        ("extend_days", 0, MOST_DAYS),
        ("new_minutes", 1, MOST_NEW_MINUTES),
        ("click_days", 1, MOST_CLICK_DAYS),
    ):
        if not least <= getattr(rules, name) <= most:
            raise BadBindingRules(f"{name} {getattr(rules, name)} is not within {least} to {most}")
