"""`flask ledger export`: the whole ledger as a file."""

from typing import TextIO

import click
from flask.cli import with_appcontext

from app.accounting import files
from app.core import clock
from app.core.db import snapshot
from app.distributors.commands import ledger


@ledger.command()
@click.option("--output", type=click.File("w", encoding="utf-8"), default="-", help="A file.")
@with_appcontext
def export(output: TextIO) -> None:
    """Write every posting and entry, a JSON document a line, with the hashes of the chain."""
    with snapshot() as session:
        for line in files.ledger(session, now=clock.now()):
            output.write(line)
