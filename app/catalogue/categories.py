"""
The category tree. Each row carries its path, so that a subtree is one index look-up.

Whoever changes the shape of the tree first takes its one lock: two moves at once could otherwise
close a cycle that neither sees.
"""

from collections.abc import Collection
from typing import Any

from sqlalchemy import BigInteger, bindparam, delete, func, select, text
from sqlalchemy.dialects.postgresql import ARRAY
from sqlalchemy.orm import Session

from app.catalogue import indexing
from app.catalogue.integrity import refusing
from app.catalogue.models import Category
from app.core.errors import AppError, Invalid, NotFound

DEPTH_MAX = 4


class CategoryNotFound(NotFound):
    code, title = "category_not_found", "分类不存在"


class CategoryInUse(AppError):
    """It still has categories or products below it."""

    code, status, title = "category_in_use", 409, "分类下还有子分类或商品，不能删除"


def create(
    session: Session,
    *,
    name: str,
    parent_id: int | None,
    image_url: str | None,
    sort: int,
    is_visible: bool,
) -> Category:
    """
    Add a category below `parent_id`, or at the root.

    :raises Invalid: there is no such parent, or it is too deep.
    """
    _lock_tree(session)
    above = _path_of(session, parent_id)
    _check_depth(len(above) + 1)
    sequence = func.pg_get_serial_sequence("category", "id")
    id_ = session.scalars(select(func.nextval(sequence))).one()
    category = Category(
        id=id_,
        parent_id=parent_id,
        path=[*above, id_],
        name=name,
        image_url=image_url,
        sort=sort,
        is_visible=is_visible,
    )
    session.add(category)
    session.flush()
    return category


def change(session: Session, *, category_id: int, parent_id: int | None, **fields: Any) -> Category:
    """
    Rename, hide, sort or move a category with everything below it; products follow in search.

    :raises CategoryNotFound: there is no such category.
    :raises Invalid: there is no such parent, it lies below the category itself, or is too deep.
    """
    _lock_tree(session)
    category = get(session, category_id=category_id)
    for name, value in fields.items():
        setattr(category, name, value)
    if parent_id != category.parent_id:
        _move(session, category, parent_id)
    indexing.reindex_category(session, category_id=category_id)
    return category


def remove(session: Session, *, category_id: int) -> None:
    """
    Delete an empty category.

    :raises CategoryNotFound: there is no such category.
    :raises CategoryInUse: it still has categories or products.
    """
    with refusing(
        session, dict.fromkeys(["fk_category_parent_id", "fk_spu_category_id"], CategoryInUse)
    ):
        gone = session.scalars(
            delete(Category).where(Category.id == category_id).returning(Category.id)
        )
        if gone.one_or_none() is None:
            raise CategoryNotFound


def get(session: Session, *, category_id: int) -> Category:
    """
    One category.

    :raises CategoryNotFound: there is no such category.
    """
    category = session.get(Category, category_id)
    if category is None:
        raise CategoryNotFound
    return category


def list_all(session: Session) -> list[Category]:
    """Every category, those nearer the root first."""
    depth = func.cardinality(Category.path)
    ordered = select(Category).order_by(depth, Category.sort.desc(), Category.id)
    return list(session.scalars(ordered))


def names(session: Session, category_ids: Collection[int]) -> dict[int, str]:
    """The names of those of these categories that exist, by id."""
    if not category_ids:
        return {}
    wanted = select(Category.id, Category.name).where(Category.id.in_(sorted(category_ids)))
    return {row.id: row.name for row in session.execute(wanted)}


def visible_tree(session: Session) -> list[dict[str, Any]]:
    """The shoppers' tree: nodes with their `children`; nothing below a hidden one."""
    roots: list[dict[str, Any]] = []
    nodes: dict[int, dict[str, Any]] = {}
    for id_, parent_id, name, image_url in session.execute(VISIBLE):
        siblings = nodes[parent_id]["children"] if parent_id in nodes else roots
        if parent_id is None or parent_id in nodes:
            nodes[id_] = {"id": id_, "name": name, "image_url": image_url, "children": []}
            siblings.append(nodes[id_])
    return roots


def _lock_tree(session: Session) -> None:
    session.execute(text("SELECT pg_advisory_xact_lock(hashtext('catalogue.category_tree'))"))


def _path_of(session: Session, parent_id: int | None) -> list[int]:
    if parent_id is None:
        return []
    path = session.scalar(select(Category.path).where(Category.id == parent_id))
    if path is None:
        raise Invalid(errors={"parent_id": ["上级分类不存在"]})
    return path


def _check_depth(depth: int) -> None:
    if depth > DEPTH_MAX:
        raise Invalid(errors={"parent_id": [f"分类最多 {DEPTH_MAX} 级"]})


def _move(session: Session, category: Category, parent_id: int | None) -> None:
    above = _path_of(session, parent_id)
    if category.id in above:
        raise Invalid(errors={"parent_id": ["不能移动到自己的下级分类"]})
    deepest = session.execute(DEEPEST, {"id": category.id}).scalar_one()
    _check_depth(len(above) + 1 + deepest - len(category.path))
    session.flush()
    session.execute(
        MOVE,
        {"id": category.id, "above": above, "depth": len(category.path), "parent_id": parent_id},
    )
    session.refresh(category)


VISIBLE = text("""
SELECT id, parent_id, name, image_url FROM category WHERE is_visible
ORDER BY cardinality(path), sort DESC, id
""")

DEEPEST = text(
    "SELECT max(cardinality(path)) FROM category WHERE path @> ARRAY[CAST(:id AS bigint)]"
)

# One statement, for the CHECK of a row ties its path to its parent.
MOVE = text("""
UPDATE category SET path = :above || path[:depth :],
    parent_id = CASE id WHEN :id THEN :parent_id ELSE parent_id END
WHERE path @> ARRAY[CAST(:id AS bigint)]
""").bindparams(
    bindparam("above", type_=ARRAY(BigInteger)), bindparam("parent_id", type_=BigInteger)
)
