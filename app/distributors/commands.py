"""`flask ledger`: the proof of the commission ledger, and its state at any past moment."""

import click
from flask.cli import with_appcontext

from app.core.db import read
from distribution import chain
from distribution import verify as engine


@click.group()
def ledger() -> None:
    """The commission ledger: prove it."""


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
    click.echo(f"{len(breaches)} breaches" if breaches else "the ledger proves itself")
    raise SystemExit(1 if breaches else 0)
