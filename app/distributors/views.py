"""The engine's answers with what the shop adds: products, masked people, words, cursors."""

from collections.abc import Collection, Sequence
from dataclasses import asdict
from typing import Any

from sqlalchemy.orm import Session

from app.catalogue import queries as catalogue
from app.catalogue.queries import SellableSku
from app.core import paging
from app.core.errors import NotFound
from app.distributors import explaining, wording
from app.members import queries as members
from app.members.queries import MemberBrief
from app.orders import queries as orders
from app.orders.models import source
from distribution import queries
from distribution.commissions import rules
from distribution.queries import Explanation
from distribution.team import joining, people
from distribution.team.models import Distributor

Page = dict[str, Any]


class CommissionNotFound(NotFound):
    """There is no such commission, or it is somebody else's."""

    code, title = "commission_not_found", "佣金不存在"


class NotADistributor(NotFound):
    """The member has never applied to be a distributor."""

    code, title = "not_a_distributor", "还不是分销员"


def distributor(session: Session, member_id: int) -> Distributor:
    """
    The distributor a member is.

    :raises NotADistributor: the member never applied.
    """
    try:
        return joining.get(session, member_id)
    except joining.UnknownDistributor as error:
        raise NotADistributor from error


def profile(session: Session, member_id: int) -> dict[str, Any]:
    """
    A distributor's own page: standing, money, and how many people.

    :raises NotADistributor: the member never applied.
    """
    found = distributor(session, member_id)
    return {
        "status": found.status,
        "status_reason": found.status_reason,
        "invite_code": found.invite_code,
        "applied_at": found.applied_at,
        "approved_at": found.approved_at,
        "declared_at": found.declared_at,
        "grade_id": found.grade_id,
        **asdict(queries.summary(session, member_id)),
        **people.team_counts(session, member_id)._asdict(),
    }


def distributors(session: Session, *, status: str | None, cursor: str | None, limit: int) -> Page:
    """A page of distributors for staff, with name and balances."""
    found = people.distributors(session, status=status, before=before(cursor), limit=limit + 1)
    return page(_for_staff(session, found), limit, "member_id")


def for_staff(session: Session, found: Distributor) -> dict[str, Any]:
    """One distributor as staff see it."""
    (item,) = _for_staff(session, [found])
    return item


def order_commissions(session: Session, order_no: str) -> dict[str, Any]:
    """
    Why each line of an order earned each upline what it did.

    :raises OrderNotFound: there is no such order.
    """
    order = orders.get(session, order_no=order_no)
    found = queries.explain(session, source(order.order_no))
    names = members.briefs(session, {each.beneficiary_id for each in found})
    items = _commissions(session, found)
    for item, each in zip(items, found, strict=True):
        item["beneficiary_id"] = each.beneficiary_id
        item["beneficiary"] = wording.name_of(names.get(each.beneficiary_id))
        item["bound_at"], item["origin"] = each.bound_at, each.origin
        item["grade_id"], item["grade_name"] = each.grade_id, each.grade_name
        item["steps"] = explaining.steps(each)
    return {"order_no": order_no, "items": items}


def commission(session: Session, member_id: int, commission_id: int) -> dict[str, Any]:
    """
    One commission of a distributor, with every step that led to it.

    :raises NotADistributor: the member never applied.
    :raises CommissionNotFound: there is none of this id, or it is somebody else's.
    """
    distributor(session, member_id)
    found = queries.explain_one(session, commission_id, member_id=member_id)
    if found is None:
        raise CommissionNotFound
    (item,) = _commissions(session, [found])
    return {**item, "steps": explaining.steps(found)}


def commission_rules(session: Session) -> dict[str, Any]:
    """The rules in force, with what the law says about them."""
    found = rules.current(session)
    return {**asdict(found), "compliance_note": wording.compliance_note(found.levels)}


def _commissions(session: Session, found: Sequence[Explanation]) -> list[dict[str, Any]]:
    skus = catalogue.skus_for_pricing(session, {each.sku_id for each in found})
    buyers = members.briefs(session, {each.buyer_id for each in found})
    return [_commission(each, skus.get(each.sku_id), buyers.get(each.buyer_id)) for each in found]


def _commission(
    each: Explanation, sku: SellableSku | None, buyer: MemberBrief | None
) -> dict[str, Any]:
    return {
        "commission_id": each.commission_id,
        "order_no": each.order_source.removeprefix("order:"),
        "line_source": each.line_source,
        "level": each.level,
        "sku_id": each.sku_id,
        "title": sku.title if sku else "",
        "spec_text": sku.spec_text if sku else "",
        "image_url": sku.image_url if sku else "",
        "buyer": wording.name_of(buyer),
        "quantity": each.quantity,
        "paid_fen": each.paid_fen,
        "base_kind": each.base_kind,
        "base_fen": each.base_fen,
        "rule": each.rule,
        "rule_name": explaining.rule_name(each, rules_version=each.rules_version),
        "rate_bp": each.rate_bp,
        "piece_fen": each.piece_fen,
        "reason": each.reason,
        "is_self_purchase": each.is_self_purchase,
        "amount_fen": each.amount_fen,
        "clawed_fen": each.clawed_fen,
        "state": each.state,
        "state_name": wording.STATES[each.state],
        "why": explaining.why(each),
        "accrued_at": each.accrued_at,
        "mature_at": each.mature_at,
    }


def _for_staff(session: Session, found: Sequence[Distributor]) -> list[dict[str, Any]]:
    ids = [each.member_id for each in found]
    known, summaries = members.briefs(session, ids), queries.summaries(session, ids)
    return [
        {
            "member_id": each.member_id,
            "nickname": known[each.member_id].nickname if each.member_id in known else "",
            "phone": known[each.member_id].masked_phone if each.member_id in known else None,
            "status": each.status,
            "status_reason": each.status_reason,
            "invite_code": each.invite_code,
            "applied_at": each.applied_at,
            "approved_at": each.approved_at,
            "declared_at": each.declared_at,
            "grade_id": each.grade_id,
            **asdict(summaries[each.member_id]),
        }
        for each in found
    ]


def before(cursor: str | None) -> int | None:
    """The id where a page goes on; None for the first page."""
    if cursor is None:
        return None
    (last,) = paging.decode(cursor, int)
    return int(last)


def page(items: Collection[dict[str, Any]], limit: int, key: str) -> Page:
    """A page of `limit`; one item more was read to see whether another page follows."""
    shown = list(items)[:limit]
    more = len(items) > limit
    return {"items": shown, "next_cursor": paging.encode(shown[-1][key]) if more else None}
