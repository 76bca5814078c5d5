"""Staff's coupons: templates and their figures, codes, pushes, and taking coupons back."""

import csv
import io
from collections.abc import Iterable
from typing import Any

from flask import Response, g
from sqlalchemy.orm import Session

from app.core import clock, paging
from app.core.db import read, transaction
from app.core.errors import Invalid
from app.core.http import Blueprint
from app.coupons import pushing, schemas, staffing
from app.coupons.models import CouponPush, SegmentKind
from app.coupons.pushing import CouponPushNotFound, CouponPushOver
from app.coupons.service import (
    CouponNotFound,
    CouponRefused,
    CouponTemplateNotFound,
)
from app.coupons.staffing import CodeBatchNotFound
from app.marketing.campaigns import PromotionStatusConflict
from app.staff.roles import Role, requires
from promotions.coupons.codes import CodeRow
from promotions.coupons.states import CouponStatus

bp = Blueprint("coupons_admin", __name__, description="优惠券：模板、兑换码、定向发放与收回")


@bp.get("/coupon-templates")
@bp.accepts(schemas.PageQuery)
@bp.returns(schemas.TemplatePage)
def list_templates(limit: int, cursor: str | None = None) -> dict[str, Any]:
    """List the coupon templates, the latest first, with what became of their coupons."""
    found = staffing.templates(read(), before_id=_before(cursor), limit=limit + 1)
    return _page(found, limit, key="promotion_id")


@bp.get("/coupon-templates/<int:promotion_id>")
@bp.returns(schemas.TemplateOut)
@bp.fails(CouponTemplateNotFound)
def show_template(promotion_id: int) -> dict[str, Any]:
    """Show a coupon template and what became of its coupons."""
    return staffing.template(read(), promotion_id)


@bp.post("/coupon-templates/<int:promotion_id>/claims/stop")
@bp.returns(schemas.TemplateOut)
@bp.fails(CouponTemplateNotFound, PromotionStatusConflict)
def stop_claims(promotion_id: int) -> dict[str, Any]:
    """Take a template out of the claim centre; its coupons may be used as before."""
    return _claims(promotion_id, is_claimable=False)


@bp.post("/coupon-templates/<int:promotion_id>/claims/resume")
@bp.returns(schemas.TemplateOut)
@bp.fails(CouponTemplateNotFound, PromotionStatusConflict)
def resume_claims(promotion_id: int) -> dict[str, Any]:
    """Put a template into the claim centre (again)."""
    return _claims(promotion_id, is_claimable=True)


