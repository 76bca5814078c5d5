"""The mall of the long run: processes of its own, killed again and again, with one clock ahead."""

import itertools
import random
import secrets
import subprocess
import threading
from collections.abc import Callable, Mapping
from datetime import timedelta
from pathlib import Path

import psycopg

from app.core import clock
from app.settings import Settings
from app.wechat import bodies, extension
from demo.client import wait_until
from demo.mall import ROOT, Mall
from demo.processes import Family, python
from tests.journeys.lives.world import Place

ENTRY = "tests.journeys.lives.ahead"
BLOW_SECONDS = (6.0, 20.0)
PATIENCE_SECONDS = 90.0
WORKING = """SELECT 1 FROM procrastinate_jobs WHERE status = 'doing'
    OR status = 'todo' AND (scheduled_at IS NULL OR scheduled_at <= now()) LIMIT 1"""


class Blows:
    """`kill -9` of the server and of the worker, again and again while lives are lived."""

    def __init__(self, mall: Mall, rng: random.Random) -> None:
        self.mall, self.rng = mall, rng
        self.told = threading.Event()
        self.dealt: list[str] = []

    def __enter__(self) -> "Blows":
        self.told.clear()
        self._thread = threading.Thread(target=self._deal)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.told.set()
        self._thread.join()

    def _deal(self) -> None:
        while not self.told.wait(self.rng.uniform(*BLOW_SECONDS)):
            victim = self.rng.choice(["server", "worker"])
            self.mall.kill(victim)
            self.mall.start_server() if victim == "server" else self.mall.start_worker()
            self.dealt.append(victim)


class Ahead(Family):
    """The processes of a mall, each with our `wsgi` instead of its own."""

    def start(self, name: str, command: list[str], env: Mapping[str, str]) -> None:
        """Start one of them."""
        super().start(name, _ahead(command), env)


def _ahead(command: list[str]) -> list[str]:
    return [
        ENTRY if (before, part) == ("--app", "wsgi") else part.replace("wsgi:app", f"{ENTRY}:app")
        for before, part in itertools.pairwise(["", *command])
    ]


class MallAhead(Mall):
    """A whole mall in processes of its own, whose clocks may all be ahead."""

    @classmethod
    def at(cls, data_dir: Path) -> "MallAhead":
        """A mall that is to be started, with free ports and an empty shop."""
        return cls(
            data_dir,
            port=0,
            sandbox_port=0,
            seeded=False,
            say=lambda _: None,
        )

    def __post_init__(self) -> None:
        super().__post_init__()
        self.family = Ahead(self.family.logs)
        self.file = self.folder / "ahead"
        self.extra_env = {"CLOCK_AHEAD": str(self.file), "LOG_LEVEL": "ERROR"}
        self.set_ahead(timedelta())

    def set_ahead(self, ahead: timedelta) -> None:
        """Make every clock of the mall so much later, from its next look at it."""
        self.folder.mkdir(parents=True, exist_ok=True)
        new = self.file.with_suffix(".new")
        new.write_text(str(ahead.total_seconds()))
        new.replace(self.file)

    def _run(self, command: list[str]) -> str:
        return super()._run(_ahead(command))

    def add_staff(self, *, username: str, password: str) -> None:
        """Open an account of an owner."""
        subprocess.run(
            python("-m", "flask", "--app", ENTRY, "staff-add", username),
            env=self.env, cwd=ROOT, input=password + "\n", text=True, check=True,
            capture_output=True,
        )  # fmt: skip


def place_of(mall: MallAhead, set_here: Callable[[timedelta], None]) -> Place:
    """A mall in processes, whose worker does what is due; `set_here` moves our own clock."""
    assert mall.servers is not None
    database_url = mall.servers.database_url().replace("+psycopg", "")
    accounts = [{"username": name, "password": secrets.token_hex(12)} for name in ("anna", "bert")]
    for one in accounts:
        mall.add_staff(**one)

    # With servers named it starts none of its own.
    named = {"DATABASE_URL": database_url, "REDIS_URL": mall.servers.redis_url()}
    settings = Settings.from_env({**mall.env, **named, "SECRET_KEY": secrets.token_hex(32)})
    assert settings.wechat is not None

    def set_ahead(ahead: timedelta) -> None:
        set_here(ahead)
        mall.set_ahead(ahead)

    def is_idle() -> bool:
        with psycopg.connect(database_url, autocommit=True) as connection:
            return connection.execute(WORKING).fetchone() is None

    return Place(
        url=mall.url,
        sandbox_url=mall.sandbox_url,
        database_url=database_url,
        redis_url=mall.servers.redis_url(),
        accounts=accounts,
        set_ahead=set_ahead,
        run_due=lambda: wait_until("the worker is done", is_idle, seconds=PATIENCE_SECONDS),
        verify=lambda: mall.flask("verify"),
        stray=stray_of(extension.build(settings.wechat)),
        patience=PATIENCE_SECONDS,
    )


def stray_of(clients: extension.Clients) -> Callable[[str, int], dict[str, str]]:
    """Somebody else's program of the same merchant."""

    def stray(number: str, fen: int) -> dict[str, str]:
        now = clock.now()
        body = bodies.prepay_body(
            appid=clients.pay.appid,
            mchid=clients.pay.mchid,
            out_trade_no=number,
            description="别家的程序",
            amount_fen=fen,
            openid="lives-stranger",
            notify_url=f"{clients.pay.notify_base_url}/webhooks/wechat/pay",
            expires_at=now + timedelta(hours=1),
        )
        return clients.pay.request_payment_params(clients.pay.prepay(body), now)

    return stray
