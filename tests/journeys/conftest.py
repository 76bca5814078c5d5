"""A whole mall in processes of its own, shared by the journeys of one test process."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from demo.mall import Mall


@pytest.fixture(scope="session")
def mall(new_folder: Callable[[], Path]) -> Iterator[Mall]:
    """Private servers, sandbox, Granian with four processes, a worker; seeded."""
    running = Mall(new_folder(), port=0, sandbox_port=0, server_processes=4, say=lambda _: None)
    running.start()
    yield running
    running.stop()
