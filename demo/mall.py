"""
A running mall: private servers, sandbox WeChat, migrations, shop, Granian and a worker.

Everything between the parts goes over HTTP and the environment, exactly as in production; only the
addresses and keys differ. Keys are made here, at run time, and live under the data folder.
"""

import json
import os
import secrets
import shutil
import signal
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)

from app import embedded
from demo import seed
from demo.processes import Family, free_port, python

ROOT = Path(__file__).parent.parent
MERCHANT_SERIAL_BYTES = 20
THREADS = 8


@dataclass
class Mall:
    """One mall of this machine's own. `start()` it, use its `url`, `stop()` it."""

    data_dir: Path
    server_processes: int = 2
    seeded: bool = True
    dev: bool = False
    say: Callable[[str], None] = print
    port: int = 8000
    sandbox_port: int = 8001
    extra_env: dict[str, str] = field(default_factory=dict)
    env: dict[str, str] = field(default_factory=dict)
    entry: str = "wsgi"
    """The module whose `app` the processes run."""

    def __post_init__(self) -> None:
        self.data_dir = self.data_dir.resolve()
        self.folder = self.data_dir / "demo"
        self.family = Family(self.folder / "logs")
        self.servers: embedded.Servers | None = None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"

    @property
    def sandbox_url(self) -> str:
        return f"http://127.0.0.1:{self.sandbox_port}"

    def start(self) -> "Mall":
        """Start everything and wait until it answers; leave nothing running if a part fails."""
        self.folder.mkdir(parents=True, exist_ok=True)
        self.port, self.sandbox_port = free_port(self.port), free_port(self.sandbox_port)
        try:
            with self._step("PostgreSQL 与 Redis"):
                self._join_servers()
            with self._step("沙箱微信"):
                self.start_sandbox()
            with self._step("数据库结构"):
                self.flask("db", "upgrade")
            with self._step("商城服务与后台任务"):
                self.start_server()
                self.start_worker()
                self.family.wait_for("server", f"{self.url}/readyz")
            if self.seeded:
                with self._step("示范店铺"):
                    seed.fill(self.url, self.sandbox_url, self.folder, self.env, self._progress)
        except BaseException:
            self.stop()
            raise
        self._write_addresses()
        return self

    def stop(self) -> None:
        """Stop everything this mall started; the private servers stop with their last user."""
        (self.folder / "running.json").unlink(missing_ok=True)
        self.family.stop_all()
        if self.servers:
            self.servers.leave()

    def start_sandbox(self) -> None:
        """Start the sandbox, register our merchant there, and learn the platform's key."""
        command = python("-m", "sandbox", "--port", str(self.sandbox_port))
        self.family.start("sandbox", command, dict(os.environ))
        self.family.wait_for("sandbox", f"{self.sandbox_url}/control/platform")
        platform = httpx.get(f"{self.sandbox_url}/control/platform", trust_env=False)
        self.env = self._environment(platform.json())
        httpx.post(
            f"{self.sandbox_url}/control/merchants",
            trust_env=False,
            json={
                "appid": self.env["WECHAT_APPID"],
                "app_secret": self.env["WECHAT_APP_SECRET"],
                "mchid": self.env["WECHAT_PAY_MCHID"],
                "merchant_serial": self.env["WECHAT_PAY_MERCHANT_SERIAL"],
                "merchant_public_key": (self.folder / "merchant_public.pem").read_text(),
                "apiv3_key": self.env["WECHAT_PAY_APIV3_KEY"],
            },
        ).raise_for_status()
        httpx.post(
            f"{self.sandbox_url}/control/settings",
            trust_env=False,
            json={
                "trade_managed": "yes",
                "push_url": f"{self.url}/webhooks/wechat/push",
                "push_token": self.env["WECHAT_PUSH_TOKEN"],
                "push_aes_key": self.env["WECHAT_PUSH_AES_KEY"],
            },
        ).raise_for_status()

    def start_server(self) -> None:
        """Start Granian (Flask's reloading server in `dev`)."""
        address = ("--host", "127.0.0.1", "--port", str(self.port))
        if self.dev:
            command = python("-m", "flask", "--app", self.entry, "run", "--debug", *address)
        else:
            command = python(
                "-m", "granian", "--interface", "wsgi", *address, "--no-ws",
                "--workers", str(self.server_processes), "--blocking-threads", str(THREADS),
                "--respawn-failed-workers", f"{self.entry}:app",
            )  # fmt: skip
        self.family.start("server", command, self.env)

    def start_worker(self) -> None:
        """Start the process that runs background jobs."""
        self.family.start("worker", python("-m", "flask", "--app", self.entry, "worker"), self.env)

    def kill(self, name: str) -> None:
        """`kill -9` a part and its children: `server`, `worker`, `sandbox`."""
        self.family.stop(name, signal.SIGKILL)

    def flask(self, *arguments: str) -> str:
        """Run a `flask` command of this mall and return what it printed."""
        return self._run(python("-m", "flask", "--app", self.entry, *arguments))

    def _run(self, command: list[str]) -> str:
        done = subprocess.run(
            command, cwd=ROOT, env=self.env, text=True, capture_output=True, check=False
        )
        if done.returncode:
            raise RuntimeError(f"{' '.join(command[1:])} failed:\n{done.stdout}{done.stderr}")
        return done.stdout

    def _join_servers(self) -> None:
        if not (os.environ.get("DATABASE_URL") and os.environ.get("REDIS_URL")):
            self.servers = embedded.join(self.data_dir)

    def _environment(self, platform: dict[str, Any]) -> dict[str, str]:
        metrics = self.folder / "metrics"
        shutil.rmtree(metrics, ignore_errors=True)
        metrics.mkdir()
        public_key = self.folder / "wechat_pay_public.pem"
        public_key.write_text(platform["public_key"])
        return {
            **os.environ,
            "PYTHONPATH": str(ROOT),
            "DATA_DIR": str(self.data_dir),
            "PROMETHEUS_MULTIPROC_DIR": str(metrics),
            "WEIXIN_API": self.sandbox_url,
            "WECHAT_PAY_API": self.sandbox_url,
            "WECHAT_PAY_PUBLIC_KEY_ID": platform["public_key_id"],
            "WECHAT_PAY_PUBLIC_KEY_FILE": str(public_key),
            "WECHAT_PAY_PRIVATE_KEY_FILE": str(self.folder / "merchant_private.pem"),
            "NOTIFY_BASE_URL": self.url,
            "REFUND_GAP_SECONDS": "0",  # The sandbox lets two parts follow each other at once.
            **_merchant(self.folder),
            **self.extra_env,
        }

    def _write_addresses(self) -> None:
        addresses = {
            "mall": self.url,
            "sandbox": self.sandbox_url,
            "data_dir": str(self.data_dir),
            "env": self.env,
        }
        path = self.folder / "running.json"
        path.touch(mode=0o600)  # The environment carries this mall's own secrets.
        path.write_text(json.dumps(addresses))

    def _progress(self, done: int, of: int) -> None:
        if done % 10 == 0 or done == of:
            self.say(f"    {done}/{of}")

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        started = time.monotonic()
        self.say(f"  … {name}")
        yield
        self.say(f"  ✓ {name} ({time.monotonic() - started:.1f} 秒)")


