"""`python -m bench [NAME …]`: run the named benches, or all of them."""

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.course import Course
from bench.notifications import notification
from bench.orders import place_order
from bench.pages import product_list, product_page
from bench.quotes import quote
from demo.mall import Mall

BENCHES: dict[str, Callable[[Course], None]] = {
    "product_list": product_list,
    "product_page": product_page,
    "quote": quote,
    "place_order": place_order,
    "notification": notification,
}


def main(names: list[str]) -> int:
    """Run the benches on a mall of their own; return the exit status."""
    if unknown := set(names) - set(BENCHES):
        print(f"no such bench: {', '.join(unknown)}; there are {', '.join(BENCHES)}")
        return 2
    folder = Path(tempfile.mkdtemp(prefix="siyu-bench-"))
    (folder / "ready.json").write_text("{}")
    mall = Mall(folder / "data", port=0, sandbox_port=0, say=_aside)
    try:
        mall.start()
        course = Course(mall, folder)
        course.start_bare()
        for name in names or BENCHES:
            BENCHES[name](course)
    except AssertionError:
        print(*(mall.family.tail(name) for name in ("server", "bare")), sep="\n", file=sys.stderr)
        raise
    finally:
        mall.stop()
        shutil.rmtree(folder, ignore_errors=True)
    return 0


def _aside(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
