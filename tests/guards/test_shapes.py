"""The shape of the code: small pieces, typed money, aware moments, complete state machines."""

import ast
from enum import StrEnum
from importlib import import_module
from pathlib import Path

import pytest
from sqlalchemy import BigInteger, DateTime, Integer, TypeDecorator

from app import tables

ROOT = Path(__file__).parents[2]
PACKAGES = ("app", "promotions", "distribution", "sandbox", "demo", "bench", "tests")
FILES = [path for package in PACKAGES for path in sorted((ROOT / package).rglob("*.py"))]
FUNCTION_LINES_MAX = 70
FILE_LINES_MAX = 400


def _id(path: Path) -> str:
    return str(path.relative_to(ROOT))


@pytest.mark.parametrize("path", FILES, ids=_id)
def test_files_and_functions_stay_small(path):
    source = path.read_text()
    lines = source.count("\n")
    assert lines <= FILE_LINES_MAX, f"{_id(path)} has {lines} lines: split it by noun"
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            length = (node.end_lineno or node.lineno) - node.lineno + 1
            assert length <= FUNCTION_LINES_MAX, f"{_id(path)}: {node.name} has {length} lines"


@pytest.mark.parametrize("path", FILES, ids=_id)
def test_every_module_says_what_it_owns(path):
    assert ast.get_docstring(ast.parse(path.read_text())), f"{_id(path)} has no docstring"


def _columns():
    for metadata in tables.metadata():
        for table in metadata.sorted_tables:
            yield from table.columns


def test_money_columns_are_bigint():
    for column in _columns():
        if column.name.endswith("_fen"):
            assert isinstance(column.type, BigInteger), f"{column} must be BIGINT"
        if column.name in {"amount", "price", "total", "balance", "fee", "money"}:
            raise AssertionError(f"{column}: say the unit, such as {column.name}_fen")


def test_rate_columns_end_in_bp():
    for column in _columns():
        name_says_rate = any(word in column.name for word in ("rate", "ratio", "percent"))
        if name_says_rate and isinstance(column.type, Integer) and not column.foreign_keys:
            assert column.name.endswith("_bp"), f"{column}: rates are basis points, `_bp`"


def test_moment_columns_are_aware_and_end_in_at():
    for column in _columns():
        kind = column.type.impl_instance if isinstance(column.type, TypeDecorator) else column.type
        if isinstance(kind, DateTime):
            assert isinstance(column.type, TypeDecorator), f"{column}: use the aware column type"
            assert kind.timezone, f"{column} must be TIMESTAMPTZ"
            assert column.name.endswith("_at"), f"{column}: moments end in `_at`"


def _state_modules():
    for package in ("app", "promotions", "distribution"):
        for path in sorted((ROOT / package).rglob("*.py")):
            if "TRANSITIONS" in path.read_text():
                yield ".".join(path.relative_to(ROOT).with_suffix("").parts)


def test_transitions_name_every_state():
    found = 0
    for name in _state_modules():
        for attribute, moves in vars(import_module(name)).items():
            if not attribute.endswith("TRANSITIONS") or not isinstance(moves, dict):
                continue
            states = type(next(iter(moves)))
            assert issubclass(states, StrEnum), f"{name}.{attribute} is keyed by a StrEnum"
            assert set(moves) == set(states), (
                f"{name}.{attribute} forgets {set(states) - set(moves)}"
            )
            for targets in moves.values():
                assert set(targets) <= set(states)
            found += 1
    assert found >= 4
