"""The table of contents of `flask …`: worker, verify, ledger, catch-up, staff-add, `db` …"""

from collections.abc import Callable, Iterable
from pathlib import Path

import click
from flask import Flask, current_app
from flask.cli import with_appcontext
from flask_migrate import Migrate
from sqlalchemy.orm import Session

from app.accounting import commands as _accounting  # noqa: F401  # Adds `flask ledger export`.
from app.aftersales import verify as aftersales
from app.bulk_buys import verify as bulk_buys
from app.catalogue import verify as catalogue
from app.core import openapi
from app.core import worker as background
from app.core.db import db, read
from app.core.verify import Breach
from app.coupons import verify as coupons
from app.distributors import verify as distributors
from app.distributors.commands import ledger
from app.group_buys import verify as group_buys
from app.marketing import verify as marketing
from app.members import verify as members
from app.orders import verify as orders
from app.packs import verify as packs
from app.payments import verify as payments
from app.reconciliation import verify as reconciliation
from app.reconciliation.commands import catch_up
from app.reports import verify as reports
from app.staff.commands import staff_add
from app.withdrawals import verify as withdrawals

MIGRATIONS = Path(__file__).parent.parent / "migrations"

CHECKS: dict[str, Callable[[Session], Iterable[Breach]]] = {
    "members": members.verify,
    "catalogue": catalogue.verify,
    "promotions": marketing.verify,
    "packs": packs.verify,
    "coupons": coupons.verify,
    "payments": payments.verify,
    "orders": orders.verify,
    "aftersales": aftersales.verify,
    "bulk_buys": bulk_buys.verify,
    "group_buys": group_buys.verify,
    "distributors": distributors.verify,
    "withdrawals": withdrawals.verify,
    "reconciliation": reconciliation.verify,
    "reports": reports.verify,
}
"""Who proves which promises over the live database, in the order of the report."""


def init_app(app: Flask) -> None:
    """Give `flask` the mall's commands, and `flask db …` for migrations."""
    Migrate(app, db, directory=str(MIGRATIONS))
    for command in (worker, verify, openapi_document, staff_add, ledger, catch_up):
        app.cli.add_command(command)


@click.command()
@click.option("--concurrency", default=4, show_default=True, help="Jobs at a time.")
@with_appcontext
def worker(concurrency: int) -> None:
    """Run background jobs until told to stop."""
    app: Flask = current_app._get_current_object()  # type: ignore[attr-defined]  # Flask's own way out of the proxy.
    background.run(app, concurrency=concurrency)


@click.command()
@with_appcontext
def verify() -> None:
    """Recompute every promise over the live database; exit 1 if one is broken."""
    found = 0
    for name, check in CHECKS.items():
        breaches = list(check(read()))
        click.echo(f"{'✗' if breaches else '✓'} {name}")
        for breach in breaches:
            click.echo(f"    {breach.rule}: {breach.subject}: {breach.detail}")
        found += len(breaches)
    click.echo("every balance proves itself" if not found else f"{found} breaches")
    raise SystemExit(1 if found else 0)


@click.command("openapi")
@with_appcontext
def openapi_document() -> None:
    """Print the OpenAPI document."""
    apis = current_app.extensions["flask-smorest"]["apis"]
    click.echo(openapi.document(apis[""]["ext_obj"]), nl=False)