def _merchant(folder: Path) -> dict[str, str]:
    """The demo merchant's identity, made on first use and kept beside its data."""
    path = folder / "merchant.json"
    if not path.exists():
        _make_keys(folder)
        identity = {
            "WECHAT_APPID": f"wx{secrets.token_hex(8)}",
            "WECHAT_APP_SECRET": secrets.token_hex(16),
            "WECHAT_PAY_MCHID": f"19{secrets.randbelow(10**8):08d}",
            "WECHAT_PAY_MERCHANT_SERIAL": secrets.token_hex(MERCHANT_SERIAL_BYTES).upper(),
            "WECHAT_PAY_APIV3_KEY": secrets.token_hex(16),
        }
        path.touch(mode=0o600)
        path.write_text(json.dumps(identity))
    identity = json.loads(path.read_text())
    assert isinstance(identity, dict)
    return {
        "WECHAT_PUSH_TOKEN": secrets.token_hex(16),
        "WECHAT_PUSH_AES_KEY": secrets.token_hex(22)[:43],
        **identity,
    }


def _make_keys(folder: Path) -> None:
    key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
    private = folder / "merchant_private.pem"
    private.touch(mode=0o600)
    private.write_bytes(key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()))
    (folder / "merchant_public.pem").write_bytes(
        key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    )
