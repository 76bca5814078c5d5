"""What staff do with categories, brands, freight templates, products, stock and prices."""

from typing import Any

from flask import g
from sqlalchemy.orm import Session

from app.catalogue import (
    brands,
    categories,
    freight_templates,
    prices,
    queries,
    schemas,
    service,
    stock,
)
from app.catalogue.models import Brand, Category, FreightTemplate, Sku, Spu, SpuStatus
from app.catalogue.queries import SkuNotFound, SpuNotFound
from app.catalogue.service import SkuCodeTaken, SkuDraft, SpuDraft, SpuStatusRefused
from app.catalogue.stock import OutOfStock
from app.core import clock
from app.core.db import read, transaction
from app.core.http import Blueprint, page_of

bp = Blueprint("catalogue_admin", __name__, description="分类、品牌、运费模板、商品、库存与价格")


@bp.get("/categories")
@bp.returns(schemas.CategoriesOut)
def list_categories() -> dict[str, Any]:
    """List every category, those nearer the root first."""
    return {"items": categories.list_all(read())}


@bp.post("/categories")
@bp.accepts(schemas.CategoryIn)
@bp.returns(schemas.CategoryOut, 201)
def create_category(**fields: Any) -> Category:
    """Add a category."""
    with transaction() as session:
        return categories.create(session, **fields)


@bp.put("/categories/<int:category_id>")
@bp.accepts(schemas.CategoryIn)
@bp.returns(schemas.CategoryOut)
@bp.fails(categories.CategoryNotFound)
def change_category(category_id: int, **fields: Any) -> Category:
    """Rename, hide, sort or move a category."""
    with transaction() as session:
        return categories.change(session, category_id=category_id, **fields)


@bp.delete("/categories/<int:category_id>")
@bp.returns(None, 204)
@bp.fails(categories.CategoryNotFound, categories.CategoryInUse)
def remove_category(category_id: int) -> None:
    """Delete an empty category."""
    with transaction() as session:
        categories.remove(session, category_id=category_id)


@bp.get("/brands")
@bp.returns(schemas.BrandsOut)
def list_brands() -> dict[str, Any]:
    """List every brand."""
    return {"items": brands.list_all(read())}


@bp.post("/brands")
@bp.accepts(schemas.BrandIn)
@bp.returns(schemas.BrandOut, 201)
@bp.fails(brands.BrandNameTaken)
def create_brand(**fields: Any) -> Brand:
    """Add a brand."""
    with transaction() as session:
        return brands.create(session, **fields)


@bp.put("/brands/<int:brand_id>")
@bp.accepts(schemas.BrandIn)
@bp.returns(schemas.BrandOut)
@bp.fails(brands.BrandNotFound, brands.BrandNameTaken)
def change_brand(brand_id: int, **fields: Any) -> Brand:
    """Change a brand."""
    with transaction() as session:
        return brands.change(session, brand_id=brand_id, **fields)


@bp.delete("/brands/<int:brand_id>")
@bp.returns(None, 204)
@bp.fails(brands.BrandNotFound, brands.BrandInUse)
def remove_brand(brand_id: int) -> None:
    """Delete a brand no product carries."""
    with transaction() as session:
        brands.remove(session, brand_id=brand_id)


@bp.get("/freight-templates")
@bp.returns(schemas.FreightTemplatesOut)
def list_freight_templates() -> dict[str, Any]:
    """List every freight template with its rules."""
    return {"items": freight_templates.list_all(read())}


@bp.post("/freight-templates")
@bp.accepts(schemas.FreightTemplateIn)
@bp.returns(schemas.FreightTemplateOut, 201)
@bp.fails(freight_templates.FreightTemplateNameTaken)
def create_freight_template(**fields: Any) -> FreightTemplate:
    """Add a freight template."""
    with transaction() as session:
        return freight_templates.create(session, **fields)


@bp.put("/freight-templates/<int:template_id>")
@bp.accepts(schemas.FreightTemplateIn)
@bp.returns(schemas.FreightTemplateOut)
@bp.fails(freight_templates.FreightTemplateNotFound, freight_templates.FreightTemplateNameTaken)
def change_freight_template(template_id: int, **fields: Any) -> FreightTemplate:
    """Replace a freight template and its rules."""
    with transaction() as session:
        return freight_templates.change(session, template_id=template_id, **fields)


@bp.delete("/freight-templates/<int:template_id>")
@bp.returns(None, 204)
@bp.fails(freight_templates.FreightTemplateNotFound, freight_templates.FreightTemplateInUse)
def remove_freight_template(template_id: int) -> None:
    """Delete a freight template no product uses."""
    with transaction() as session:
        freight_templates.remove(session, template_id=template_id)


@bp.get("/products")
@bp.accepts(schemas.SpuQuery)
@bp.returns(page_of(schemas.SpuOut))
def list_products(**query: Any) -> dict[str, Any]:
    """List products in any status, newest first."""
    items, next_cursor = queries.list_spus(read(), **query)
    return {"items": items, "next_cursor": next_cursor}


