"""What can be wrong with one value, told by its JSON schema, and where the values of a body are."""

import copy
from collections.abc import Iterator
from typing import Any

BEYOND = 2**63
DEEP = 60
PASSES_ANYTHING = "password"
"""The format of a text that is taken as typed, whatever its characters."""


def resolve(document: Any, schema: Any, value: Any = None) -> tuple[Any, bool]:
    """The schema itself, of several the one that knows the fields of `value`; is null allowed?"""
    if "anyOf" in schema:
        real = [each for each in schema["anyOf"] if each.get("type") != "null"]
        parts = [resolve(document, each)[0] for each in real]
        fields = set(value) if isinstance(value, dict) else set()
        known = [part for part in parts if fields <= set(part.get("properties", ()))]
        return (known or parts)[0], len(real) < len(schema["anyOf"])
    if "$ref" in schema:
        name = schema["$ref"].split("/")[-1]
        return resolve(document, document["components"]["schemas"][name], value)
    kind = schema.get("type", "string" if "enum" in schema else None)
    if isinstance(kind, list):
        real = next(each for each in kind if each != "null")
        return schema | {"type": real}, True
    return schema | {"type": kind}, False


def spoilt(document: Any, schema: Any, body: Any) -> Iterator[tuple[str, Any]]:
    """Every way to spoil one place of `body`, as (what is wrong where, the whole body)."""
    for path, part, nullable in places(document, schema, body):
        value = _at(body, path)
        for what, wrong in wrongs(part, value, is_nullable=nullable):
            yield f"{'.'.join(map(str, path))}: {what}", replaced(body, path, wrong)


def places(
    document: Any, schema: Any, value: Any, path: tuple[Any, ...] = ()
) -> Iterator[tuple[tuple[Any, ...], Any, bool]]:
    """Each value inside `value` with its path and schema."""
    part, nullable = resolve(document, schema, value)
    yield path, part, nullable
    if isinstance(value, dict):
        for name, each in value.items():
            yield from places(document, part["properties"][name], each, (*path, name))
    elif isinstance(value, list) and value:
        yield from places(document, part["items"], value[0], (*path, 0))


def wrongs(schema: Any, value: Any, *, is_nullable: bool) -> Iterator[tuple[str, Any]]:
    """Values that `schema` forbids, named."""
    if not is_nullable:
        yield "null", None
    yield from KINDS[schema["type"]](schema, value)


def _integers(schema: Any, _: Any) -> Iterator[tuple[str, Any]]:
    yield from _named("1", 1.5, 1.0, True, [], [1], {}, "", "x")
    for number in (schema["minimum"] - 1, schema["maximum"] + 1, BEYOND, -BEYOND - 1, 10**30):
        yield str(number), number
    yield from _named(1e308, -1e-9)


def _strings(schema: Any, _: Any) -> Iterator[tuple[str, Any]]:
    yield from _named(1, 1.5, True, [], ["x"], {})
    yield "half a surrogate pair", "ab\ud800cdefghijk"
    if schema.get("format") != PASSES_ANYTHING:
        yield "NUL", "ab\x00c"
        yield "a bell", "ab\x07c"
    if "maxLength" in schema:
        yield "too long", "长" * (schema["maxLength"] + 1)
    yield "a book", "x" * 200_000
    if schema.get("minLength") or "pattern" in schema or "enum" in schema:
        is_optional_pattern = schema.get("pattern", "").endswith(")?)$")
        if not is_optional_pattern:
            yield "nothing", ""
    if schema.get("minLength") == 1 and schema.get("format") != PASSES_ANYTHING:
        yield "only blanks", " \t　"
    if {"pattern", "enum"} & set(schema) or schema.get("format") == "date-time":
        yield "other words", "！不是这样的"


def _booleans(_: Any, __: Any) -> Iterator[tuple[str, Any]]:
    yield from _named(0, 1, "true", "", [], {})


def _arrays(schema: Any, value: Any) -> Iterator[tuple[str, Any]]:
    yield from _named({}, "x", 1, True)
    yield "a list of null", [None]
    yield "deep nesting", _nested()
    if schema.get("minItems"):
        yield "an empty list", []
    if value and "maxItems" in schema:
        yield "too many", value[:1] * (schema["maxItems"] + 1)


def _objects(schema: Any, value: Any) -> Iterator[tuple[str, Any]]:
    yield from _named([], "x", 1, True)
    yield "an unknown field", {**value, "is_admin": True}
    yield "a field called like a method", {**value, "__class__": "x"}
    for name in schema.get("required", []):
        yield f"without {name}", {key: each for key, each in value.items() if key != name}


KINDS = {
    "integer": _integers,
    "string": _strings,
    "boolean": _booleans,
    "array": _arrays,
    "object": _objects,
}


def _named(*values: Any) -> Iterator[tuple[str, Any]]:
    return ((repr(value), value) for value in values)


def _nested() -> Any:
    nest: Any = []
    for _ in range(DEEP):
        nest = [nest]
    return nest


def _at(body: Any, path: tuple[Any, ...]) -> Any:
    for step in path:
        body = body[step]
    return body


def replaced(body: Any, path: tuple[Any, ...], value: Any) -> Any:
    """A copy of `body` with `value` at `path`."""
    if not path:
        return value
    changed = copy.deepcopy(body)
    _at(changed, path[:-1])[path[-1]] = value
    return changed
