"""The core stands: the application starts and answers."""


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
