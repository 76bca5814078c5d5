"""What is wrong in a path or a query string is refused, never taken for something else."""

import base64
import json
from urllib.parse import quote

import pytest

from tests.api.mall import Mall

WORDS = [
    "%00",
    "a%00",
    "%0a",
    "x%0d%0aSet-Cookie:a=b",
    "%ff",
    "%F0%9F%98%80",
    "a" * 65,
    "a%20b",
    "%2e%2e%2f",
    "",
]
NUMBERS = [*WORDS, "-1", "0", "1.0", "1e3", "0x1", "%D9%A1", "9" * 18, "9" * 19, "9" * 400, "True"]
NOT_NUMBERS = [
    "",
    "-1",
    "+1",
    "1.0",
    "1e3",
    "0x1",
    " 1",
    "1_0",
    "%D9%A1",
    "9" * 19,
    "9" * 5000,
    "true",
    "null",
    "%00",
    "NaN",
]
NOT_WORDS = ["no such word", "%00", "", "\ud83d", "'", "PAID "]
NOT_TEXTS = ["a%00b", "%07", "a%7Fb"]
NOT_MOMENTS = [
    "",
    "now",
    "2026-06-01",
    "2026-06-01T00:00:00",
    "0001-01-01T00:00:00%2B14:00",
    "9999-12-31T23:59:59-14:00",
    "%00",
    "1e9",
]

NOT_DAYS = ["", "today", "2026-6-1", "20260601", "2026-02-30", "2026-06-01T00:00:00", "%00", "1e9"]
NOT_TRUTHS = ["", "2", "maybe", "%E7%9C%9F"]
NOT_OF_KIND = {"date-time": NOT_MOMENTS, "date": NOT_DAYS, "boolean": NOT_TRUTHS}


def cursor(value):
    return base64.urlsafe_b64encode(json.dumps(value).encode()).decode().rstrip("=")


CURSORS = [
    "",
    "!",
    "a",
    "%00",
    "%F0%9F%98%80",
    "x" * 201,
    *map(
        cursor,
        [
            None,
            1,
            {},
            [],
            [None],
            [True],
            [1.5],
            ["1"],
            [[1]],
            [{}],
            [10**30],
            [-(2**63)],
            [1, 2, 3, 4],
        ],
    ),
    cursor([float("inf")]),
    cursor(["\x00"]),
    cursor(["\ud800", 1]),
    quote(base64.b64encode(b"[" * 140).decode()),
]


@pytest.fixture
def mall(app, wechat, database_url):
    mall = Mall(app, database_url, {})
    yield mall
    mall.close()


@pytest.fixture
def operations(document):
    """Every operation as (verb, path, its parameters)."""
    return [
        (verb.upper(), path, [*item.get("parameters", []), *operation.get("parameters", [])])
        for path, item in document["paths"].items()
        for verb, operation in item.items()
        if verb != "parameters"
    ]


def wrongs_of(name, schema):
    """Values a query field must refuse, as they stand in the URL."""
    if name == "cursor":
        return CURSORS
    if schema.get("type") == "integer":
        beyond = [str(schema["minimum"] - 1), str(schema["maximum"] + 1)]
        return [*NOT_NUMBERS, *beyond]
    if "enum" in schema or "pattern" in schema:
        return [quote(each, safe="%", errors="replace") for each in NOT_WORDS]
    kind = schema.get("format", schema["type"])
    if kind in NOT_OF_KIND:
        return NOT_OF_KIND[kind]
    return [*NOT_TEXTS, "x" * (schema["maxLength"] + 1)]


@pytest.mark.slow
def test_whatever_is_wrong_in_a_query_is_refused(mall, operations, world, session, now):
    tried = 0
    for verb, path, parameters in operations:
        needed = {each["name"] for each in parameters if each["in"] == "query" and each["required"]}
        headers = world.headers(session, path, now=now)
        for each in parameters:
            if each["in"] != "query" or needed - {each["name"]}:
                continue
            for wrong in wrongs_of(each["name"], each["schema"]):
                query = f"?{each['name']}={wrong}"
                answer = mall.send(f"{verb} {path}", world.ids, headers=headers, query=query)
                assert answer.status_code == 422, (verb, path, query[:100], answer.text[:300])
                assert list(answer.json["errors"]) == [each["name"]]
                tried += 1
        answer = mall.send(f"{verb} {path}", world.ids, headers=headers, query="?no_such_field=1")
        if not path.startswith("/webhooks/"):
            assert (answer.status_code, answer.json["code"]) in {
                (422, "invalid_fields"),
                (415, "unsupported_media_type"),
            }, (verb, path)
    assert tried > 100


@pytest.mark.slow
def test_whatever_is_wrong_in_a_path_is_not_there(mall, operations, world, session, now):
    for verb, path, parameters in operations:
        headers = world.headers(session, path, now=now)
        for each in parameters:
            if each["in"] != "path":
                continue
            is_number = each["schema"]["type"] == "integer"
            for wrong in NUMBERS if is_number else WORDS:
                ids = world.ids | {each["name"]: (wrong,)}
                answer = mall.send(f"{verb} {path}", ids, headers=headers)
                # A route that waits for a body says so before it looks for anything.
                assert answer.status_code in {404, 415, 400}, (verb, path, wrong[:100], answer.text)
                assert answer.content_type.startswith("application/problem+json")
