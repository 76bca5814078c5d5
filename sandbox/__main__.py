"""
`python -m sandbox --port N`: run the sandbox until it is told to stop.
"""

from __future__ import annotations

import argparse
import signal
import threading

from sandbox import server


def main() -> None:
    """Serve until SIGTERM or SIGINT, then stop cleanly."""
    parser = argparse.ArgumentParser(prog="python -m sandbox", description=__doc__)
    parser.add_argument("--port", type=int, default=0, help="0 takes a free port")
    parser.add_argument("--host", default="127.0.0.1")
    options = parser.parse_args()
    stop = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stop.set())
    with server.start(options.port, host=options.host) as running:
        print(f"sandbox ready {running.url}", flush=True)
        stop.wait()


if __name__ == "__main__":
    main()
