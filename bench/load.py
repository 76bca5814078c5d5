"""
A load generator: keep-alive connections, prepared requests, every answer counted and timed.

It writes bytes to sockets and reads `Content-Length` back, because a full HTTP client would cost
more than the servers it measures. Loopback only, bounded in time.
"""

import socket
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

RECEIVE_BYTES = 65536


@dataclass
class Figures:
    """What one run saw."""

    seconds: float = 0.0
    statuses: Counter[int] = field(default_factory=Counter)
    latencies: list[float] = field(default_factory=list)

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    def percentile(self, share: float) -> float:
        """The latency in milliseconds that `share` of the answers stay within."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(len(ordered) * share))] * 1000


Requests = Callable[[int], Iterator[bytes]]
"""What a connection, by its number, sends."""


def run(
    port: int,
    make_requests: Requests,
    *,
    seconds: float = 5.0,
    connections: int = 8,
) -> Figures:
    """
    Send `make_requests(connection)` on each connection for `seconds`, one at a time each.

    A connection ends early when its requests do.
    """
    figures = Figures()
    lock = threading.Lock()
    start = threading.Barrier(connections + 1)

    def work(number: int) -> None:
        requests = make_requests(number)
        statuses: Counter[int] = Counter()
        latencies: list[float] = []
        with socket.create_connection(("127.0.0.1", port)) as wire:
            wire.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            start.wait()
            deadline = time.perf_counter() + seconds
            for request in requests:
                began = time.perf_counter()
                if began > deadline:
                    break
                wire.sendall(request)
                statuses[_status(wire)] += 1
                latencies.append(time.perf_counter() - began)
        with lock:
            figures.statuses += statuses
            figures.latencies += latencies

    threads = [threading.Thread(target=work, args=(number,)) for number in range(connections)]
    for thread in threads:
        thread.start()
    start.wait()
    began = time.perf_counter()
    for thread in threads:
        thread.join()
    figures.seconds = time.perf_counter() - began
    return figures


def request(
    method: str, path: str, *, headers: dict[str, str] | None = None, body: bytes = b""
) -> bytes:
    """The bytes of one HTTP/1.1 request."""
    lines = [f"{method} {path} HTTP/1.1", "Host: 127.0.0.1"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    if body:
        lines += [f"Content-Length: {len(body)}"]
    return ("\r\n".join(lines) + "\r\n\r\n").encode() + body


def repeat(single: bytes) -> Requests:
    """The same request for ever, on every connection."""

    def requests(_: int) -> Iterator[bytes]:
        while True:
            yield single

    return requests


def _status(wire: socket.socket) -> int:
    received = wire.recv(RECEIVE_BYTES)
    while b"\r\n\r\n" not in received:
        received += _more(wire)
    head, _, body = received.partition(b"\r\n\r\n")
    length = 0
    for line in head.split(b"\r\n")[1:]:
        name, _, value = line.partition(b":")
        if name.lower() == b"content-length":
            length = int(value)
    while len(body) < length:
        body += _more(wire)
    return int(head.split(b" ", 2)[1])


def _more(wire: socket.socket) -> bytes:
    received = wire.recv(RECEIVE_BYTES)
    if not received:
        raise ConnectionError("the server closed a connection it should keep")
    return received
