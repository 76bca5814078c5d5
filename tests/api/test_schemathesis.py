"""
Requests made from the OpenAPI document find no crash and no answer the document does not have.

Three sorts: valid ones that mostly name what exists, spoilt ones, and each boundary of each field.
Every operation that writes gets a fresh shop, as what ran before may have deleted anything.
"""

import itertools
import re

import pytest
import schemathesis
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from schemathesis import GenerationMode
from schemathesis.core.parameters import ParameterLocation
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    negative_data_rejection,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from app.core import redis
from tests.api import world as worlds

CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_schema_conformance,
    response_headers_conformance,
]
SIDES = {
    "shoppers": "/api/v1/",
    "staff": "/admin/v1/",
    "wechat": "/webhooks/",
}
READ = {ParameterLocation.BODY, ParameterLocation.QUERY}
"""What a route reads; a spoilt header is mostly one that nobody looks at."""
SINGULAR = {
    "parent_id": "category_id",
    "freight_template_id": "template_id",
    "cart_item_ids": "item_id",
    "buyer_id": "member_id",
}
"""Fields of bodies and queries that name something by another word than the paths do."""


class Caller:
    """Sends cases to the application as somebody who may, each with a token that is good."""

    def __init__(self, app, isolated, session, now):
        self.app, self.session, self.now = app, session, now
        self.schema = schemathesis.openapi.from_wsgi("/docs/openapi.json", isolated)
        self.world = self.headers = None
        self.is_changed = False

    def operations(self, prefix):
        """The operations of one side; one that writes finds a shop nobody has touched."""
        every = [result.ok() for result in self.schema.get_all_operations()]
        of_side = [each for each in every if each.path.startswith(prefix)]
        for operation in sorted(of_side, key=lambda each: each.method != "get"):
            if self.world is None or self.is_changed:
                self.world, self.headers = worlds.build(self.session, now=self.now), None
                self.is_changed = False
            yield operation

    def call(self, case):
        if self.headers is None:
            self.headers = self.world.headers(self.session, case.path, now=self.now)
        response = case.call(headers=self.headers)
        # What was refused has changed nothing; tests of its own say so.
        self.is_changed |= response.status_code < 400 and case.method.upper() != "GET"
        if response.status_code == 401:  # Signed out, perhaps.
            self.headers = None
        if response.status_code == 429:
            redis.client().flushdb()
        must_fail = any(
            place in READ and component.mode.is_negative
            for place, component in case.meta.components.items()
        )
        checks = [*CHECKS, negative_data_rejection] if must_fail else CHECKS
        case.validate_response(response, checks=checks)
        assert response.status_code != 500

    def known(self, name):
        """What there is of the things a field is called after."""
        word = SINGULAR.get(name, re.sub(r"ids$", "id", name))
        return self.world.ids.get(word, ())

    def aimed(self, case, draw):
        """The case, with most of what names something naming what exists."""
        for container in (case.path_parameters, case.query, case.body):
            self._aim(container, draw)
        return case

    def _aim(self, value, draw):
        if isinstance(value, list):
            for each in value:
                self._aim(each, draw)
        if not isinstance(value, dict):
            return
        for name, each in value.items():
            if (known := self.known(name)) and draw(st.integers(0, 4)):
                one = draw(st.sampled_from(known))
                value[name] = [one] if isinstance(each, list) else one
            else:
                self._aim(each, draw)


@pytest.fixture
def caller(app, wechat, isolated, session, now):
    return Caller(app, isolated, session, now)


def fuzz(caller, operation, mode, examples):
    """Call `operation` with generated cases, the same ones in every run."""
    is_bad = mode is GenerationMode.NEGATIVE
    if is_bad and not (operation.body or operation.query or operation.headers):
        return

    @settings(
        max_examples=examples,
        derandomize=True,
        deadline=None,
        database=None,
        phases=[Phase.generate],
        suppress_health_check=list(HealthCheck),
    )
    @given(case=operation.as_strategy(generation_mode=mode), data=st.data())
    def run(case, data):
        caller.call(case if is_bad else caller.aimed(case, data.draw))

    run()


def boundaries(caller, operation, most=None):
    """Call `operation` with each boundary of each field, or `most` of them spread evenly."""
    cases = list(
        caller.schema.iter_coverage_cases(
            operation,
            generation_modes=list(GenerationMode),
            generation_config=operation.schema.config.generation_for(
                operation=operation, phase="coverage"
            ),
        )
    )
    step = max(1, len(cases) // most) if most else 1
    for case in itertools.islice(cases, 0, None, step):
        caller.call(case)


@pytest.mark.slow
@pytest.mark.parametrize("side", SIDES)
def test_no_request_finds_a_crash_or_an_undocumented_answer(side, caller):
    for operation in caller.operations(SIDES[side]):
        fuzz(caller, operation, GenerationMode.POSITIVE, 2)
        fuzz(caller, operation, GenerationMode.NEGATIVE, 1)
        boundaries(caller, operation, most=4)


@pytest.mark.soak
@pytest.mark.parametrize("side", SIDES)
def test_no_request_finds_a_crash_or_an_undocumented_answer_in_full_size(side, caller):
    for operation in caller.operations(SIDES[side]):
        fuzz(caller, operation, GenerationMode.POSITIVE, 100)
        fuzz(caller, operation, GenerationMode.NEGATIVE, 100)
        boundaries(caller, operation)
