"""One sandbox for the whole folder, reset before each test; keys are made once."""

import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from sandbox import server
from tests.sandbox.merchant import Merchant, new_key


@pytest.fixture(scope="session")
def merchant_key():
    return new_key()


@pytest.fixture(scope="session")
def sandbox():
    with server.start() as running:
        yield running


@pytest.fixture
def merchant(sandbox, merchant_key):
    merchant = Merchant(sandbox.url, merchant_key)
    sandbox.world.merchants.clear()
    merchant.control("reset")
    merchant.control("settings", notify="manual")
    merchant.register()
    yield merchant
    merchant.close_http()


class Inbox:
    """A merchant's webhook that remembers what came and answers as told."""

    def __init__(self):
        self.heard, self.answers, self.delay = [], [], 0.0
        inbox = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                inbox.heard.append((dict(self.headers), body.decode()))
                time.sleep(inbox.delay)
                self.send_response(inbox.answers.pop(0) if inbox.answers else 204)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/notify"
        self.thread = threading.Thread(
            target=self.server.serve_forever, kwargs={"poll_interval": 0.02}
        )
        self.thread.start()

    def stop(self):
        self.server.shutdown()
        self.thread.join()
        self.server.server_close()


@pytest.fixture
def inbox():
    inbox = Inbox()
    yield inbox
    inbox.stop()
