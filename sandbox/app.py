"""
The sandbox as a Flask application: a table of its surfaces.
"""

from __future__ import annotations

from flask import Flask, Response
from werkzeug.exceptions import HTTPException

from sandbox import (
    certificates,
    code_routes,
    control_routes,
    message_routes,
    mini_routes,
    notify_routes,
    page,
    push_routes,
    refund_routes,
    settings_routes,
    shipping_routes,
    statement_routes,
    trade_routes,
    transfer_routes,
)
from sandbox.world import World

SURFACES = (
    mini_routes,
    code_routes,
    message_routes,
    trade_routes,
    refund_routes,
    transfer_routes,
    statement_routes,
    certificates,
    notify_routes,
    push_routes,
    shipping_routes,
    control_routes,
    settings_routes,
    page,
)


def create_app(world: World) -> Flask:
    """Make the application that serves this world."""
    app = Flask(__name__)
    app.json.ensure_ascii = False  # type: ignore[attr-defined] # Flask's default provider has it.
    app.extensions["sandbox"] = world
    app.register_error_handler(HTTPException, _empty)
    for surface in SURFACES:
        for blueprint in surface.blueprints:
            app.register_blueprint(blueprint)
    return app


def _empty(error: HTTPException) -> Response:
    # An unknown path or a wrong method gets its status and no body, as the real hosts answer.
    return Response(b"", error.code or 500)
