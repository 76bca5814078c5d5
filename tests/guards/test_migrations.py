"""Migrations: numbered, one head, reversible, and exactly the tables the models declare."""

import os
import re
from collections.abc import Iterator
from pathlib import Path

import flask_migrate
import psycopg
import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from flask import Flask

from app import create_app, tables
from app.core.db import db
from app.settings import Settings
from tests.conftest import create_database, named, plain

MIGRATIONS = Path(__file__).parents[2] / "migrations"
PROMISES = """
    SELECT conrelid::regclass::text, conname, pg_get_constraintdef(oid) FROM pg_constraint
    WHERE connamespace = 'public'::regnamespace AND contype = 'c'
    UNION ALL
    SELECT tablename, indexname, indexdef FROM pg_indexes WHERE schemaname = 'public'
"""
"""The checks and indexes, of which Alembic compares little."""


@pytest.fixture
def empty_app(settings: Settings) -> Iterator[Flask]:
    name = f"mall_migrations_{os.environ.get('PYTEST_XDIST_WORKER', 'alone')}"
    create_database(settings.database_url, name, template="template0")
    app = create_app(
        Settings(
            database_url=named(settings.database_url, name),
            redis_url=settings.redis_url,
            secret_key=settings.secret_key,
            testing=True,
        )
    )
    yield app
    with app.app_context():
        db.engine.dispose()
    with psycopg.connect(plain(settings.database_url), autocommit=True) as connection:
        connection.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_there_is_one_head_and_files_are_numbered():
    scripts = ScriptDirectory(str(MIGRATIONS))
    assert len(scripts.get_heads()) == 1
    for path in (MIGRATIONS / "versions").glob("*.py"):
        assert re.fullmatch(r"\d{4}_[a-z_]+\.py", path.name), f"{path.name}: number it"


def test_up_down_up_leaves_the_tables_the_models_declare(empty_app):
    with empty_app.app_context():
        flask_migrate.upgrade()
        flask_migrate.downgrade(revision="base")
        with db.engine.connect() as connection:
            left = connection.exec_driver_sql(
                "SELECT tablename FROM pg_tables WHERE schemaname = 'public'"
                " UNION ALL SELECT proname FROM pg_proc"
                " WHERE pronamespace = 'public'::regnamespace"
            ).all()
        assert left == [("alembic_version",)]
        flask_migrate.upgrade()
        with db.engine.connect() as connection:
            context = MigrationContext.configure(
                connection,
                opts={
                    "compare_type": True,
                    "include_object": lambda _, name, kind, reflected, __: (
                        not (kind == "table" and reflected and name.startswith("procrastinate_"))
                    ),
                },
            )
            assert compare_metadata(context, tables.metadata()) == []  # type: ignore[arg-type]


def test_the_checks_and_indexes_of_the_migrations_are_those_of_the_models(empty_app):
    with empty_app.app_context(), db.engine.connect() as connection:
        for metadata in tables.metadata():
            metadata.create_all(connection)
        declared = set(connection.exec_driver_sql(PROMISES).all())
        connection.rollback()
        flask_migrate.upgrade()
        migrated = {
            row
            for row in connection.exec_driver_sql(PROMISES)
            if not row[0].startswith(("procrastinate_", "alembic_"))
        }
        connection.rollback()

    assert sorted(declared - migrated) == [], "the models promise what no migration makes"
    assert sorted(migrated - declared) == [], "a migration makes what no model promises"
