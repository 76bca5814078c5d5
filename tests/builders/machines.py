"""Histories drawn at random, each lived in a transaction that is thrown away."""

from collections.abc import Callable

from hypothesis import HealthCheck, settings
from hypothesis.stateful import RuleBasedStateMachine, run_state_machine_as_test
from sqlalchemy.orm import Session


def live(
    session: Session, machine: Callable[[], RuleBasedStateMachine], *, lives: int, steps: int
) -> None:
    """Run so many histories of so many steps of what `machine` makes."""

    def fresh() -> RuleBasedStateMachine:
        session.rollback()
        return machine()

    run_state_machine_as_test(  # type: ignore[no-untyped-call]  # Hypothesis leaves it untyped.
        fresh,
        settings=settings(
            max_examples=lives,
            stateful_step_count=steps,
            deadline=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
    session.rollback()
