"""The core stands: the application starts, answers, and works its queue."""

from app.core import queue
from app.core.db import transaction


def test_health_and_reference_answer(client):
    assert client.get("/healthz").json == {"status": "ok"}
    assert client.get("/readyz").status_code == 200
    assert client.get("/docs/openapi.json").json["openapi"] == "3.1.0"
    assert client.get("/docs/").status_code == 200
    assert client.get("/docs/ui/swagger-ui.css").status_code == 200
    assert client.get("/metrics").status_code == 200


def test_unknown_paths_are_problems(client):
    answer = client.get("/api/v1/nothing")

    assert answer.status_code == 404
    assert answer.content_type.startswith("application/problem+json")
    assert answer.json["code"] == "not_found"


SEEN: list[int] = []


@queue.task("test.remember")
def remember(number: int) -> None:
    SEEN.append(number)


def test_a_job_exists_exactly_if_its_transaction_commits(app, run_jobs):
    with app.app_context():
        try:
            with transaction() as session:
                queue.defer(session, "test.remember", number=1)
                raise KeyError
        except KeyError:
            pass
        with transaction() as session:
            queue.defer(session, "test.remember", number=2)
            queue.defer(session, "test.remember", number=3, queueing_lock="one")
            queue.defer(session, "test.remember", number=4, queueing_lock="one")

    run_jobs()

    assert SEEN == [2, 3]
