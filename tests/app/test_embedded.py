"""The private servers: started by whoever comes first, stopped by whoever leaves last."""

import multiprocessing
import os
import signal
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from pathlib import Path

import psycopg
import pytest
import redis

from app import embedded

ROOT = Path(__file__).parents[2]


@pytest.fixture
def folder(new_folder) -> Path:
    return new_folder() / "data"


@pytest.fixture
def servers(folder: Path) -> Iterator[embedded.Servers]:
    joined = embedded.join(folder)
    yield joined
    joined.leave()


def test_both_servers_answer_on_sockets_only(servers):
    with _connect(servers) as connection:
        assert connection.execute("SHOW server_version").fetchone()[0].startswith("18.")
        assert connection.execute("SHOW listen_addresses").fetchone() == ("",)
        assert connection.execute("SHOW fsync").fetchone() == ("on",)
    assert _redis(servers).config_get("port") == {"port": "0"}


def test_data_survives_a_restart(folder):
    first = embedded.join(folder)
    with _connect(first) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    _redis(first).set("kept", "yes")
    first.leave()

    second = embedded.join(folder)

    with _connect(second) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    assert _redis(second).get("kept") == b"yes"
    second.leave()


def test_the_last_to_leave_stops_them(folder):
    first, second = embedded.join(folder), embedded.join(folder)

    first.leave()
    with _connect(second) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    second.leave()
    second.leave()

    with pytest.raises(psycopg.OperationalError):
        _connect(second)
    with pytest.raises(redis.ConnectionError):
        _redis(second).ping()


def test_what_was_committed_survives_kill_9_of_both(servers):
    with _connect(servers) as connection:
        connection.execute("CREATE TABLE kept AS SELECT 42 AS answer")
    # The whole group, as the kernel does when memory runs out; then the next one to join.
    os.kill(servers.postmaster_pid(), signal.SIGKILL)
    os.kill(servers.redis_pid(), signal.SIGKILL)
    _until_dead(servers)

    revived = embedded.join(servers.folder)

    with _connect(revived) as connection:
        assert connection.execute("SELECT answer FROM kept").fetchone() == (42,)
    assert _redis(revived).ping()
    revived.leave()


def test_a_killed_user_leaves_nothing_behind_that_keeps_them_running(folder):
    code = f"""
        import time
        from pathlib import Path
        from app import embedded
        embedded.join(Path({str(folder)!r}))
        print("joined", flush=True)
        time.sleep(60)
    """
    with subprocess.Popen(
        [sys.executable, "-c", textwrap.dedent(code)], stdout=subprocess.PIPE, cwd=ROOT
    ) as user:
        assert user.stdout is not None
        assert user.stdout.readline() == b"joined\n"
        mine = embedded.join(folder)
        user.kill()
    mine.leave()

    with pytest.raises(psycopg.OperationalError):
        _connect(mine)


def test_a_set_up_that_was_cut_off_is_made_anew(folder):
    (folder / "postgres" / "base").mkdir(parents=True)
    (folder / "postgres" / "half.conf").write_text("half")

    servers = embedded.join(folder, durable=False)

    with _connect(servers) as connection:
        assert connection.execute("SHOW fsync").fetchone() == ("off",)
    servers.leave()


def test_a_path_too_long_for_a_socket_gets_a_short_one(folder):
    folder = folder / ("long" * 30) / "data"

    servers = embedded.join(folder, durable=False)

    assert not servers.sockets.is_relative_to(folder)
    with _connect(servers) as connection:
        assert connection.execute("SELECT 1").fetchone() == (1,)
    servers.leave()


def test_a_server_that_cannot_start_says_why(folder):
    servers = embedded.join(folder)
    servers.leave()
    (servers.pgdata / "postgresql.auto.conf").write_text("shared_buffers = 'nonsense'\n")

    with pytest.raises(embedded.ServerDidNotStart, match="shared_buffers"):
        embedded.join(folder)

    servers.stop()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else to try it")
def test_an_ordinary_user_can_run_them_too(new_folder):
    home = new_folder()
    home.chmod(0o777)

    def as_nobody() -> None:
        os.setgroups([])
        os.setgid(65534)
        os.setuid(65534)
        servers = embedded.join(home / "data", durable=False)
        with _connect(servers) as connection:
            (home / "answer").write_text(str(connection.execute("SELECT 42").fetchone()))
        servers.leave()

    # Forked, not started anew: the interpreter itself may live where only root can look.
    process = multiprocessing.get_context("fork").Process(target=as_nobody)
    process.start()
    process.join(60)

    assert (home / "answer").read_text() == "(42,)"


def _connect(servers: embedded.Servers) -> psycopg.Connection:
    url = servers.database_url().replace("+psycopg", "")
    return psycopg.connect(url, autocommit=True, connect_timeout=5)


def _redis(servers: embedded.Servers) -> redis.Redis:
    return redis.Redis.from_url(servers.redis_url())


def _until_dead(servers: embedded.Servers) -> None:
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        try:
            _connect(servers).close()
        except psycopg.OperationalError:
            return
        time.sleep(0.05)
    raise AssertionError("PostgreSQL survived kill -9")
