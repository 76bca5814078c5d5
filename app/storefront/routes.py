"""What anybody may browse."""

from typing import Any

from flask import Response, current_app, g

from app.catalogue import categories
from app.catalogue.queries import SpuNotFound
from app.core import clock, pages
from app.core.db import read
from app.core.http import Blueprint, page_of
from app.storefront import earning, queries, schemas

bp = Blueprint("storefront", __name__, description="分类、商品列表、商品详情与进行中的活动")
own_bp = Blueprint("earn", __name__, description="分销员在商品页与列表上看到的“赚 ¥x”")


@bp.get("/categories")
@pages.kept
@bp.returns(schemas.CategoryTreeOut)
def show_categories() -> Response:
    """Show the category tree."""
    return _json({"items": categories.visible_tree(read())})


@bp.get("/products")
@pages.kept
@bp.accepts(schemas.ProductQuery)
@bp.returns(page_of(schemas.ProductCardOut))
def list_products(**query: Any) -> Response:
    """List products by category or words, in a chosen order, a page at a time."""
    return _json(queries.list_products(read(), now=clock.now(), **query))


@bp.get("/products/<int:spu_id>")
@pages.kept
@bp.returns(schemas.ProductOut)
@bp.fails(SpuNotFound)
def show_product(spu_id: int) -> Response:
    """Show one product with its SKUs, what each costs now, and the promotions it is part of."""
    return _json(queries.get_product(read(), spu_id=spu_id, now=clock.now()))


@bp.get("/promotions/running")
@pages.kept
@bp.accepts(schemas.RunningQuery)
@bp.returns(schemas.RunningListOut)
def list_running_promotions(sku_id: int | None = None) -> Response:
    """List the badges of running promotions, of one SKU or of the whole shop (at most 100)."""
    return _json({"items": queries.list_running(read(), sku_id=sku_id, now=clock.now())})


@own_bp.get("/distributor/earn")
@own_bp.accepts(schemas.EarnQuery)
@own_bp.returns(schemas.EarnListOut)
def show_earn(spu_ids: str) -> Response:
    """Tell me what each of these products would earn me at its price now; nobody else sees it."""
    wanted = {int(each) for each in spu_ids.split(",")}
    items = earning.of_products(read(), wanted, member_id=g.member_id, now=clock.now())
    response = _json({"items": items})
    response.headers["Cache-Control"] = "private, no-store"
    return response


def _json(body: dict[str, Any]) -> Response:
    # These answers are built as JSON and many; dumping them again field by field would double their
    # cost. A test holds them against their schemas.
    return Response(current_app.json.dumps(body), content_type="application/json")
