"""Child processes that start together, are waited for, and stop together."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import httpx

READY_SECONDS = 60
STOP_SECONDS = 10


class DidNotStart(Exception):
    """A child process ended or stayed silent; the message ends with the tail of its log."""


@dataclass
class Family:
    """Named child processes with one log file each under `logs`."""

    logs: Path
    children: dict[str, subprocess.Popen[bytes]] = field(default_factory=dict)

    def start(self, name: str, command: list[str], env: Mapping[str, str]) -> None:
        """Start `command` as `name`; its output goes to `<name>.log`."""
        self.logs.mkdir(parents=True, exist_ok=True)
        with (self.logs / f"{name}.log").open("ab") as log:
            self.children[name] = subprocess.Popen(
                command,
                env=dict(env),
                stdout=log,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                start_new_session=True,  # Ctrl-C is ours to pass on, in order.
            )

    def wait_for(self, name: str, url: str) -> None:
        """Wait until `name` answers `url` with 200."""
        self.wait_until(name, lambda: _answers(url))

    def wait_until(self, name: str, is_ready: Callable[[], bool]) -> None:
        """Wait until `is_ready`; fail at once if `name` ends."""
        deadline = time.monotonic() + READY_SECONDS
        while not is_ready():
            if self.children[name].poll() is not None or time.monotonic() > deadline:
                raise DidNotStart(f"{name} did not start:\n{self.tail(name)}")
            time.sleep(0.05)

    def stop(self, name: str, how: signal.Signals = signal.SIGTERM) -> None:
        """Send `how` to `name` and its own children, and wait until it is gone."""
        child = self.children.pop(name, None)
        if child is None:
            return
        _signal_group(child.pid, how)
        try:
            child.wait(STOP_SECONDS)
        except subprocess.TimeoutExpired:
            _signal_group(child.pid, signal.SIGKILL)
            child.wait()

    def stop_all(self) -> None:
        """Stop every child, the last started first."""
        for name in reversed(list(self.children)):
            self.stop(name)

    def ended(self) -> str | None:
        """The name of a child that has ended by itself, if any."""
        return next((n for n, child in self.children.items() if child.poll() is not None), None)

    def tail(self, name: str) -> str:
        """The last lines that `name` wrote."""
        lines = (self.logs / f"{name}.log").read_text(errors="replace").splitlines()
        return "\n".join(lines[-20:])


def free_port(preferred: int) -> int:
    """`preferred` if nobody listens there, else any free port."""
    for port in (preferred, 0):
        with socket.socket() as candidate:
            candidate.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                candidate.bind(("127.0.0.1", port))
            except OSError:
                continue
            return int(candidate.getsockname()[1])
    raise DidNotStart("no free port on 127.0.0.1")


def python(*arguments: str) -> list[str]:
    """A command of this project's own Python."""
    return [sys.executable, *arguments]


def _answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2, trust_env=False).status_code == 200
    except httpx.HTTPError:
        return False


def _signal_group(pid: int, how: signal.Signals) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.killpg(pid, how)
