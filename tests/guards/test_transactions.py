"""Only the edge commits, and only one module knows what time it is."""

import ast
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRODUCT = ("app", "promotions", "distribution")
EDGES = {"routes.py", "admin.py", "webhooks.py", "jobs.py", "commands.py", "audit.py", "calls.py"}
"""Of these names, or ending in them, such as `adjustments_admin.py`."""


def _calls(path: Path):
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute | ast.Name):
            yield node


def _name(call: ast.Call) -> str:
    return call.func.attr if isinstance(call.func, ast.Attribute) else call.func.id


def _files():
    for package in PRODUCT:
        yield from sorted((ROOT / package).rglob("*.py"))


def test_only_core_commits():
    for path in _files():
        if path == ROOT / "app/core/db.py":
            continue
        for call in _calls(path):
            assert _name(call) != "commit", (
                f"{path.relative_to(ROOT)}:{call.lineno} commits: the edge does, with transaction()"
            )


def test_only_edges_open_transactions():
    for path in _files():
        if path.is_relative_to(ROOT / "app/core") or path.name.rpartition("_")[2] in EDGES:
            continue
        for call in _calls(path):
            assert _name(call) != "transaction", (
                f"{path.relative_to(ROOT)}:{call.lineno} opens a transaction: take a session"
            )


def test_only_the_clock_knows_the_time():
    forbidden = {"now", "utcnow", "today"}
    for path in _files():
        if path == ROOT / "app/core/clock.py":
            continue
        for call in _calls(path):
            func = call.func
            if isinstance(func, ast.Attribute) and func.attr in forbidden:
                owner = func.value.id if isinstance(func.value, ast.Name) else ""
                assert owner not in {"datetime", "date", "dt"}, (
                    f"{path.relative_to(ROOT)}:{call.lineno}: ask app.core.clock at the edge"
                )
            is_time = isinstance(func, ast.Attribute) and func.attr == "time"
            if is_time and isinstance(func.value, ast.Name):
                assert func.value.id != "time", f"{path}:{call.lineno}: ask app.core.clock"


def test_only_settings_reads_the_environment():
    for path in _files():
        if path in {ROOT / "app/settings.py", ROOT / "app/embedded.py"}:
            continue
        assert "os.environ" not in path.read_text(), f"{path}: settings come from app.settings"
