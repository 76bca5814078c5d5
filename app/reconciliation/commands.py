"""`flask catch-up`: what staff run after the database was restored to an earlier moment."""

from datetime import datetime

import click
from flask.cli import with_appcontext

from app.core.errors import Invalid
from app.reconciliation import catching_up_calls
from app.reconciliation.catching_up_calls import Found
from app.wechat.errors import WeChatNotConfigured


@click.command("catch-up")
@click.argument("since")
@with_appcontext
def catch_up(since: str) -> None:
    """Ask WeChat for everything since SINCE, the restored moment, in ISO 8601 with its offset."""
    try:
        moment = datetime.fromisoformat(since)
    except ValueError as error:
        raise click.BadParameter("not a moment of ISO 8601") from error
    if moment.tzinfo is None:
        raise click.BadParameter("the offset is missing, such as +08:00")
    try:
        found = catching_up_calls.run(moment)
    except WeChatNotConfigured as error:
        raise click.ClickException("the mall runs without WeChat") from error
    except Invalid as error:
        raise click.ClickException("WeChat keeps bills for three months") from error
    _tell(found)
    raise SystemExit(1 if found.unanswered else 0)


def _tell(found: Found) -> None:
    for kind, count in found.asked.items():
        click.echo(f"asked WeChat about {count} open {kind}s")
    for number in found.unanswered:
        click.echo(f"  no answer about {number}: run this again")
    for one in found.sums:
        click.echo(
            f"{one.bill_day} {one.book} {one.kind}: WeChat {one.lines} of {_yuan(one.bill_fen)},"
            f" here {one.ours} of {_yuan(one.local_fen)}"
        )
    for day in found.waiting:
        click.echo(f"{day}: no bill yet; compared by itself once it is there")
    for left in found.breaks:
        said = f", WeChat says {left.answer}" if left.answer else ""
        fen = left.bill_fen if left.local_fen is None else left.local_fen
        click.echo(f"✗ {left.kind} {left.out_no} {_yuan(fen or 0)}: {left.verdict}{said}")
    for stray in found.stray:
        click.echo(f"✗ {stray.kind} {stray.out_no}: in quarantine, {stray.reason}")
    left_over = len(found.breaks) + len(found.stray)
    click.echo(f"{left_over or 'nothing'} for people so far")


def _yuan(fen: int) -> str:
    return f"{fen / 100:.2f}"