@bp.get("/coupons")
@bp.accepts(schemas.CouponQuery)
@bp.returns(schemas.IssuedCouponPage)
def list_coupons(
    limit: int,
    promotion_id: int | None = None,
    member_id: int | None = None,
    status: CouponStatus | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """List coupons of a template, of a member or in a status, the latest first."""
    found = staffing.coupons_page(
        read(),
        promotion_id=promotion_id,
        member_id=member_id,
        status=status,
        before_id=_before(cursor),
        limit=limit + 1,
    )
    return _page(found, limit)


@bp.post("/coupons/<int:coupon_id>/revoke")
@bp.returns(schemas.RevokedOut)
@bp.fails(CouponNotFound)
def revoke_coupon(coupon_id: int) -> dict[str, Any]:
    """Take one unused coupon back."""
    with transaction() as session:
        return staffing.revoke(session, coupon_ids=[coupon_id], now=clock.now())


@bp.post("/coupons/revoke")
@bp.accepts(schemas.RevokeIn)
@bp.returns(schemas.RevokedOut)
@bp.fails(CouponNotFound)
def revoke_coupons(coupon_ids: list[int]) -> dict[str, Any]:
    """Take back those of these coupons that are unused."""
    with transaction() as session:
        return staffing.revoke(session, coupon_ids=coupon_ids, now=clock.now())


@bp.post("/coupon-templates/<int:promotion_id>/code-batches")
@bp.accepts(schemas.CodeBatchIn)
@bp.idempotent()
@bp.returns(schemas.CodeBatchOut, 201)
@bp.fails(CouponTemplateNotFound, CouponRefused)
def make_codes(session: Session, promotion_id: int, count: int) -> dict[str, Any]:
    """Make a batch of redeem codes, up to 100,000 at a time."""
    return staffing.make_codes(
        session, promotion_id=promotion_id, count=count, staff_id=g.staff_id, now=clock.now()
    )


@bp.get("/coupon-templates/<int:promotion_id>/code-batches")
@bp.accepts(schemas.PageQuery)
@bp.returns(schemas.CodeBatchPage)
@bp.fails(CouponTemplateNotFound)
def list_code_batches(promotion_id: int, limit: int, cursor: str | None = None) -> dict[str, Any]:
    """List the code batches of a template, the latest first, with how many are redeemed."""
    found = staffing.batches(
        read(), promotion_id=promotion_id, before_id=_before(cursor), limit=limit + 1
    )
    return _page(found, limit)


@bp.get("/coupon-code-batches/<int:batch_id>/codes")
@requires(Role.OWNER, Role.MERCHANT)
@bp.accepts(schemas.PageQuery)
@bp.returns(schemas.CodePage)
@bp.fails(CodeBatchNotFound)
def list_codes(batch_id: int, limit: int, cursor: str | None = None) -> dict[str, Any]:
    """List the codes of a batch and who has redeemed them. Not for analysts: codes are money."""
    found = staffing.codes_page(
        read(), batch_id=batch_id, after_id=_before(cursor), limit=limit + 1
    )
    return _page(found, limit)


@bp.get("/coupon-code-batches/<int:batch_id>/codes.csv")
@requires(Role.OWNER, Role.MERCHANT)
@bp.response(200, {"type": "string"}, content_type="text/csv")  # type: ignore[untyped-decorator]  # smorest's own: no JSON.
@bp.fails(CodeBatchNotFound)
def export_codes(batch_id: int) -> Response:
    """Export the codes of a batch as CSV. Not for analysts: codes are money."""
    return Response(
        _csv(staffing.codes(read(), batch_id=batch_id)),
        mimetype="text/csv",
        headers={"Content-Disposition": f'attachment; filename="codes-{batch_id}.csv"'},
    )


@bp.post("/coupon-code-batches/<int:batch_id>/revoke")
@bp.returns(schemas.CodeBatchOut)
@bp.fails(CodeBatchNotFound)
def revoke_codes(batch_id: int) -> dict[str, Any]:
    """Make the codes of a batch worthless that nobody has redeemed."""
    with transaction() as session:
        return staffing.revoke_codes(session, batch_id=batch_id, now=clock.now())


@bp.post("/coupon-templates/<int:promotion_id>/pushes")
@bp.accepts(schemas.PushIn)
@bp.idempotent()
@bp.returns(schemas.PushOut, 201)
@bp.fails(CouponTemplateNotFound, CouponRefused, Invalid)
def begin_push(
    session: Session,
    promotion_id: int,
    segment: SegmentKind,
    member_ids: list[int] | None,
    per_member: int,
) -> CouponPush:
    """Give every member of a segment their coupons, in the background."""
    if (segment is SegmentKind.MEMBERS) != (member_ids is not None):
        raise Invalid(errors={"member_ids": ["指定用户时须填写，其他人群不可填写"]})
    return pushing.begin(
        session,
        promotion_id=promotion_id,
        segment=segment,
        member_ids=member_ids,
        per_member=per_member,
        staff_id=g.staff_id,
        now=clock.now(),
    )


@bp.get("/coupon-templates/<int:promotion_id>/pushes")
@bp.accepts(schemas.PageQuery)
@bp.returns(schemas.PushPage)
@bp.fails(CouponTemplateNotFound)
def list_pushes(promotion_id: int, limit: int, cursor: str | None = None) -> dict[str, Any]:
    """List the pushes of a template, the latest first."""
    before_id = _before(cursor)
    staffing.require_template(read(), promotion_id)
    found = pushing.page(read(), promotion_id=promotion_id, before_id=before_id, limit=limit + 1)
    items, has_more = found[:limit], len(found) > limit
    return {"items": items, "next_cursor": paging.encode(items[-1].id) if has_more else None}


@bp.get("/coupon-pushes/<int:push_id>")
@bp.returns(schemas.PushOut)
@bp.fails(CouponPushNotFound)
def show_push(push_id: int) -> CouponPush:
    """Show how far a push is."""
    return pushing.get(read(), push_id)


@bp.post("/coupon-pushes/<int:push_id>/stop")
@bp.returns(schemas.PushOut)
@bp.fails(CouponPushNotFound, CouponPushOver)
def stop_push(push_id: int) -> CouponPush:
    """End a push where it is; who has theirs keeps them."""
    with transaction() as session:
        return pushing.stop(session, push_id=push_id, now=clock.now())


@bp.post("/coupon-pushes/<int:push_id>/revoke")
@bp.returns(schemas.PushOut)
@bp.fails(CouponPushNotFound, CouponPushOver)
def revoke_push(push_id: int) -> CouponPush:
    """End a push and take back what of it is unused, in the background."""
    with transaction() as session:
        return pushing.revoke(session, push_id=push_id, now=clock.now())


def _claims(promotion_id: int, *, is_claimable: bool) -> dict[str, Any]:
    with transaction() as session:
        return staffing.change_claims(
            session,
            promotion_id=promotion_id,
            is_claimable=is_claimable,
            staff_id=g.staff_id,
            now=clock.now(),
        )


def _before(cursor: str | None) -> int | None:
    return int(paging.decode(cursor, int)[0]) if cursor else None


def _page(found: list[dict[str, Any]], limit: int, *, key: str = "id") -> dict[str, Any]:
    items, has_more = found[:limit], len(found) > limit
    return {"items": items, "next_cursor": paging.encode(items[-1][key]) if has_more else None}


def _csv(rows: Iterable[CodeRow]) -> str:
    """Return the file, some 5 MB at most; the mark in front tells spreadsheets it is UTF-8."""
    file = io.StringIO()
    writer = csv.writer(file)
    writer.writerow(["\ufeff兑换码", "用户", "兑换时间"])
    for row in rows:
        writer.writerow([row.code, row.member_id or "", row.redeemed_at or ""])
    return file.getvalue()
