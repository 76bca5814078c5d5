"""The OpenAPI document as the application serves it, and a shop to try it on."""

import contextvars

import pytest

from tests.api import world as worlds


@pytest.fixture(scope="session")
def document(the_app):
    """The OpenAPI document."""
    return the_app.test_client().get("/docs/openapi.json").json


@pytest.fixture
def isolated(app):
    """The application as a WSGI callable whose requests share nothing with the test's context."""

    def wsgi(environ, start_response):
        return contextvars.Context().run(app, environ, start_response)

    return wsgi


@pytest.fixture
def world(session, now):
    """A shop with something of everything, and who acts in it."""
    return worlds.build(session, now=now)
