"""
What marshmallow says of a wrong field, in Chinese: a form shows it to a shopper or to staff.

A message that a field or validator was given stays; only the library's own are replaced.
"""

from collections.abc import Iterator
from typing import Any

import marshmallow as ma

UNKNOWN = "未知字段"
NOT_AN_OBJECT = "须为 JSON 对象"

OF_FIELDS = {
    "Missing data for required field.": "必填",
    "Field may not be null.": "不能为空",
    "Invalid value.": "取值不正确",
    "Invalid type.": "类型不正确",
    "Not a valid integer.": "须为整数",
    "Number too large.": "数字过大",
    "Not a valid string.": "须为文本",
    "Not a valid utf-8 string.": "须为 UTF-8 文本",
    "Not a valid boolean.": "须为 true 或 false",
    "Not a valid list.": "须为列表",
    "Not a valid mapping type.": "须为对象",
    "Not a valid {obj_type}.": "时间格式不正确",
    "Not a valid {awareness} {obj_type}.": "时间须带时区",
    '"{input}" cannot be formatted as a {obj_type}.': "时间格式不正确",
    "Not a valid date.": "须为日期，形如 2026-11-30",
    '"{input}" cannot be formatted as a date.': "日期格式不正确",
    "Must be one of: {choices}.": "须为以下之一：{choices}",
}


def translate(field: ma.fields.Field[Any]) -> None:
    """Give `field`, its validators and the fields inside it Chinese messages."""
    for each in _with_inner(field):
        for key, said in each.error_messages.items():
            each.error_messages[key] = OF_FIELDS.get(str(said), said)
        for validator in each.validators:
            _translate_validator(validator)


def _with_inner(field: ma.fields.Field[Any]) -> Iterator[ma.fields.Field[Any]]:
    yield field
    for name in ("inner", "key_field", "value_field"):
        inside = getattr(field, name, None)
        if isinstance(inside, ma.fields.Field):
            yield from _with_inner(inside)


def _translate_validator(validator: object) -> None:
    if isinstance(validator, ma.validate.Length) and validator.error is None:
        validator.error = _length(validator)
    elif isinstance(validator, ma.validate.OneOf):
        validator.error = OF_FIELDS.get(validator.error, validator.error)


def _length(validator: ma.validate.Length) -> str:
    if validator.equal is not None:
        return "须恰好 {equal} 项"
    if validator.max is None:
        return "至少 {min} 项"
    return "至多 {max} 项" if validator.min is None else "须为 {min} 到 {max} 项"
