"""Every route sits behind an audience, says what it does, and is tested."""

import re
from pathlib import Path

import pytest

from app.core.auth import Audience

TESTS = Path(__file__).parents[1]
OUTSIDE = {"healthz", "readyz", "metrics", "docs.page", "docs.openapi_json", "docs.ui_file"}


@pytest.fixture
def rules(the_app):
    return [rule for rule in the_app.url_map.iter_rules() if rule.endpoint not in OUTSIDE]


def test_every_route_is_behind_an_audience(rules):
    audiences = {audience.value for audience in Audience}
    assert rules
    for rule in rules:
        parent = rule.endpoint.split(".")[0]
        assert parent.partition("_")[2] in audiences, f"{rule} is in no group of app/api.py"


def test_strangers_are_refused_wherever_a_token_is_asked_for(rules, client):
    for rule in rules:
        if rule.endpoint.split(".")[0].partition("_")[2] not in {"shopper", "staff"}:
            continue
        path = re.sub(r"<int:\w+>", "1", rule.rule)
        path = re.sub(r"<[^>]+>", "X0", path)
        for method in rule.methods - {"HEAD", "OPTIONS"}:
            answer = client.open(path, method=method)
            assert (answer.status_code, answer.json["code"]) == (401, "unauthorized"), rule


def test_every_route_has_a_docstring(the_app, rules):
    for rule in rules:
        doc = the_app.view_functions[rule.endpoint].__doc__
        assert doc, f"{rule.endpoint} needs one line: it is the summary in the API reference"
        assert doc.strip()


def test_every_route_is_called_by_a_test(rules):
    sources = "\n".join(path.read_text() for path in TESTS.rglob("test_*.py"))
    for rule in rules:
        tail = re.sub(r"^/(api|admin)/v1", "", rule.rule)
        parts = re.split(r"<[^>]+>", tail)
        pattern = r"[^\"'\s/]+".join(re.escape(part) for part in parts)
        assert re.search(pattern + r"[\"'?]", sources), f"no test calls {rule.rule}"
