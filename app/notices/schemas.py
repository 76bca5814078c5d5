"""What the endpoints of notices take and answer."""

from collections.abc import Sequence
from typing import Any

import marshmallow as ma
from marshmallow import fields

from app.core import paging
from app.core.fields import Id, Moment, Pattern, Query, Schema, Text
from app.core.http import page_of
from app.notices.models import Event, Notice, NoticeStatus
from app.notices.queries import PAGE

TEMPLATE_ID = r"[0-9A-Za-z_\-]{1,64}"
RESULTS = ("accept", "reject", "ban", "filter", "acceptWithAudio", "acceptWithAlert")
"""What `wx.requestSubscribeMessage` says of a template."""
ALLOWING = {"accept", "acceptWithAudio", "acceptWithAlert"}


class PermissionResult(Schema):
    template_id = Pattern(TEMPLATE_ID, required=True)
    result = fields.String(required=True, validate=ma.validate.OneOf(RESULTS))


class PermissionResults(Schema):
    results = fields.List(
        fields.Nested(PermissionResult),
        required=True,
        validate=ma.validate.Length(min=1, max=10, error="须为 1 到 10 项"),
        metadata={"description": "wx.requestSubscribeMessage 的结果；非本店模板会被忽略"},
    )


class PermissionOut(ma.Schema):
    event = fields.Enum(Event, by_value=True, required=True)
    template_id = fields.String(required=True)
    credits = fields.Integer(
        required=True, metadata={"description": "已知还可发送的次数，以微信为准"}
    )


class PermissionListOut(ma.Schema):
    items = fields.List(fields.Nested(PermissionOut), required=True)


class NoticeQuery(Query):
    member_id = Id()
    event = fields.Enum(Event, by_value=True)
    status = fields.Enum(NoticeStatus, by_value=True)
    cursor = Text(maximum=200)


class NoticeOut(ma.Schema):
    id = fields.Integer(required=True)
    event = fields.String(required=True, validate=ma.validate.OneOf([*Event]))
    member_id = fields.Integer(required=True)
    key = fields.String(required=True, metadata={"description": "事件的编号，同一编号只通知一次"})
    status = fields.String(required=True, validate=ma.validate.OneOf([*NoticeStatus]))
    template_id = fields.String(required=True)
    shown = fields.Dict(keys=fields.String(), values=fields.String(), required=True)
    page = fields.String(required=True)
    reason = fields.String(
        required=True, allow_none=True, metadata={"description": "未送达的原因或微信错误码"}
    )
    created_at = Moment(required=True)
    settled_at = Moment(required=True, allow_none=True)


NoticePage = page_of(NoticeOut)


class NoticeTemplateOut(ma.Schema):
    event = fields.Enum(Event, by_value=True, required=True)
    template_id = fields.String(
        required=True, allow_none=True, metadata={"description": "未配置则为空，该事件不通知"}
    )
    keys = fields.Dict(
        keys=fields.String(),
        values=fields.String(),
        required=True,
        metadata={"description": "展示内容与模板字段的对应"},
    )
    stopped_at = Moment(
        required=True, allow_none=True, metadata={"description": "微信已无此模板，停止发送的时间"}
    )
    stop_reason = fields.String(required=True, allow_none=True)


class NoticeTemplateListOut(ma.Schema):
    items = fields.List(fields.Nested(NoticeTemplateOut), required=True)


def shown_page(found: Sequence[Notice]) -> dict[str, Any]:
    """A page of notices with the cursor of the next."""
    items = found[:PAGE]
    return {
        "items": items,
        "next_cursor": paging.encode(items[-1].id) if len(found) > PAGE else None,
    }
