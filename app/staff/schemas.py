"""What staff send and are answered."""

from collections.abc import Mapping
from typing import Any

import marshmallow as ma

from app.core.fields import Id, Moment, Pattern, Quantity, Query, Schema, Text
from app.core.http import page_of
from app.staff.models import Role

PASSWORD_MIN, PASSWORD_MAX = 10, 128
USERNAME = r"[A-Za-z0-9][A-Za-z0-9_.-]{2,31}"


class Password(ma.fields.String):
    """A password exactly as typed: any characters, nothing stripped."""

    def __init__(self, *, minimum: int = 1, **kwargs: Any) -> None:
        length = ma.validate.Length(
            min=minimum, max=PASSWORD_MAX, error=f"长度须为 {minimum} 到 {PASSWORD_MAX} 位"
        )
        super().__init__(
            required=True,
            load_only=True,
            validate=length,
            metadata={"format": "password"},
            **kwargs,
        )

    def _deserialize(
        self, value: Any, attr: str | None, data: Mapping[str, Any] | None, **kwargs: Any
    ) -> Any:
        text = super()._deserialize(value, attr, data, **kwargs)
        if any("\ud800" <= character <= "\udfff" for character in text):
            raise ma.ValidationError("含有不允许的字符")
        return text


class StaffSignIn(Schema):
    username = Text(maximum=64, required=True)
    password = Password()


class PasswordChange(Schema):
    present_password = Password()
    new_password = Password(minimum=PASSWORD_MIN)


class PasswordReset(Schema):
    new_password = Password(minimum=PASSWORD_MIN)


class NewStaff(Schema):
    username = Pattern(USERNAME, required=True, error="须为 3 到 32 位字母、数字或 _ . -")
    password = Password(minimum=PASSWORD_MIN)
    display_name = Text(maximum=32, required=True)
    role = ma.fields.Enum(Role, by_value=True, load_default=Role.MERCHANT)


class StaffOut(ma.Schema):
    id = Id(required=True)
    username = ma.fields.String(required=True)
    display_name = ma.fields.String(required=True)
    role = ma.fields.String(required=True, validate=ma.validate.OneOf(list(Role)))
    is_active = ma.fields.Boolean(required=True)
    created_at = Moment(required=True)


class StaffSessionOut(ma.Schema):
    token = ma.fields.String(required=True)
    expires_at = Moment(required=True)
    staff = ma.fields.Nested(StaffOut, required=True)


class StaffListOut(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(StaffOut), required=True)


class AuditQuery(Query):
    staff_id = Id()
    cursor = Text(maximum=200)
    limit = Quantity(maximum=100, load_default=50)


class AuditLogOut(ma.Schema):
    id = Id(required=True)
    staff_id = Id(required=True)
    tried_at = Moment(required=True)
    method = ma.fields.String(required=True)
    endpoint = ma.fields.String(required=True)
    path = ma.fields.String(required=True)
    body = ma.fields.Raw(required=True, allow_none=True)
    request_id = ma.fields.String(required=True)
    ip = ma.fields.String(required=True)
    status = ma.fields.Integer(required=True, allow_none=True)


AuditLogPage = page_of(AuditLogOut)
