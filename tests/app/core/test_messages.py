"""What is wrong with a field is said in Chinese: no sentence of the library's reaches anybody."""

import re

import marshmallow as ma
import pytest

from app.core import messages
from app.core.fields import Schema
from app.staff.models import Role
from tests.builders.members import ADDRESS, make_member
from tests.builders.staff import make_staff

CHINESE = re.compile(r"[一-鿿]")
ADDRESSES, PRODUCTS = "/api/v1/addresses", "/admin/v1/products"


def said(answer):
    assert answer.status_code == 422
    assert answer.json["errors"]
    return {path: each for path, texts in answer.json["errors"].items() for each in texts}


def schemas(base=Schema):
    for below in base.__subclasses__():
        yield below
        yield from schemas(below)


def everything_fields_may_say():
    for schema in set(schemas()):
        if not schema.__module__.startswith("app."):
            continue
        for name, field in schema().declared_fields.items():
            bound = schema().fields.get(name, field)
            for each in messages._with_inner(bound):
                for text in each.error_messages.values():
                    yield schema, name, text
                for validator in each.validators:
                    yield schema, name, getattr(validator, "error", "中")


def test_no_field_of_any_body_or_query_speaks_english(the_app):
    spoken = list(everything_fields_may_say())

    assert len(spoken) > 500
    assert [each for each in spoken if not (each[2] and CHINESE.search(each[2]))] == []


def test_every_message_of_the_library_is_known():
    inner = ma.fields.Raw()
    made = [ma.fields.Integer(), ma.fields.String(), ma.fields.Boolean(), ma.fields.AwareDateTime(),
            ma.fields.Date(), ma.fields.List(inner), ma.fields.Dict(), ma.fields.Enum(Role), inner,
            ma.fields.Nested(ma.Schema)]  # fmt: skip

    spoken = {text for field in made for text in field.error_messages.values()}

    assert spoken == messages.OF_FIELDS.keys()


@pytest.mark.parametrize(
    "change",
    [{"receiver": None}, {"receiver": 7}, {"receiver": ["x"]}, {"receiver": ""}, {"is_default": 1},
     {"phone": "1"}, {"receiver": "王" * 99}, {"unheard_of": 1}],
)  # fmt: skip
def test_a_shopper_reads_chinese(client, session, token_for, change):
    member = make_member(session)
    session.commit()
    headers = token_for("shopper", member.id)

    answer = client.post(ADDRESSES, json={**ADDRESS, **change}, headers=headers)

    assert list(said(answer)) == list(change)
    assert all(CHINESE.search(text) for text in said(answer).values())


@pytest.mark.parametrize("body", [{}, {"skus": []}, {"skus": [{}]}, {"skus": [7]}, {"images": 7}])
def test_staff_read_chinese(client, session, token_for, body):
    staff = make_staff(session)
    session.commit()
    headers = token_for("staff", staff.id)

    answer = client.post(PRODUCTS, json=body, headers=headers)

    assert all(CHINESE.search(text) for text in said(answer).values())


@pytest.mark.parametrize("query", ["limit=x", "limit=0", "sort=none", "page=1"])
def test_whoever_asks_for_a_page_reads_chinese(client, query):
    answer = client.get(f"/api/v1/products?{query}")

    assert all(CHINESE.search(text) for text in said(answer).values())


@pytest.mark.parametrize(
    ("length", "value", "text"),
    [
        (ma.validate.Length(equal=2), [1], "须恰好 2 项"),
        (ma.validate.Length(min=2), [1], "至少 2 项"),
        (ma.validate.Length(max=1), [1, 2], "至多 1 项"),
        (ma.validate.Length(min=2, max=3), [1], "须为 2 到 3 项"),
        (ma.validate.Length(min=2, error="太短"), [1], "太短"),
    ],
)
def test_lengths_are_said_in_items(length, value, text):
    schema = Schema.from_dict({"x": ma.fields.List(ma.fields.Raw(), validate=length)})()

    assert schema.validate({"x": value}) == {"x": [text]}


def test_a_body_that_is_no_object_is_told_so():
    assert Schema().validate([]) == {"_schema": ["须为 JSON 对象"]}
