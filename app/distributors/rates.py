"""What goods and grades earn: rules and rates, set and withdrawn, and "earn ¥x" on a product."""

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.catalogue import categories
from app.catalogue import queries as catalogue
from app.core import paging
from app.core.errors import Invalid, NotFound
from app.distributors import explaining, previews, views
from distribution.commissions import promises, rates, rules
from distribution.commissions.earning import Rate, Target
from distribution.commissions.policy import Pay
from distribution.commissions.rates import StoredRate
from distribution.commissions.rules import CommissionRules
from distribution.commissions.states import Scope

Page = dict[str, Any]


class RateNotFound(NotFound):
    """There is no such rate, it was withdrawn, or a later one has replaced it."""

    code, title = "commission_rate_not_found", "佣金设置不存在或已被更改"


def change_rules(
    session: Session, *, fields: Mapping[str, Any], staff_id: int, now: datetime
) -> dict[str, Any]:
    """
    Put new commission rules in force for orders paid from now on.

    :raises Invalid: both levels take more than the cap.
    """
    with previews.checked():
        rules.change(session, CommissionRules(**fields), changed_by=f"staff:{staff_id}", now=now)
    return views.commission_rules(session)


def listed(session: Session, *, cursor: str | None, limit: int, **which: Any) -> Page:
    """A page of the rates in force, the latest first, of one scope, target or grade if asked."""
    before = None if cursor is None else paging.decode(cursor, int)[0]
    found = rates.in_force(session, before=before, limit=limit + 1, **which)
    shown = found[:limit]
    more = len(found) > limit
    return {
        "items": _shown(session, shown),
        "next_cursor": paging.encode(shown[-1].rate.id or 0) if more else None,
    }


def set_rate(
    session: Session, *, fields: Mapping[str, Any], staff_id: int, now: datetime
) -> dict[str, Any]:
    """
    Put a rate in force for its goods and grade, for orders paid from now on.

    :raises SkuNotFound, SpuNotFound, CategoryNotFound: there are no such goods.
    :raises Invalid: there is no such grade, or both levels take more than the cap.
    """
    rate = previews.rate_of(fields)
    _require_goods(session, rate.target)
    try:
        with previews.checked():
            stored = rates.set_rate(session, rate, changed_by=f"staff:{staff_id}", now=now)
    except rates.UnknownGrade as error:
        raise Invalid(errors={"grade_id": ["没有这个分销等级"]}) from error
    (shown,) = _shown(session, [stored])
    return shown


def withdraw(session: Session, *, rate_id: int, staff_id: int, now: datetime) -> None:
    """
    Let the goods of a rate follow the next rule again, for orders paid from now on.

    :raises RateNotFound: it is not in force.
    """
    try:
        rates.withdraw(session, rate_id, changed_by=f"staff:{staff_id}", now=now)
    except rates.UnknownRate as error:
        raise RateNotFound from error


def history(session: Session, *, rate_id: int) -> dict[str, Any]:
    """
    Everything ever set for the goods and grade of a rate in force, the latest first.

    :raises RateNotFound: it is not in force.
    """
    try:
        rate = rates.get(session, rate_id).rate
    except rates.UnknownRate as error:
        raise RateNotFound from error
    return {"items": _shown(session, rates.history(session, rate.target, grade_id=rate.grade_id))}


def promise(
    session: Session,
    sku_ids: Collection[int],
    *,
    member_id: int,
    now: datetime,
    prices: Mapping[int, int] | None = None,
) -> dict[int, int]:
    """
    "Earn ¥x": what a distributor would earn if somebody they brought bought a piece of each SKU.

    In fen, by SKU id, at `prices` (SKU id → fen) or, where they name none, the list price; empty
    for who is no active distributor. Two queries, however many SKUs.
    """
    given = prices or {}
    skus = catalogue.skus_for_pricing(session, sku_ids)
    lines = [
        previews.line_of(str(sku_id), sku, paid_fen=given.get(sku_id, sku.price_fen))
        for sku_id, sku in skus.items()
    ]
    found = promises.promise(session, lines, member_id=member_id, now=now)
    return {int(line_source): fen for line_source, fen in found.items()}


def _require_goods(session: Session, target: Target) -> None:
    if target.scope == Scope.SKU:
        catalogue.get_sku(session, sku_id=target.target_id)
    elif target.scope == Scope.SPU:
        catalogue.get_spu(session, spu_id=target.target_id)
    elif target.scope == Scope.CATEGORY:
        categories.get(session, category_id=target.target_id)


def _shown(session: Session, found: Sequence[StoredRate]) -> list[dict[str, Any]]:
    """Rates with the names of what they are set for, in a fixed number of queries."""
    names = _names(session, [each.rate.target for each in found])
    return [
        {
            "rate_id": each.rate.id,
            "scope": each.rate.target.scope,
            "target_id": each.rate.target.target_id or None,
            "target_name": names.get(each.rate.target, ""),
            "grade_id": each.rate.grade_id,
            "grade_name": each.grade_name,
            **_levels(each.rate),
            "is_off": each.rate.is_off,
            "text": _said(each.rate),
            "changed_by": each.changed_by,
            "changed_at": each.changed_at,
        }
        for each in found
    ]


def _names(session: Session, targets: Sequence[Target]) -> dict[Target, str]:
    """What the goods of these targets are called; one query for each kind of target."""
    ids: dict[Scope, set[int]] = {scope: set() for scope in Scope}
    for target in targets:
        ids[target.scope].add(target.target_id)
    found = {Target(Scope.SHOP, target_id): "全店" for target_id in ids[Scope.SHOP]}
    for sku_id, sku in catalogue.skus_for_pricing(session, ids[Scope.SKU]).items():
        found[Target(Scope.SKU, sku_id)] = f"{sku.title} {sku.spec_text}".strip()
    for spu_id, title in catalogue.titles(session, ids[Scope.SPU]).items():
        found[Target(Scope.SPU, spu_id)] = title
    for category_id, name in categories.names(session, ids[Scope.CATEGORY]).items():
        found[Target(Scope.CATEGORY, category_id)] = name
    return found


def _levels(rate: Rate) -> dict[str, int | None]:
    nothing = Pay()
    first, second = rate.level1 or nothing, rate.level2 or nothing
    return {
        "level1_bp": first.rate_bp,
        "level1_fen": first.piece_fen,
        "level2_bp": second.rate_bp,
        "level2_fen": second.piece_fen,
    }


def _said(rate: Rate) -> str:
    """A rate in words: `一级每件 ¥5.00，二级 3%`."""
    if rate.is_off:
        return "不参与分销"
    if rate.is_withdrawn:
        return "已撤销"
    return "，".join(
        f"{explaining.LEVELS[level]}{_paid(pay)}"
        for level, pay in enumerate((rate.level1, rate.level2), start=1)
    )


def _paid(pay: Pay | None) -> str:
    if pay is None:
        return "按上一层规则"
    text = explaining.paid_by(pay.rate_bp, pay.piece_fen)
    return text if pay.rate_bp is None else f" {text}"
