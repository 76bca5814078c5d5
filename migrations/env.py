"""Alembic's environment: the tables of the shop and of both engines, one database."""

from alembic import context
from flask import current_app

from app import tables

config = context.config


def include_object(_: object, name: str | None, kind: str, reflected: bool, __: object) -> bool:  # noqa: FBT001  # Alembic's signature.
    """Leave Procrastinate's tables, which its own schema defines, out of comparisons."""
    return not (kind == "table" and reflected and (name or "").startswith("procrastinate_"))


def run_migrations() -> None:
    """Run every pending migration in one transaction, waiting at most five seconds for a lock."""
    engine = current_app.extensions["sqlalchemy"].engine
    with engine.connect() as connection:
        connection.exec_driver_sql("SET lock_timeout = '5s'")
        connection.commit()
        context.configure(
            connection=connection,
            target_metadata=tables.metadata(),
            include_object=include_object,
            compare_type=True,
            compare_server_default=True,
        )
        with context.begin_transaction():
            context.run_migrations()


assert not context.is_offline_mode(), "migrations run against a database, not to a script"
run_migrations()
