"""The probes: alive is not ready, and ready does not need Redis."""

from dataclasses import replace

from tests.app.core.conftest import Toy


def test_alive_and_ready(client):
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").json == {"status": "ok", "database": "ok"}


def test_without_its_database_it_is_alive_but_not_ready(app, settings, build_another):
    lost = build_another(
        replace(settings, database_url="postgresql+psycopg://x:x@127.0.0.1:1/nowhere"), Toy()
    ).test_client()

    assert lost.get("/healthz").status_code == 200
    answer = lost.get("/readyz")
    assert answer.status_code == 503
    assert answer.json == {"status": "unavailable", "database": "down"}


def test_without_redis_it_is_ready(app, settings, build_another):
    lost = build_another(replace(settings, redis_url="redis://127.0.0.1:1/0"), Toy()).test_client()

    assert lost.get("/readyz").status_code == 200
