"""No HTTP client of ours goes through a proxy of the machine: a mall on 127.0.0.1 is not there."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PARTS = ("app", "sandbox", "demo", "bench")


def calls() -> Iterator[tuple[str, ast.Call]]:
    """Every call of httpx that opens a connection, and where it stands."""
    for path in sorted(each for part in PARTS for each in (ROOT / part).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Call) and ast.unparse(node.func) in {
                "httpx.Client", "httpx.get", "httpx.post", "httpx.request", "httpx.stream"
            }:  # fmt: skip
                yield f"{path.relative_to(ROOT)}:{node.lineno}", node


@pytest.mark.parametrize(("place", "call"), list(calls()))
def test_no_proxy_of_the_environment_comes_between(place, call):
    given = {each.arg: ast.unparse(each.value) for each in call.keywords}

    assert given.get("trust_env") == "False", place
