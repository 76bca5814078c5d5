"""Failures are problem documents: true status, stable code, Chinese title, path of each field."""

import pytest

from app.core import errors
from app.core.errors import AppError, Conflict, NotFound

PROBLEM = "application/problem+json; charset=utf-8"


class TestAnticipated:
    def test_a_failure_says_what_happened_and_adds_its_members(self, toys, headers):
        answer = toys.post("/toy/wishes", json={"name": "坏的"}, headers=headers())

        assert answer.status_code == 409
        assert answer.content_type == PROBLEM
        assert answer.json == {
            "type": "/problems/toy_broken",
            "title": "玩具坏了",
            "status": 409,
            "code": "toy_broken",
            "pieces": 3,
            "detail": "it fell",
            "request_id": answer.headers["X-Request-ID"],
        }
        assert "玩具坏了" in answer.text  # Not escaped.

    def test_fields_refused_by_hand_look_like_those_refused_by_the_schema(self, toys):
        answer = toys.get("/open/invalid")

        assert (answer.status_code, answer.json["code"]) == (422, "invalid_fields")
        assert answer.json["errors"] == {"toy": ["太旧"]}

    def test_outside_a_request_there_is_no_request_id(self, toy_app):
        with toy_app.app_context():
            document = errors.problem(NotFound()).get_json()

        assert set(document) == {"type", "title", "status", "code"}

    def test_its_text_is_its_detail_or_its_title(self):
        assert str(Conflict("because")) == "because"
        assert str(Conflict()) == Conflict.title


class TestFields:
    def test_the_path_of_each_wrong_field_is_named(self, toys, headers):
        body = {"name": "太长的名字啊", "price_fen": -1, "lines": [{"quantity": 1}, {"x": 1}]}

        answer = toys.post("/toy/wishes", json=body, headers=headers())

        assert answer.status_code == 422
        assert set(answer.json["errors"]) == {"name", "price_fen", "lines.1.quantity", "lines.1.x"}
        assert answer.json["title"] == "填写有误，请检查"

    def test_a_field_called_like_a_part_of_the_request_keeps_its_path(self, toys, headers):
        answer = toys.post("/toy/wishes", json={"name": "a", "json": 1}, headers=headers())

        assert list(answer.json["errors"]) == ["json"]

    @pytest.mark.parametrize("body", [[], 1, "text", True])
    def test_a_body_that_is_no_object_is_refused(self, toys, headers, body):
        answer = toys.post("/toy/wishes", json=body, headers=headers())

        assert answer.status_code == 422
        assert answer.json["errors"]


class TestHttp:
    @pytest.mark.parametrize(
        ("method", "path", "status", "code"),
        [
            ("GET", "/nowhere", 404, "not_found"),
            ("PATCH", "/toy/words/x y", 404, "not_found"),
            ("POST", "/healthz", 405, "method_not_allowed"),
            ("PUT", f"/toy/wishes/{10**18}", 404, "not_found"),
            ("PUT", "/toy/wishes/-1", 404, "not_found"),
        ],
    )
    def test_what_the_server_itself_refuses_is_a_problem_too(
        self, toys, headers, method, path, status, code
    ):
        answer = toys.open(path, method=method, headers=headers())

        assert (answer.status_code, answer.json["code"]) == (status, code)
        assert answer.content_type == PROBLEM

    def test_a_wrong_method_is_told_the_right_ones(self, toys):
        assert "GET" in toys.post("/healthz").headers["Allow"]

    @pytest.mark.parametrize(
        "body", [b"{", b" ", b"\xff", b"[" * 100_000, b'{"name": 1' + b"0" * 5000 + b"}"]
    )
    def test_an_unreadable_body_is_a_bad_request(self, toys, headers, body):
        answer = toys.post(
            "/toy/wishes", data=body, content_type="application/json", headers=headers()
        )

        assert (answer.status_code, answer.json["code"]) == (400, "bad_request")
        assert answer.content_type == PROBLEM

    def test_an_empty_body_is_no_json(self, toys, headers):
        answer = toys.post(
            "/toy/wishes", data=b"", content_type="application/json", headers=headers()
        )

        assert (answer.status_code, answer.json["code"]) == (400, "bad_request")

    @pytest.mark.parametrize("word", ["NaN", "Infinity", "-Infinity"])
    def test_words_that_are_no_json_are_not_read(self, toys, toy, headers, word):
        body = f'{{"name": "a", "price_fen": {word}}}'

        answer = toys.post(
            "/toy/wishes", data=body, content_type="application/json", headers=headers()
        )

        assert (answer.status_code, answer.json["code"]) == (400, "bad_request")
        assert toy.runs == []

    def test_a_body_of_another_kind_is_told_so(self, toys, toy, headers):
        answer = toys.post("/toy/wishes", data="name=a", headers=headers())

        assert (answer.status_code, answer.json["code"]) == (415, "unsupported_media_type")
        assert toy.runs == []

    def test_an_unreadable_body_where_none_is_asked_for_does_no_harm(self, toys, headers):
        answer = toys.post(
            "/toy/empty", data=b"[" * 100_000, content_type="application/json", headers=headers()
        )

        assert answer.status_code == 201

    def test_a_body_over_a_megabyte_is_too_large(self, toys, headers):
        body = b'{"name": "' + b"x" * (1024 * 1024) + b'"}'

        answer = toys.post(
            "/toy/wishes", data=body, content_type="application/json", headers=headers()
        )

        assert (answer.status_code, answer.json["code"]) == (413, "too_large")

    def test_a_status_without_a_word_of_ours_keeps_its_own(self, toy_app):
        from werkzeug.exceptions import ImATeapot

        with toy_app.test_request_context():
            response = toy_app.handle_user_exception(ImATeapot())

        assert (response.status_code, response.get_json()["code"]) == (418, "http_error")


class TestBugs:
    def test_a_bug_is_a_bare_500(self, toys):
        answer = toys.get("/open/bug")

        assert (answer.status_code, answer.json["code"]) == (500, "internal_error")
        assert "secret detail" not in answer.text

    def test_a_database_that_is_away_is_503_and_worth_asking_again(self, toys, monkeypatch):
        import sqlalchemy
        from sqlalchemy.exc import OperationalError

        def away(*_, **__):
            raise OperationalError("SELECT", {}, ConnectionError("refused"))

        monkeypatch.setattr(sqlalchemy.orm.Session, "connection", away)

        answer = toys.get("/open/database")

        assert (answer.status_code, answer.json["code"]) == (503, "unavailable")
        assert answer.headers["Retry-After"] == "1"


def test_every_failure_has_a_code_of_its_own_and_a_chinese_title(the_app):
    found = list(errors.all_errors())
    by_code = {}
    for error in found:
        by_code.setdefault(error.code, set()).add(error.title)

    assert {NotFound, Conflict} <= set(found)
    assert all(issubclass(error, AppError) for error in found)
    for error in found:
        assert error.code.replace("_", "").isalnum()
        assert error.code.islower()
        assert 400 <= error.status < 600
        assert any("\u4e00" <= character <= "\u9fff" for character in error.title), error
    assert {code for code, titles in by_code.items() if len(titles) > 1} == set()
