"""
A PostgreSQL whose write-ahead log is archived: base backups, restore points, and the way back.

What is done here is what docs/operations.md says, with the programs of the private server.
"""

import os
import shutil
import signal
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import psycopg

from app.embedded import Servers

PATIENCE_SECONDS = 60
POINT = "drill"


class NotRestored(Exception):
    """The server did not do in time what it was to do."""


@dataclass
class Backups:
    """The backups of one private server, beside its data."""

    servers: Servers

    @property
    def archive(self) -> Path:
        return self.servers.folder / "archive"

    @property
    def base(self) -> Path:
        return self.servers.folder / "base"

    def archive_wal(self) -> None:
        """Have every finished piece of the write-ahead log copied away, once."""
        self._own(self.archive)
        command = f"test ! -f {self.archive}/%f && cp %p {self.archive}/%f"
        self._sql("ALTER SYSTEM SET archive_mode = on")
        self._sql(f"ALTER SYSTEM SET archive_command = '{command}'")
        self.servers.stop()
        self.servers.join()

    def take(self) -> None:
        """A base backup, while the mall goes on trading."""
        self._own(self.base)
        self.servers.run(
            "pg_basebackup", "-h", str(self.servers.sockets), "-U", "postgres",
            "-D", str(self.base), "-X", "none", "-c", "fast", "--no-manifest",
        )  # fmt: skip

    def mark(self) -> None:
        """A restore point, with all of the log until then in the archive."""
        self._sql(f"SELECT pg_create_restore_point('{POINT}')")
        (name,) = self._sql("SELECT pg_walfile_name(pg_switch_wal())")
        self._until((self.archive / str(name)).exists, "the log is archived")

    def destroy(self) -> None:
        """`kill -9` PostgreSQL and remove its data, as a dead disk does."""
        os.kill(self.servers.postmaster_pid(), signal.SIGKILL)
        self._until(lambda: not self._answers(), "PostgreSQL is gone")
        shutil.rmtree(self.servers.pgdata)

    def restore(self) -> None:
        """The base backup and the archived log, up to the restore point."""
        shutil.copytree(self.base, self.servers.pgdata)
        for copy in (self.servers.pgdata, *self.servers.pgdata.rglob("*")):
            owner = (self.base / copy.relative_to(self.servers.pgdata)).stat()
            os.chown(copy, owner.st_uid, owner.st_gid)
        settings = self.servers.pgdata / "postgresql.auto.conf"
        with settings.open("a") as file:
            file.write(f"restore_command = 'cp {self.archive}/%f %p'\n")
            file.write(f"recovery_target_name = '{POINT}'\nrecovery_target_action = 'promote'\n")
        (self.servers.pgdata / "recovery.signal").touch()
        self.servers.join()  # PostgreSQL replays the log, then the mall may write again.
        self._until(lambda: self._sql("SELECT pg_is_in_recovery()") == (False,), "it takes writes")

    def _own(self, folder: Path) -> None:
        folder.mkdir(mode=0o700)
        owner = self.servers.pgdata.stat()
        shutil.chown(folder, owner.st_uid, owner.st_gid)

    def _sql(self, statement: str) -> tuple[object, ...]:
        host = str(self.servers.sockets)
        with psycopg.connect(host=host, user="postgres", autocommit=True) as connection:
            found = connection.execute(statement.encode())
            return tuple((found.fetchone() or ()) if found.description else ())

    def _answers(self) -> bool:
        try:
            self._sql("SELECT 1")
        except psycopg.OperationalError:
            return False
        return True

    def _until(self, is_so: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not is_so():
            if time.monotonic() > deadline:
                raise NotRestored(what)
            time.sleep(0.05)
