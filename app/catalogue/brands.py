"""Brands."""

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.catalogue import indexing
from app.catalogue.integrity import refusing
from app.catalogue.models import Brand
from app.core.errors import AppError, NotFound


class BrandNotFound(NotFound):
    code, title = "brand_not_found", "品牌不存在"


class BrandNameTaken(AppError):
    code, status, title = "brand_name_taken", 409, "品牌名称已存在"


class BrandInUse(AppError):
    """Products still carry it."""

    code, status, title = "brand_in_use", 409, "还有商品使用该品牌，不能删除"


def create(session: Session, *, name: str, logo_url: str | None, sort: int) -> Brand:
    """
    Add a brand.

    :raises BrandNameTaken: another has the name.
    """
    brand = Brand(name=name, logo_url=logo_url, sort=sort)
    with refusing(session, {"uq_brand_name": BrandNameTaken}):
        session.add(brand)
    return brand


def change(session: Session, *, brand_id: int, name: str, logo_url: str | None, sort: int) -> Brand:
    """
    Change a brand; its products follow in search.

    :raises BrandNotFound: there is no such brand.
    :raises BrandNameTaken: another has the name.
    """
    brand = session.get(Brand, brand_id)
    if brand is None:
        raise BrandNotFound
    with refusing(session, {"uq_brand_name": BrandNameTaken}):
        brand.name, brand.logo_url, brand.sort = name, logo_url, sort
    indexing.reindex_brand(session, brand_id=brand_id)
    return brand


def remove(session: Session, *, brand_id: int) -> None:
    """
    Delete a brand no product carries.

    :raises BrandNotFound: there is no such brand.
    :raises BrandInUse: a product carries it.
    """
    with refusing(session, {"fk_spu_brand_id": BrandInUse}):
        gone = session.scalars(delete(Brand).where(Brand.id == brand_id).returning(Brand.id))
        if gone.one_or_none() is None:
            raise BrandNotFound


def list_all(session: Session) -> list[Brand]:
    """Every brand, highest `sort` first."""
    return list(session.scalars(select(Brand).order_by(Brand.sort.desc(), Brand.id)))
