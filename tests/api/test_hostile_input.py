"""
Every operation with a body refuses everything that is wrong with it, and nothing changes.

For each there is a request that succeeds; every value in it is spoilt in every way its schema
knows, each must be a 4xx problem document, and only then may the untouched request succeed.
"""

import json

import pytest

from app.core.auth import Audience
from tests.api import hostile
from tests.api import world as worlds
from tests.api.bodies import REQUESTS
from tests.api.mall import Mall

OPEN = ("/sessions", "/share-clicks")
"""What is for everybody ends with one of these."""

WITHOUT_EMOJI = {
    "POST /api/v1/addresses": ["receiver", "province", "city", "district", "detail"],
    "PATCH /api/v1/addresses/{address_id}": ["receiver", "province", "city", "district", "detail"],
    "POST /api/v1/after-sales": ["reason"],
}
"""What may travel to WeChat Pay."""

UNREADABLE = [
    b"",
    b"{",
    b'{"a": 1,}',
    b"\xff\xfe",
    '{"a": 1}'.encode("utf-16"),
    b'{"a": NaN}',
    b'{"a": -Infinity}',
    b"[" * 100_000,
    b'{"a":' * 20_000 + b"1" + b"}" * 20_000,
    b'{"a": ' + b"9" * 10_000 + b"}",
]
NOT_OBJECTS = [b"null", b"true", b"1", b'"x"', b"[]", b"[[]]", b"[1]"]
OTHER_TYPES = [
    None,
    "",
    "text/plain",
    "text/json",
    "application/x-www-form-urlencoded",
    "multipart/form-data; boundary=x",
    "application/xml",
]


@pytest.fixture
def mall(app, wechat, session, world, now, database_url, request):
    operation = request.node.callspec.params["operation"]
    headers = world.headers(session, operation.split()[1], now=now)
    mall = Mall(app, database_url, headers)
    yield mall
    mall.close()


@pytest.fixture
def valid(world, wechat, request):
    """The body that succeeds."""
    return REQUESTS[request.node.callspec.params["operation"]].body(world.ids, wechat)


def assert_refused(answer, statuses, why):
    __tracebackhide__ = True
    assert answer.status_code in statuses, (why, answer.status_code, answer.text[:500])
    assert answer.content_type.startswith("application/problem+json"), why
    assert answer.json["status"] == answer.status_code, why
    assert {"type", "title", "code", "request_id"} <= set(answer.json), why


def with_bodies(document):
    return {
        f"{verb.upper()} {path}": operation["requestBody"]["content"]["application/json"]["schema"]
        for path, item in document["paths"].items()
        for verb, operation in item.items()
        if isinstance(operation, dict) and "requestBody" in operation
    }


def test_every_operation_with_a_body_is_tried(document):
    assert set(REQUESTS) == set(with_bodies(document))


@pytest.mark.slow
@pytest.mark.parametrize("operation", REQUESTS)
def test_whatever_is_wrong_is_refused_and_changes_nothing(
    operation, mall, world, valid, document, session, now
):
    before = mall.fingerprint()

    if not operation.endswith(OPEN):
        refuses_a_token_that_is_none(operation, mall, world, valid, session, now)
    refuses_what_is_no_json_object(operation, mall, world, valid)
    refuses_what_its_schema_forbids(operation, mall, world, valid, document)

    assert mall.fingerprint() == before
    answer = mall.send(operation, world.ids, valid, pick=REQUESTS[operation].pick)
    assert answer.status_code in {200, 201, 204}, answer.text


def refuses_a_token_that_is_none(operation, mall, world, valid, session, now):
    staff = worlds.headers_for(session, Audience.STAFF, world.owner_id, now=now)
    shopper = worlds.headers_for(session, Audience.SHOPPER, world.member_id, now=now)
    other_side = shopper if "/admin/" in operation else staff
    good = mall.headers["Authorization"]
    for headers in (
        {},
        other_side,
        {"Authorization": good + "x"},
        {"Authorization": good.replace("Bearer", "Basic")},
        {"Authorization": "Bearer "},
        {"Authorization": "Bearer \xff"},
        {"Cookie": f"token={good}"},
    ):
        assert_refused(mall.send(operation, world.ids, valid, headers=headers), {401}, headers)


def refuses_what_is_no_json_object(operation, mall, world, valid):
    good = json.dumps(valid).encode()
    json_type = {"content_type": "application/json"}
    for raw in UNREADABLE:
        assert_refused(mall.send(operation, world.ids, data=raw, **json_type), {400}, raw[:20])
    for raw in NOT_OBJECTS:
        assert_refused(mall.send(operation, world.ids, data=raw, **json_type), {422}, raw)
    for kind in OTHER_TYPES:
        answer = mall.send(operation, world.ids, data=good, content_type=kind)
        assert_refused(answer, {415}, kind)
    huge = good[:-1] + b" " * 1024 * 1024 + b"}"
    assert_refused(mall.send(operation, world.ids, data=huge, **json_type), {413}, "2 MiB")
    for query in ("?debug=1", "?limit=1", "?%00=1"):
        assert_refused(mall.send(operation, world.ids, valid, query=query), {422}, query)


def refuses_what_its_schema_forbids(operation, mall, world, valid, document):
    request, schemas = REQUESTS[operation], with_bodies(document)
    schema = schemas[operation]
    # A schema that an operation before this one shares was tried there in full.
    is_new = next(each for each in REQUESTS if schemas[each] == schema) == operation
    wrongs = list(hostile.spoilt(document, schema, valid))
    for why, body in wrongs if is_new else wrongs[::7]:
        answer = mall.send(operation, world.ids, body, pick=request.pick)
        assert_refused(answer, {422}, why)
        assert answer.json["code"] == "invalid_fields", why
        assert answer.json["errors"], why
    for field in WITHOUT_EMOJI.get(operation, []):
        answer = mall.send(operation, world.ids, valid | {field: "好😀"}, pick=request.pick)
        assert_refused(answer, {422}, field)
        assert field in answer.json["errors"]