@bp.get("/products/<int:spu_id>")
@bp.returns(schemas.SpuOut)
@bp.fails(SpuNotFound)
def show_product(spu_id: int) -> Spu:
    """Show one product with all its SKUs."""
    return queries.get_spu(read(), spu_id=spu_id)


@bp.post("/products")
@bp.accepts(schemas.SpuIn)
@bp.returns(schemas.SpuOut, 201)
@bp.fails(SkuCodeTaken)
def create_product(**fields: Any) -> Spu:
    """Add a product with its SKUs, as a draft."""
    with transaction() as session:
        return service.create(session, draft=_draft(**fields), staff_id=g.staff_id, now=clock.now())


@bp.put("/products/<int:spu_id>")
@bp.accepts(schemas.SpuIn)
@bp.returns(schemas.SpuOut)
@bp.fails(SpuNotFound, SkuCodeTaken)
def change_product(spu_id: int, **fields: Any) -> Spu:
    """Change a product; SKUs keep their ids by their spec values."""
    with transaction() as session:
        return service.change(
            session, spu_id=spu_id, draft=_draft(**fields), staff_id=g.staff_id, now=clock.now()
        )


@bp.post("/products/<int:spu_id>/on-shelf")
@bp.returns(schemas.SpuOut)
@bp.fails(SpuNotFound, SpuStatusRefused)
def put_on_shelf(spu_id: int) -> Spu:
    """Put a product on the shelf."""
    with transaction() as session:
        return service.move_to(session, spu_id=spu_id, status=SpuStatus.ON_SHELF, now=clock.now())


@bp.post("/products/<int:spu_id>/off-shelf")
@bp.returns(schemas.SpuOut)
@bp.fails(SpuNotFound, SpuStatusRefused)
def take_off_shelf(spu_id: int) -> Spu:
    """Take a product off the shelf."""
    with transaction() as session:
        return service.move_to(session, spu_id=spu_id, status=SpuStatus.OFF_SHELF, now=clock.now())


@bp.put("/skus/<int:sku_id>/price")
@bp.accepts(schemas.PriceIn)
@bp.returns(schemas.SkuOut)
@bp.fails(SkuNotFound)
def change_price(sku_id: int, **fields: Any) -> Sku:
    """Give a SKU a new price and market price."""
    with transaction() as session:
        return service.change_price(
            session, sku_id=sku_id, staff_id=g.staff_id, now=clock.now(), **fields
        )


@bp.get("/skus/<int:sku_id>/prices")
@bp.returns(schemas.PriceHistoryOut)
@bp.fails(SkuNotFound)
def show_prices(sku_id: int) -> dict[str, Any]:
    """Show the prices a SKU had, and the lowest of the last seven days."""
    queries.get_sku(read(), sku_id=sku_id)
    lowest = prices.lowest_of_seven_days(read(), sku_id=sku_id, now=clock.now())
    return {
        "items": prices.list_history(read(), sku_id=sku_id),
        "lowest_of_seven_days_fen": lowest,
    }


@bp.get("/skus/<int:sku_id>/stock")
@bp.returns(schemas.WhereaboutsOut)
@bp.fails(SkuNotFound)
def show_stock(sku_id: int) -> dict[str, Any]:
    """Show where the pieces of a SKU are, and which campaigns have some set aside."""
    return queries.whereabouts(read(), sku_id=sku_id)


@bp.put("/skus/<int:sku_id>/stock")
@bp.accepts(schemas.StockIn)
@bp.returns(schemas.SkuOut)
@bp.fails(SkuNotFound)
def set_stock(sku_id: int, **fields: Any) -> Sku:
    """Set what is available of a SKU, as counted; held units are untouched."""
    with transaction() as session:
        stock.set_available(session, sku_id=sku_id, staff_id=g.staff_id, now=clock.now(), **fields)
        return queries.get_sku(session, sku_id=sku_id)


@bp.post("/skus/<int:sku_id>/stock-adjustments")
@bp.accepts(schemas.StockDeltaIn)
@bp.idempotent()
@bp.returns(schemas.SkuOut, 201)
@bp.fails(SkuNotFound, OutOfStock)
def adjust_stock(session: Session, sku_id: int, **fields: Any) -> Sku:
    """Add units to a SKU or take some out; never below zero."""
    stock.adjust(session, sku_id=sku_id, staff_id=g.staff_id, now=clock.now(), **fields)
    return queries.get_sku(session, sku_id=sku_id)


@bp.get("/skus/<int:sku_id>/stock-adjustments")
@bp.returns(schemas.StockAdjustmentsOut)
@bp.fails(SkuNotFound)
def list_stock_adjustments(sku_id: int) -> dict[str, Any]:
    """List the latest stock adjustments of a SKU."""
    queries.get_sku(read(), sku_id=sku_id)
    return {"items": queries.list_adjustments(read(), sku_id=sku_id)}


def _draft(*, skus: list[dict[str, Any]], **fields: Any) -> SpuDraft:
    return SpuDraft(skus=[SkuDraft(**each) for each in skus], **fields)
