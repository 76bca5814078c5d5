"""The OpenAPI document is valid and complete: who may call each route, and what comes back."""

import json
import re
import warnings

import jsonschema_rs
import pytest
import schemathesis

from app import create_app
from app.core import errors
from app.settings import Settings

VERBS = {"get", "post", "put", "patch", "delete"}
PROBLEM = {"schema": {"$ref": "#/components/schemas/ProblemOut"}}
SECURITY = {"/api/v1": "shopper_token", "/admin/v1": "staff_token"}
OPEN = {
    ("post", "/api/v1/sessions"),
    ("post", "/admin/v1/sessions"),
    ("post", "/api/v1/share-clicks"),
    ("get", "/api/v1/categories"),
    ("get", "/api/v1/products"),
    ("get", "/api/v1/products/{spu_id}"),
    ("get", "/api/v1/promotions/running"),
    ("get", "/api/v1/bulk-buys"),
    ("get", "/api/v1/bulk-buys/{bulk_buy_id}"),
    ("get", "/api/v1/codes/{digest}"),
    ("get", "/api/v1/flash-sales"),
    ("get", "/api/v1/flash-sales/{promotion_id}"),
    ("get", "/api/v1/group-buys"),
    ("get", "/api/v1/group-buys/{group_buy_id}"),
    ("get", "/api/v1/group-buys/{group_buy_id}/teams"),
    ("get", "/api/v1/teams/{team_no}"),
    ("post", "/api/v1/share-clicks"),
}
SAID = {"application/json", "application/x-ndjson", "text/csv", "text/plain", "image/*"}
"""What an operation may answer with."""


@pytest.fixture(scope="module")
def operations(document):
    """Every operation as (verb, path, operation, parameters)."""
    return [
        (verb, path, operation, [*item.get("parameters", []), *operation.get("parameters", [])])
        for path, item in document["paths"].items()
        for verb, operation in item.items()
        if verb in VERBS
    ]


def called(verb, path):
    return f"{verb.upper()} {path}"


def test_the_document_is_openapi_3_1(document):
    assert document["openapi"] == "3.1.0"
    schema = schemathesis.openapi.from_dict(document)
    schema.validate()
    assert all(result.ok() for result in schema.get_all_operations())


def test_every_schema_is_a_valid_json_schema(document):
    for name, schema in document["components"]["schemas"].items():
        assert jsonschema_rs.meta.is_valid(schema), name


def test_patterns_are_those_of_json_schema(document):
    patterns = re.findall(r'"pattern": ("(?:[^"\\]|\\.)*")', json.dumps(document))
    assert patterns
    for pattern in map(json.loads, patterns):
        assert "\\A" not in pattern, pattern
        assert "\\Z" not in pattern, pattern
        assert (pattern[0], pattern[-1]) == ("^", "$")


def test_every_reference_leads_somewhere_and_nothing_is_left_over(document):
    text = json.dumps(document)
    names = set(re.findall(r'"#/components/schemas/(\w+)"', text))
    assert names == set(document["components"]["schemas"])
    assert set(document["components"]) == {"schemas", "securitySchemes"}


def test_no_two_schemas_share_a_name():
    settings = Settings(
        database_url="postgresql+psycopg://nowhere",
        redis_url="redis://nowhere",
        secret_key="x" * 32,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        create_app(settings)


def test_every_route_of_the_api_is_in_the_document(the_app, document):
    routes = {
        (verb.lower(), re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule))
        for rule in the_app.url_map.iter_rules()
        if rule.rule.startswith(("/api/", "/admin/", "/webhooks/"))
        for verb in rule.methods - {"HEAD", "OPTIONS"}
    }
    documented = {
        (verb, path) for path, item in document["paths"].items() for verb in item if verb in VERBS
    }
    assert documented == routes


def test_every_operation_has_a_summary_and_a_tag(operations):
    for verb, path, operation, _ in operations:
        assert operation["summary"].endswith("."), called(verb, path)
        assert len(operation["tags"]) == 1, called(verb, path)


def test_the_tags_are_exactly_those_in_use_and_say_what_they_are_about(document, operations):
    listed = [tag["name"] for tag in document["tags"]]
    assert set(listed) == {operation["tags"][0] for _, _, operation, _ in operations}
    assert len(listed) == len(set(listed))
    assert all(tag["description"] for tag in document["tags"])


def test_every_operation_behind_a_guard_says_so(operations):
    for verb, path, operation, _ in operations:
        token = next((name for prefix, name in SECURITY.items() if path.startswith(prefix)), None)
        if (verb, path) in OPEN or token is None:
            assert "security" not in operation, called(verb, path)
        else:
            assert operation["security"] == [{token: []}], called(verb, path)
            assert "401" in operation["responses"], called(verb, path)


def test_every_operation_says_what_comes_when_it_succeeds(operations):
    for verb, path, operation, _ in operations:
        good = {status: each for status, each in operation["responses"].items() if status < "300"}
        assert len(good) == 1, called(verb, path)
        for status, answer in good.items():
            is_empty = status == "204"
            is_said = bool(SAID & set(answer.get("content", {})))
            assert is_empty != is_said, called(verb, path)


def test_every_failure_is_a_problem_document(operations):
    for verb, path, operation, _ in operations:
        if path.startswith("/webhooks/"):
            continue  # WeChat is answered in its own shape.
        assert "default" not in operation["responses"], called(verb, path)
        for status, answer in operation["responses"].items():
            if status >= "400":
                assert answer["content"] == {"application/problem+json": PROBLEM}, (
                    called(verb, path),
                    status,
                )


def test_every_operation_with_a_body_says_how_a_bad_one_is_refused(operations):
    for verb, path, operation, _ in operations:
        if "requestBody" in operation:
            assert {"400", "413", "415", "422"} <= set(operation["responses"]), called(verb, path)
            assert set(operation["requestBody"]["content"]) == {"application/json"}


def test_every_parameter_in_a_path_is_documented(operations):
    for verb, path, operation, parameters in operations:
        named = {each["name"] for each in parameters if each["in"] == "path"}
        assert named == set(re.findall(r"{(\w+)}", path)), called(verb, path)
        assert all(each["required"] for each in parameters if each["in"] == "path")
        if named:
            assert "404" in operation["responses"], called(verb, path)


def test_every_body_refuses_unknown_fields(document, operations):
    schemas = document["components"]["schemas"]
    waiting = [
        each["content"]["application/json"]["schema"]
        for _, _, operation, _ in operations
        if (each := operation.get("requestBody"))
    ]
    for schema in waiting:
        for name in re.findall(r"#/components/schemas/(\w+)", json.dumps(schema)):
            assert schemas[name]["additionalProperties"] is False, name
            waiting += [
                each for each in schemas[name]["properties"].values() if each not in waiting
            ]


def test_every_code_a_route_may_answer_has_one_status_and_one_title():
    known = {}
    for error in errors.all_errors():
        if error.__module__.startswith("app."):
            assert known.setdefault(error.code, (error.status, error.title)) == (
                error.status,
                error.title,
            ), error.code
