"""`flask staff-add`: the first account of a new shop, and a way back in when all are locked out."""

import sys

import click
from flask.cli import with_appcontext

from app.core import clock
from app.core.db import transaction
from app.staff import service
from app.staff.models import Role
from app.staff.schemas import NewStaff


@click.command("staff-add")
@with_appcontext
@click.argument("username")
@click.option("--role", type=click.Choice([role.value for role in Role]), default="owner")
@click.option("--name", "display_name", help="Shown in the audit log; the username by default.")
def staff_add(username: str, role: str, display_name: str | None) -> None:
    """Open a staff account; the password is asked for, or read as one line of standard input."""
    given = {
        "username": username,
        "password": _password(),
        "display_name": display_name or username,
        "role": role,
    }
    if wrong := NewStaff().validate(given):
        raise click.ClickException(f"{wrong}")
    try:
        with transaction() as session:
            staff = service.create(session, **NewStaff().load(given), now=clock.now())
    except service.UsernameTaken as error:
        raise click.ClickException(f"the username {username} is taken") from error
    click.echo(f"{staff.role} {staff.username} may sign in now")


def is_terminal() -> bool:
    """Whether a person is typing."""
    return sys.stdin.isatty()


def _password() -> str:
    if is_terminal():
        return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))
    return sys.stdin.readline().rstrip("\n")
