"""`flask verify`, `flask worker`, `flask openapi`, and what runs by itself."""

import json
from datetime import timedelta

import pytest

from app import commands, jobs
from app.core import worker
from app.core.db import transaction
from app.core.idempotency import IdempotencyKey
from app.core.verify import Breach


@pytest.fixture
def runner(app):
    return app.test_cli_runner()


def test_verify_names_every_check_and_succeeds(runner):
    result = runner.invoke(args=["verify"])

    assert result.exit_code == 0, result.output
    assert [line[2:] for line in result.output.splitlines()[:-1]] == list(commands.CHECKS)
    assert result.output.endswith("every balance proves itself\n")


def test_verify_shows_each_breach_and_fails(runner, monkeypatch):
    breach = Breach("stock.sum", "sku 7", "held 3, holds say 2")
    monkeypatch.setitem(commands.CHECKS, "catalogue", lambda _: [breach])

    result = runner.invoke(args=["verify"])

    assert result.exit_code == 1
    assert "    stock.sum: sku 7: held 3, holds say 2" in result.output
    assert result.output.endswith("1 breaches\n")


def test_openapi_prints_the_document(runner):
    document = json.loads(runner.invoke(args=["openapi"]).output)

    assert document["openapi"] == "3.1.0"
    assert "/api/v1/orders" in document["paths"]


def test_worker_runs_until_told_to_stop(runner, monkeypatch):
    called = {}
    monkeypatch.setattr(worker, "run", lambda app, **how: called.update(app=app, **how))

    result = runner.invoke(args=["worker", "--concurrency", "2"])

    assert result.exit_code == 0
    assert called["concurrency"] == 2


def test_old_idempotency_keys_are_forgotten(app, session, now):
    for key, age in (("old-key-0", timedelta(days=4)), ("new-key-0", timedelta(days=1))):
        session.add(
            IdempotencyKey(
                scope="shopper:1:place",
                key=key,
                body_hash="0" * 64,
                response_status=201,
                response_body=b"{}",
                created_at=now - age,
            )
        )
    session.commit()

    jobs.purge_idempotency_keys()

    with transaction() as own:
        assert [row.key for row in own.query(IdempotencyKey)] == ["new-key-0"]
