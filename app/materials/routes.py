"""Codes and posters for distributors, and the pictures of codes for everybody."""

from typing import Any

from flask import Response, g, request

from app.catalogue.queries import SpuNotFound
from app.core import clock
from app.core.db import read
from app.core.http import Blueprint
from app.core.redis import TooMany
from app.distributors.service import DistributorNotActive, share
from app.distributors.views import NotADistributor
from app.materials import calls, posters, queries
from app.materials.models import MiniCode
from app.materials.queries import MiniCodeNotFound, Wanted
from app.materials.schemas import WIDTHS, MaterialQuery, PosterOut, Size
from app.wechat.errors import ResultUnknown, WeChatNotConfigured, WeChatRefused
from app.wechat.mini import PageNotReleased
from distribution.team import sharing
from distribution.team.states import Source

FOR_EVER = "public, max-age=31536000, immutable"
"""The address of a picture is its hash: what is there never changes."""
PICTURE = {"type": "string", "format": "binary"}
ANY_PICTURE = "image/*"
"""PNG or JPEG, as WeChat likes."""
FAILURES = (
    NotADistributor, DistributorNotActive, SpuNotFound, TooMany,
    WeChatNotConfigured, ResultUnknown, WeChatRefused, PageNotReleased,
)  # fmt: skip

bp = Blueprint("materials", __name__, description="推广素材：小程序码与海报")
public_bp = Blueprint("material_pictures", __name__, description="小程序码图片")


@bp.get("/distributor/code")
@bp.accepts(MaterialQuery)
@bp.response(200, PICTURE, content_type=ANY_PICTURE)  # type: ignore[untyped-decorator]  # smorest's own: no JSON.
@bp.fails(*FAILURES)
def show_code(size: Size, spu_id: int | None = None) -> Response:
    """Get my mini-program code of the shop or of a product, drawn by WeChat once."""
    found, _ = _code(Source.CODE, spu_id, size)
    return _picture(found, "private, max-age=86400")


@bp.get("/distributor/poster")
@bp.accepts(MaterialQuery)
@bp.returns(PosterOut)
@bp.fails(*FAILURES)
def show_poster(size: Size, spu_id: int | None = None) -> dict[str, Any]:
    """Get what my poster shows: the product, its prices now, and the address of the code."""
    found, card = _code(Source.POSTER, spu_id, size)
    shown = posters.contents(read(), member_id=g.member_id, spu_id=spu_id, now=clock.now())
    return {**card, **shown, "scene": found.scene, "code_url": f"/api/v1/codes/{found.digest}"}


@public_bp.get("/codes/<digest>")
@public_bp.response(200, PICTURE, content_type=ANY_PICTURE)  # type: ignore[untyped-decorator]  # smorest's own: no JSON.
@public_bp.fails(MiniCodeNotFound)
def show_code_picture(digest: str) -> Response:
    """Show the picture of a code by its hash; phones load pictures without a token."""
    return _picture(queries.by_digest(read(), digest), FOR_EVER)


def _code(carrier: Source, spu_id: int | None, size: Size) -> tuple[MiniCode, dict[str, Any]]:
    """My code for a product or the shop, and the card it belongs to."""
    card = share(read(), member_id=g.member_id, spu_id=spu_id)
    scene = sharing.scene(card["invite_code"], spu_id=spu_id, carrier=carrier)
    wanted = Wanted(scene, card["page"], WIDTHS[size])
    return calls.code(wanted, member_id=g.member_id), card


def _picture(found: MiniCode, caching: str) -> Response:
    response = Response(found.picture, content_type=found.media_type)
    response.set_etag(found.digest)
    response.headers["Cache-Control"] = caching
    response.make_conditional(request)
    return response
