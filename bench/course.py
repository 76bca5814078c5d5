"""The course the benches run on: a seeded mall and, beside it, the bare application."""

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any

import psycopg

from bench import bare, load
from demo.client import Client, Sandbox, staff
from demo.mall import THREADS, Mall
from demo.processes import free_port, python

ROUNDS = 3
SECONDS = 4.0
CONNECTIONS = 8


@dataclass
class Course:
    """A mall, its staff, its sandbox, its database, and the bare application's folder and port."""

    mall: Mall
    folder: Path
    bare_port: int = 0

    def __post_init__(self) -> None:
        account = json.loads((self.mall.folder / "accounts.json").read_text())
        self.merchant: Client = staff(self.mall.url, **account)
        self.public = Client(self.mall.url, "/api/v1")
        self.sandbox = Sandbox(self.mall.sandbox_url)

    def database(self) -> psycopg.Connection[Any]:
        """A connection of our own to the mall's database."""
        return psycopg.connect(self.database_url, autocommit=True)

    @property
    def database_url(self) -> str:
        """The database's address as libpq takes it."""
        if self.mall.servers is None:
            return self.mall.env["DATABASE_URL"].replace("+psycopg", "")
        return self.mall.servers.database_url().replace("+psycopg", "")

    @property
    def redis_url(self) -> str:
        """The address of the mall's Redis."""
        servers = self.mall.servers
        return self.mall.env["REDIS_URL"] if servers is None else servers.redis_url()

    def start_bare(self) -> None:
        """Serve the bare application as the mall is served: same server, same processes."""
        with self.database() as connection:
            connection.execute(bare.SCHEMA)
        self.bare_port = free_port(8090)
        env = {
            **self.mall.env,
            "BARE_FOLDER": str(self.folder),
            "BARE_DATABASE": self.database_url,
            "BARE_REDIS": self.redis_url,
        }
        address = ("--host", "127.0.0.1", "--port", str(self.bare_port), "--no-ws")
        command = python(
            "-m", "granian", "--interface", "wsgi", *address, "--factory", "--workers",
            str(self.mall.server_processes), "--blocking-threads", str(THREADS),
            "bench.bare:create_app",
        )  # fmt: skip
        self.mall.family.stop("bare")
        self.mall.family.start("bare", command, env)
        self.mall.family.wait_for("bare", f"http://127.0.0.1:{self.bare_port}/same/ready")


def compare(
    course: Course, name: str, ours: load.Requests, limit: load.Requests, *, expect: int = 200
) -> None:
    """Run ours and the limit in turn, and print the median figure beside the median limit."""
    rounds: list[tuple[load.Figures, load.Figures]] = []
    for number in range(ROUNDS):
        print(f"  {name}: round {number + 1} of {ROUNDS}", file=sys.stderr, flush=True)
        pair = (
            _run(course.mall.port, ours, expect),
            _run(course.bare_port, limit, expect),
        )
        rounds.append(pair)
    value, best = (median(figures.rate for figures in side) for side in zip(*rounds, strict=True))
    middle = sorted((pair[0] for pair in rounds), key=lambda figures: figures.rate)[ROUNDS // 2]
    figure = {
        "name": name,
        "value": round(value),
        "unit": "answers/s",
        "limit": round(best),
        "ratio": round(value / best, 3),
        "p50_ms": round(middle.percentile(0.50), 2),
        "p99_ms": round(middle.percentile(0.99), 2),
    }
    print(json.dumps(figure), flush=True)


def _run(port: int, requests: load.Requests, expect: int) -> load.Figures:
    figures = load.run(port, requests, seconds=SECONDS, connections=CONNECTIONS)
    # An honest figure counts only what was done.
    assert set(figures.statuses) == {expect}, f"not all answers were {expect}: {figures.statuses}"
    return figures
