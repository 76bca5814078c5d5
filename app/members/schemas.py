"""What members send and are answered."""

from typing import Any

import marshmallow as ma

from app.core import crypto
from app.core.fields import Flag, Id, Moment, Pattern, PlainText, Schema, Text
from app.members import queries
from app.members.models import MemberAddress

REGION = r"(?:1[1-5]|2[1-3]|3[1-7]|4[1-6]|5[0-4]|6[1-5]|71|8[12])[0-9]{4}"
"""GB/T 2260: a province's two digits, then city and district."""
PHONE = r"1[3-9][0-9]{9}|0[0-9]{2,3}-?[0-9]{7,8}|\+?(?:852|853|886)-?[0-9]{7,10}"
"""A mobile or fixed line of the mainland, or a number of Hong Kong, Macao or Taiwan."""
URL_MAX = 500


class HttpsUrl(Text):
    """The address of a picture, https only: mini-programs load nothing else."""

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(maximum=URL_MAX, **kwargs)
        self.validators.insert(0, ma.validate.URL(schemes={"https"}, error="须为 https 开头的网址"))


class VisitorKey(Pattern):
    """What a mini-program makes up once per device: it links clicks made before signing in."""

    def __init__(self, **kwargs: Any) -> None:
        about = {"description": "小程序首次启动时生成并保存的随机串，用于关联登录前的点击"}
        super().__init__("[A-Za-z0-9_-]{16,64}", metadata=about, **kwargs)


class SignIn(Schema):
    code = Text(maximum=128, required=True, metadata={"description": "wx.login 返回的 code"})
    invite_code = Text(maximum=32, metadata={"description": "好友的邀请码"})
    scene = Text(maximum=64, metadata={"description": "扫码进入小程序时的 scene（已解码）"})
    visitor_key = VisitorKey()
    is_adult = Flag(
        load_default=False,
        metadata={"description": "已年满 18 周岁并同意分销协议；商家选择人人分销时随即成为分销员"},
    )


class PhoneCode(Schema):
    code = Text(maximum=128, required=True, metadata={"description": "手机号按钮返回的 code"})


class Profile(Schema):
    nickname = Text(maximum=32)
    avatar_url = HttpsUrl(allow_none=True)


class MemberOut(ma.Schema):
    id = Id(required=True)
    nickname = ma.fields.String(required=True)
    avatar_url = ma.fields.String(required=True, allow_none=True)
    phone = ma.fields.String(
        attribute="masked_phone",
        required=True,
        allow_none=True,
        metadata={"description": "138****5678"},
    )
    created_at = Moment(required=True)


class SessionOut(ma.Schema):
    token = ma.fields.String(required=True)
    expires_at = Moment(required=True)
    member = ma.fields.Nested(MemberOut, required=True)


class _AddressFields(Schema):
    receiver = PlainText(maximum=25, required=True)
    phone = Pattern(PHONE, required=True, error="手机号码格式不正确")
    region_code = Pattern(REGION, required=True, error="须为六位行政区划代码")
    province = PlainText(maximum=20, required=True)
    city = PlainText(maximum=30, required=True)
    district = PlainText(maximum=30, required=True)
    detail = PlainText(maximum=100, required=True)


class NewAddress(_AddressFields):
    is_default = Flag(load_default=False)


class AddressChange(_AddressFields):
    """Only what is to change; `is_default` may only become true."""

    is_default = Flag(validate=ma.validate.OneOf([True], error="请改设其他地址为默认地址"))

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(partial=True, **kwargs)


class AddressOut(ma.Schema):
    id = Id(required=True)
    receiver = ma.fields.String(required=True)
    phone = ma.fields.String(required=True, metadata={"description": "138****5678"})
    region_code = ma.fields.String(required=True)
    province = ma.fields.String(required=True)
    city = ma.fields.String(required=True)
    district = ma.fields.String(required=True)
    detail = ma.fields.String(required=True)
    is_default = ma.fields.Boolean(required=True)

    @ma.pre_dump
    def unseal(self, address: MemberAddress, **_: Any) -> dict[str, Any]:
        snapshot = queries.readable(address)
        return {
            **{name: getattr(snapshot, name) for name in snapshot.__slots__},
            "phone": crypto.mask_phone(snapshot.phone),
            "id": address.id,
            "is_default": address.is_default,
        }


class AddressListOut(ma.Schema):
    items = ma.fields.List(ma.fields.Nested(AddressOut), required=True)
