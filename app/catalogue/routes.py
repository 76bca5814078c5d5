"""What anybody may browse."""

from typing import Any

from flask import Response, current_app

from app.catalogue import categories, schemas, shelf
from app.catalogue.queries import SpuNotFound
from app.core import pages
from app.core.db import read
from app.core.http import Blueprint, page_of

bp = Blueprint("catalogue", __name__, description="分类、商品列表与商品详情")


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
    return _json(shelf.list_products(read(), **query))


@bp.get("/products/<int:spu_id>")
@pages.kept
@bp.returns(schemas.ProductOut)
@bp.fails(SpuNotFound)
def show_product(spu_id: int) -> Response:
    """Show one product with its SKUs."""
    return _json(shelf.get_product(read(), spu_id=spu_id))


def _json(body: dict[str, Any]) -> Response:
    # These answers are built as JSON and many; dumping them again field by field would double their
    # cost. A test holds them against their schemas.
    return Response(current_app.json.dumps(body), content_type="application/json")
