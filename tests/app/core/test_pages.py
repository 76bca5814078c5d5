"""Kept pages: the same bytes for a moment, and never anything but a good answer."""

import pytest
from flask import Flask, Response

from app.core import pages


@pytest.fixture
def clock(monkeypatch):
    class Clock:
        now = 100.0

    monkeypatch.setattr(pages.time, "monotonic", lambda: Clock.now)
    return Clock


def _client(seconds: int, answers):
    app = Flask(__name__)
    pages.init_app(app, seconds)

    @app.get("/page")
    @pages.kept
    def page() -> Response:
        return next(answers)

    return app.test_client()


def test_a_page_is_answered_again_until_its_moment_is_over(clock):
    client = _client(1, iter([Response("one"), Response("two")]))

    assert client.get("/page").text == "one"
    clock.now += 0.9
    assert client.get("/page").text == "one"
    clock.now += 0.2
    assert client.get("/page").text == "two"


def test_another_query_is_another_page(clock):
    client = _client(1, iter([Response("one"), Response("two")]))

    assert client.get("/page?q=a").text == "one"
    assert client.get("/page?q=b").text == "two"


def test_nothing_is_kept_when_switched_off(clock):
    client = _client(0, iter([Response("one"), Response("two")]))

    assert [client.get("/page").text for _ in range(2)] == ["one", "two"]


@pytest.mark.parametrize("answer", [Response("gone", 404), Response("x" * (pages.BODY_MAX + 1))])
def test_only_good_and_small_answers_are_kept(clock, answer):
    client = _client(1, iter([answer, Response("two")]))

    client.get("/page")
    assert client.get("/page").text == "two"


def test_the_page_unused_for_longest_makes_room(clock, monkeypatch):
    monkeypatch.setattr(pages, "MOST", 2)
    client = _client(9, iter(Response(str(number)) for number in range(9)))

    for query in ("a", "b", "a", "c", "a", "b"):
        client.get(f"/page?q={query}")

    assert client.get("/page?q=a").text == "0"
    assert client.get("/page?q=b").text == "3"
