"""`python -m bench [NAME …]`: run the named benches, or all of them."""

import shutil
import sys
import tempfile
from collections.abc import Callable
from pathlib import Path

from bench.course import Course
from bench.flash_sales import flash_sale, flash_sale_growth
from bench.ledger import ledger
from bench.ledger_pages import ledger_pages, ledger_pages_full
from bench.notifications import notification
from bench.orders import place_order
from bench.pages import product_list, product_page
from bench.pricing import pricing
from bench.quotes import quote
from bench.reconciliation import reconciliation
from demo.mall import Mall

BENCHES: dict[str, Callable[[Course], None]] = {
    "product_list": product_list,
    "product_page": product_page,
    "quote": quote,
    "place_order": place_order,
    "flash_sale": flash_sale,
    "notification": notification,
    "ledger": ledger,
    "ledger_pages": ledger_pages,
}

LONG: dict[str, Callable[[Course], None]] = {
    "ledger_pages_full": ledger_pages_full,
    "flash_sale_growth": flash_sale_growth,
    "reconciliation": reconciliation,
}
"""Benches that run only by their name: they take too long for every day."""

PURE: dict[str, Callable[[], None]] = {"pricing": pricing}
"""Benches that need no mall."""


def main(names: list[str]) -> int:
    """Run the benches on a mall of their own; return the exit status."""
    if unknown := set(names) - set(BENCHES) - set(PURE) - set(LONG):
        known = ", ".join([*PURE, *BENCHES, *LONG])
        print(f"no such bench: {', '.join(unknown)}; there are {known}")
        return 2
    for name, run in PURE.items():
        if name in names or not names:
            run()
    if asked := [name for name in names or BENCHES if name in BENCHES | LONG]:
        return _on_a_mall(asked)
    return 0


def _on_a_mall(names: list[str]) -> int:
    folder = Path(tempfile.mkdtemp(prefix="siyu-bench-"))
    (folder / "ready.json").write_text("{}")
    mall = Mall(folder / "data", port=0, sandbox_port=0, say=_aside)
    try:
        mall.start()
        course = Course(mall, folder)
        course.start_bare()
        for name in names:
            (BENCHES | LONG)[name](course)
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
