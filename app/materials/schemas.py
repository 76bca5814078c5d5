"""What distributors ask of material and get."""

from enum import StrEnum

import marshmallow as ma

from app.core.fields import Fen, Id, Query
from app.distributors.schemas import ShareCardOut
from app.storefront.schemas import ProductEarnOut


class Size(StrEnum):
    """How wide a code is drawn: few sizes, so that each is drawn and kept a few times at most."""

    SMALL = "small"
    MEDIUM = "medium"
    LARGE = "large"


WIDTHS = {Size.SMALL: 280, Size.MEDIUM: 430, Size.LARGE: 1280}
"""Pixels."""


class MaterialQuery(Query):
    spu_id = Id(metadata={"description": "不填则分享店铺首页"})
    size = ma.fields.Enum(Size, by_value=True, load_default=Size.MEDIUM)


class PosterProductOut(ma.Schema):
    spu_id = Id(required=True)
    title = ma.fields.String(required=True)
    subtitle = ma.fields.String(required=True)
    image_url = ma.fields.String(required=True)
    price_fen = Fen(required=True, metadata={"description": "现价：单买一件的到手单价"})
    list_price_fen = Fen(required=True)
    crossed_out_fen = Fen(required=True, allow_none=True)
    lowest_fen = Fen(required=True, metadata={"description": "各规格现价的最低"})
    highest_fen = Fen(required=True, metadata={"description": "各规格现价的最高"})


class PosterOut(ShareCardOut):
    nickname = ma.fields.String(required=True, metadata={"description": "分享者自己的昵称"})
    avatar_url = ma.fields.String(required=True, allow_none=True)
    product = ma.fields.Nested(PosterProductOut, required=True, allow_none=True)
    earn = ma.fields.Nested(
        ProductEarnOut,
        required=True,
        allow_none=True,
        metadata={"description": "只给分享者本人看，不要画在海报上"},
    )
    code_url = ma.fields.String(
        required=True, metadata={"description": "小程序码图片的路径，不需要登录，永久有效"}
    )
