"""The background work of distribution: maturing, teams of who left, the chain, the roll-up."""

import structlog

from app.core import clock, queue
from app.core.db import transaction
from app.distributors.binding import service as binding
from distribution import commissions, verify
from distribution.figures import rolling
from distribution.ledger import chain, records, rollup
from distribution.team import grading, joining, teams

log = structlog.get_logger(__name__)


@queue.periodic("distributors.mature", cron="* * * * * */10")
def mature() -> None:
    """Make every commission available whose day has come, batch by batch."""
    now = clock.now()
    total = 0
    while True:
        with transaction() as session:
            matured = commissions.mature_due(session, now=now)
        total += matured
        if matured == 0:
            break
    if total:
        log.info("commissions_matured", commissions=total)


@queue.periodic("distributors.release", cron="*/5 * * * *")
def release() -> None:
    """Unbind the teams of distributors who left, batch by batch, where the rules say so."""
    total, released = 0, None
    while released != 0:
        with transaction() as session:
            released = teams.release(session, now=clock.now())
        total += released
    if total:
        log.info("teams_released", members=total)


@queue.task("distributors.hand_over")
def hand_over(from_id: int, to_id: int, staff_id: int, reason: str) -> None:
    """Hand a team to another distributor, batch by batch; repeating it goes on with it."""
    handed = None
    while handed != 0:
        with transaction() as session:
            handed = binding.hand_over_some(
                session,
                from_id=from_id,
                to_id=to_id,
                staff_id=staff_id,
                reason=reason,
                now=clock.now(),
            )


@queue.periodic("distributors.review", cron="23 * * * *")
def review() -> None:
    """Look again at every grade, and at who waits to qualify, batch by batch."""
    now = clock.now()
    for look in (grading.review, joining.qualify_next):
        last: int | None = 0
        while last is not None:
            with transaction() as session:
                last = look(session, after=last, now=now)


@queue.periodic("distributors.chain", cron="* * * * * */10")
def extend_chain() -> None:
    """Chain the postings of the last seconds, block by block."""
    while True:
        with transaction() as session:
            if chain.extend(session, now=clock.now()) == 0:
                break


@queue.periodic("distributors.chain_records", cron="* * * * *")
def extend_records() -> None:
    """Chain what was added to the logs and the versions of rules, block by block."""
    for name in verify.RECORDS:
        while True:
            with transaction() as session:
                if records.extend(session, name, now=clock.now()) == 0:
                    break


@queue.periodic("distributors.figures", cron="* * * * *")
def roll_up_figures() -> None:
    """Add what is settled to the figures of distributors: they stay quick to read."""
    more = True
    while more:
        with transaction() as session:
            more = rolling.roll_up(session, now=clock.now())


@queue.periodic("distributors.roll_up", cron="41 3 * * *")
def roll_up() -> None:
    """Add the day's entries to the shop's own accounts: their balances stay quick to read."""
    with transaction() as session:
        rollup.roll_up(session)
