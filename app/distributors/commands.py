"""`flask ledger`: the proof of the commission ledger, and its state at any past moment."""

from datetime import UTC, datetime

import click
from flask.cli import with_appcontext

from app.core.db import read
from distribution import verify as engine
from distribution.ledger import as_of as history
from distribution.ledger import chain, records


class Moment(click.ParamType[datetime]):
    """A moment of ISO 8601 with its offset, such as `2026-11-11T20:00:00+08:00`."""

    name = "moment"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        try:
            moment = datetime.fromisoformat(value)
        except ValueError as error:
            self.fail(f"{value!r} is no moment of ISO 8601: {error}", param, ctx)
        if moment.tzinfo is None:
            self.fail(f"{value!r} does not say its offset, such as +08:00", param, ctx)
        return moment.astimezone(UTC)


@click.group()
def ledger() -> None:
    """The commission ledger: prove it, or look at its past."""


@ledger.command()
@with_appcontext
def verify() -> None:
    """Recompute balances, commissions and the chain; exit 1 and name what does not agree."""
    breaches = list(engine.verify(read()))
    for breach in breaches:
        click.echo(f"✗ {breach.rule}: {breach.subject}: {breach.detail}")
    head = chain.head(read())
    if head is not None:
        click.echo(f"block {head.number}, posting {head.last_posting_id}: {head.sha256.hex()}")
    for name in engine.RECORDS:
        last = records.head(read(), name)
        if last is not None:
            click.echo(f"{name} {last.number}, row {last.last_id}: {last.sha256.hex()}")
    click.echo(f"{len(breaches)} breaches" if breaches else "the ledger proves itself")
    raise SystemExit(1 if breaches else 0)


@ledger.command("as-of")
@click.argument("effective", type=Moment())
@click.argument("recorded", type=Moment())
@click.option("--member", "member_id", type=int, help="One member only; everybody by default.")
@with_appcontext
def as_of(effective: datetime, recorded: datetime, member_id: int | None) -> None:
    """Print what everybody had at EFFECTIVE, as far as it was recorded at RECORDED."""
    found = history.balances(read(), effective=effective, recorded=recorded, member_id=member_id)
    for owner, balances in sorted(found.items(), key=lambda item: item[0] or 0):
        name = "shop" if owner is None else f"member {owner}"
        for kind, fen in sorted(balances.items()):
            click.echo(f"{name}  {kind}  {fen} fen")
