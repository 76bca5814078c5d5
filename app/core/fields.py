"""
The fields of bodies and queries: strict by default, so that bad input never reaches a service.

Unknown fields are refused; a number is a JSON number, never a string, a bool or a float; text
carries no control characters and no broken Unicode, which PostgreSQL and WeChat would refuse later.
"""

import re
import unicodedata
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

import marshmallow as ma

from app.core import messages

BIGINT_MAX = 2**63 - 1
FEN_MAX = 10_000_000_000
"""A hundred million yuan: more than any order, small enough that no sum overflows a BIGINT."""
DIGITS_MAX = 19


class Schema(ma.Schema):
    """A body. Unknown fields are refused; what is wrong with the others is said in Chinese."""

    class Meta:
        unknown = ma.RAISE

    error_messages = {"unknown": messages.UNKNOWN, "type": messages.NOT_AN_OBJECT}

    def on_bind_field(self, _field_name: str, field_obj: ma.fields.Field[Any]) -> None:
        """Replace the library's English; marshmallow calls this for every field."""
        messages.translate(field_obj)


class Query(Schema):
    """A query string: as `Schema`, but numbers and booleans arrive as text."""


class WholeNumber(ma.fields.Integer):
    """An integer within [minimum, maximum]; text only in a query string."""

    def __init__(self, *, minimum: int = 0, maximum: int = BIGINT_MAX, **kwargs: Any) -> None:
        bounds = ma.validate.Range(
            min=minimum, max=maximum, error=f"须在 {minimum} 到 {maximum} 之间"
        )
        super().__init__(strict=True, validate=bounds, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        if isinstance(value, str):
            is_number = value.isascii() and value.isdigit() and len(value) <= DIGITS_MAX
            if not (isinstance(self.root, Query) and is_number):
                raise self.make_error("invalid", input=value)
            value = int(value)
        return super()._deserialize(value, attr, data, **kwargs)


class Id(WholeNumber):
    """The integer key of something, 1 or more."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(minimum=1, **kwargs)


class Fen(WholeNumber):
    """An amount of money in fen."""

    def __init__(self, *, minimum: int = 0, maximum: int = FEN_MAX, **kwargs: Any) -> None:
        super().__init__(minimum=minimum, maximum=maximum, **kwargs)


class Quantity(WholeNumber):
    """How many of something, 1 to `maximum`."""

    def __init__(self, *, maximum: int = 999, **kwargs: Any) -> None:
        super().__init__(minimum=1, maximum=maximum, **kwargs)


class Text(ma.fields.String):
    """Text of `minimum` to `maximum` characters once stripped; line breaks if `multiline`."""

    def __init__(
        self, *, maximum: int, minimum: int = 1, multiline: bool = False, **kwargs: Any
    ) -> None:
        self.multiline = multiline
        length = ma.validate.Length(
            min=minimum, max=maximum, error=f"长度须为 {minimum} 到 {maximum} 个字"
        )
        super().__init__(validate=length, **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs).strip()
        for character in text:
            category = unicodedata.category(character)
            if category == "Cs" or (
                category == "Cc" and not (self.multiline and character in "\n\r\t")
            ):
                raise ma.ValidationError("含有不允许的字符")
        return text


class PlainText(Text):
    """Text that may travel to WeChat Pay, which refuses emoji and other four-byte characters."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if any(ord(character) > 0xFFFF for character in text):
            raise ma.ValidationError("不能含有表情符号")
        return text


class Pattern(ma.fields.String):
    """Text that matches a regular expression as a whole."""

    def __init__(self, regex: str, *, error: str = "格式不正确", **kwargs: Any) -> None:
        # `\A` and `\Z` are Python's; JSON Schema knows only the other two.
        documented = {"pattern": f"^(?:{regex})$", **kwargs.pop("metadata", {})}
        whole = ma.validate.Regexp(rf"\A(?:{regex})\Z", error=error)
        super().__init__(validate=whole, metadata=documented, **kwargs)


class Moment(ma.fields.AwareDateTime):
    """A moment in RFC 3339 with an offset; loaded as aware UTC."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(format="iso", **kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> datetime:
        if not isinstance(value, str):
            raise self.make_error("invalid", input=value, obj_type="datetime")
        try:
            return super()._deserialize(value, attr, data, **kwargs).astimezone(UTC)
        except OverflowError as error:
            raise self.make_error("invalid", input=value, obj_type="datetime") from error


class Day(ma.fields.Date):
    """A day of the shop's calendar, such as `2026-11-11`."""

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        if not (isinstance(value, str) and re.fullmatch("20[0-9]{2}-[0-9]{2}-[0-9]{2}", value)):
            raise self.make_error("invalid", input=value, obj_type="date")
        return super()._deserialize(value, attr, data, **kwargs)


class Flag(ma.fields.Boolean):
    """true or false; in a query string also their words."""

    truthy = {True, "true", "1"}
    falsy = {False, "false", "0"}

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        if not isinstance(value, str if isinstance(self.root, Query) else bool):
            raise self.make_error("invalid", input=value)
        return super()._deserialize(value, attr, data, **kwargs)


class Alternatives(ma.fields.Dict):
    """An object of one of several schemas: the field named `by`, beside it, says which."""

    def __init__(self, schemas: Mapping[str, type[Schema]], *, by: str, **kwargs: Any) -> None:
        self.schemas = schemas
        self.by = by
        super().__init__(**kwargs)

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        mapping = super()._deserialize(  # type: ignore[no-untyped-call]  # marshmallow's is untyped.
            value, attr, data, **kwargs
        )
        chosen = (data or {}).get(self.by)
        schema = self.schemas.get(chosen) if isinstance(chosen, str) else None
        # Without one there is nothing to judge by, and the other field is refused itself.
        return mapping if schema is None else schema().load(mapping)
