"""What is sent and seen about bindings."""

from typing import Any

import marshmallow as ma

from app.core.fields import Flag, Id, Moment, Pattern, Quantity, Query, Schema, Text, WholeNumber
from app.core.http import page_of
from app.members.schemas import VisitorKey
from distribution.team import sharing
from distribution.team.binding_rules import (
    MOST_CLICK_DAYS,
    MOST_DAYS,
    MOST_NEW_MINUTES,
    BindingRules,
)
from distribution.team.joining import INVITE_ALPHABET, INVITE_LENGTH
from distribution.team.states import (
    TOUCHES,
    Bindable,
    BindingKind,
    BindingMode,
    OnLeaving,
    Source,
)

DEFAULTS = BindingRules()


class Invitation(Schema):
    """Either an invite code, or the scene of a scanned mini-program code that carries one."""

    invite_code = Pattern(
        f"[{INVITE_ALPHABET}]{{{INVITE_LENGTH}}}", error="邀请码为 8 位字母或数字"
    )
    scene = Text(maximum=32, metadata={"description": "扫码进入小程序时的 scene（已解码）"})

    @ma.validates_schema
    def names_one_inviter(self, data: dict[str, Any], **_: Any) -> None:
        if ("invite_code" in data) == ("scene" in data):
            raise ma.ValidationError("须且只能提供 invite_code 或 scene 之一", "invite_code")
        if "scene" in data and sharing.invite_code_in(data["scene"]) is None:
            raise ma.ValidationError("不是本店的分享码", "scene")


class Click(Invitation):
    """What was followed: whose, by what, and for which product."""

    source = ma.fields.Enum(
        Source,
        by_value=True,
        required=True,
        validate=ma.validate.OneOf(TOUCHES, error="不是点击的来源"),
    )
    spu_id = Id()


class Visit(Click):
    """The same, by somebody who has not signed in."""

    visitor_key = VisitorKey(required=True)


class LogQuery(Query):
    cursor = Text(maximum=200)
    limit = Quantity(maximum=100, load_default=20)


class Rebinding(Schema):
    upline_member_id = Id(required=True)
    reason = Text(maximum=200, required=True)


class Unbinding(Schema):
    reason = Text(maximum=200, required=True)


class BindingRulesIn(Schema):
    """The whole set of rules: what is left out takes its default."""

    mode = ma.fields.Enum(BindingMode, by_value=True, required=True)
    protect_days = WholeNumber(minimum=1, maximum=MOST_DAYS, load_default=DEFAULTS.protect_days)
    extend_days = WholeNumber(maximum=MOST_DAYS, load_default=DEFAULTS.extend_days)
    bindable = ma.fields.Enum(Bindable, by_value=True, load_default=DEFAULTS.bindable)
    new_minutes = WholeNumber(
        minimum=1, maximum=MOST_NEW_MINUTES, load_default=DEFAULTS.new_minutes
    )
    click_days = WholeNumber(minimum=1, maximum=MOST_CLICK_DAYS, load_default=DEFAULTS.click_days)
    on_leaving = ma.fields.Enum(OnLeaving, by_value=True, load_default=DEFAULTS.on_leaving)


class BindingRulesOut(ma.Schema):
    version = WholeNumber(required=True, metadata={"description": "0 是未设置时的默认规则"})
    mode = ma.fields.Enum(BindingMode, by_value=True, required=True)
    protect_days = WholeNumber(required=True)
    extend_days = WholeNumber(required=True)
    bindable = ma.fields.Enum(Bindable, by_value=True, required=True)
    new_minutes = WholeNumber(required=True)
    click_days = WholeNumber(required=True)
    on_leaving = ma.fields.Enum(OnLeaving, by_value=True, required=True)
    note = ma.fields.String(required=True, metadata={"description": "规则说明"})


class BoundOut(ma.Schema):
    upline = ma.fields.String(required=True, metadata={"description": "推荐人的脱敏昵称"})
    bound_at = Moment(required=True)
    protection_ends_at = Moment(required=True, allow_none=True)


class ClickOut(ma.Schema):
    """Whose the member is after the click, and why not the sharer's."""

    upline = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "推荐人的脱敏昵称"}
    )
    bound_at = Moment(required=True, allow_none=True)
    protection_ends_at = Moment(required=True, allow_none=True)
    refused = ma.fields.String(
        required=True, allow_none=True, metadata={"description": "未绑定的原因代码"}
    )


class BindingOut(ma.Schema):
    """A member's binding as staff see it."""

    member_id = Id(required=True)
    nickname = ma.fields.String(required=True)
    upline_member_id = Id(required=True, allow_none=True)
    upline = ma.fields.String(required=True, allow_none=True)
    bound_at = Moment(required=True, allow_none=True)
    protection_ends_at = Moment(required=True, allow_none=True)
    is_live = Flag(required=True, metadata={"description": "推荐人现在是否计佣"})


class HandedOverOut(ma.Schema):
    members = WholeNumber(
        required=True, metadata={"description": "团队的直接成员数；后台分批换绑，逐人留痕"}
    )


class ShareClickOut(ma.Schema):
    """What was followed, and when."""

    click_id = Id(required=True)
    source = ma.fields.String(required=True)
    source_name = ma.fields.String(required=True)
    spu_id = Id(required=True, allow_none=True)
    clicked_at = Moment(required=True)


class ClickedOut(ShareClickOut):
    """A click as the distributor who shared sees it."""

    who = ma.fields.String(required=True, metadata={"description": "脱敏昵称，或“访客”"})
    is_bound = Flag(required=True, metadata={"description": "这次点击是否完成了绑定"})


class ScannedOut(ShareClickOut):
    """A click as staff see it."""

    scene = ma.fields.String(required=True, allow_none=True)


class BindingLogOut(ma.Schema):
    log_id = Id(required=True)
    kind = ma.fields.Enum(BindingKind, by_value=True, required=True)
    kind_name = ma.fields.String(required=True)
    origin = ma.fields.String(required=True)
    origin_name = ma.fields.String(required=True)
    upline_member_id = Id(required=True, allow_none=True)
    upline = ma.fields.String(required=True, allow_none=True)
    previous_upline_id = Id(required=True, allow_none=True)
    previous_upline = ma.fields.String(required=True, allow_none=True)
    actor = ma.fields.String(required=True, allow_none=True)
    reason = ma.fields.String(required=True, allow_none=True)
    click = ma.fields.Nested(ScannedOut, required=True, allow_none=True)
    bound_at = Moment(required=True)
    protection_ends_at = Moment(required=True, allow_none=True)
    logged_at = Moment(required=True)


BindingLogPage = page_of(BindingLogOut)
ClickedPage = page_of(ClickedOut)
