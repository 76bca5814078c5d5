"""
The limits: what Flask, Granian and PostgreSQL do for the same answer with none of our code.

Served as its own application beside the mall; what to answer and what to write comes from files
that the benches put beside it (`BARE_FOLDER`).
"""

import os
from pathlib import Path

from flask import Flask, Response


def create_app() -> Flask:
    """A Flask application that answers stored bytes."""
    app = Flask(__name__, static_folder=None)
    folder = Path(os.environ["BARE_FOLDER"])
    bodies: dict[str, bytes] = {}

    @app.get("/same/<name>")
    def same(name: str) -> Response:
        if name not in bodies:
            bodies[name] = (folder / f"{name}.json").read_bytes()
        return Response(bodies[name], content_type="application/json")

    return app
