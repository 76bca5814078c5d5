"""
Running the sandbox: in a thread for tests, or as a process by `python -m sandbox`.
"""

from __future__ import annotations

import threading
from dataclasses import dataclass

from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from sandbox import keys as platform_keys
from sandbox.app import create_app
from sandbox.keys import PlatformKeys
from sandbox.world import World


class _Quiet(WSGIRequestHandler):
    def log(self, type: str, message: str, *args: object) -> None:
        pass


@dataclass
class Running:
    """A sandbox that is serving."""

    url: str
    world: World
    _server: BaseWSGIServer
    _thread: threading.Thread

    def stop(self) -> None:
        """Stop serving and wait until it has stopped."""
        self._server.shutdown()
        self._thread.join()
        self.world.agenda.stop()

    def __enter__(self) -> Running:
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()


def start(port: int = 0, *, host: str = "127.0.0.1", keys: PlatformKeys | None = None) -> Running:
    """
    Serve a new sandbox in a thread; port 0 takes a free one.

    Keys take about 0.2 s to make: tests that start many sandboxes pass the same ones.
    """
    world = World(keys or platform_keys.generate())
    server = make_server(host, port, create_app(world), threaded=True, request_handler=_Quiet)
    thread = threading.Thread(
        target=server.serve_forever, kwargs={"poll_interval": 0.05}, name="sandbox-server"
    )
    world.agenda.start()
    thread.start()
    return Running(f"http://{host}:{server.port}", world, server, thread)
