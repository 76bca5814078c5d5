"""A small shop with something of everything, so that generated requests hit what exists."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.aftersales import service as aftersales
from app.carts import service as carts
from app.catalogue.models import Sku
from app.core import auth, clock, days, numbers
from app.core.auth import Audience
from app.coupons import pushing
from app.coupons.models import SegmentKind
from app.distributors import adjustments
from app.materials import service as materials
from app.materials.queries import Wanted
from app.members.models import Member
from app.orders import leaving
from app.orders import queries as orders_of
from app.orders.models import Order, OrderStatus
from app.staff.models import Role, Staff
from app.wechat.pictures import PNG, PNG_END
from app.withdrawals import payees
from app.withdrawals import service as withdrawals
from distribution.commissions.models import Commission
from distribution.ledger.states import AdjustmentKind
from distribution.team import joining, sharing
from distribution.team.grade_models import DistributorGrade
from distribution.withdrawals.states import Channel
from promotions import campaigns, coupons, group_buys
from promotions.coupons.models import CouponCode
from promotions.models import Promotion
from promotions.packs import life
from promotions.packs.setup import Eligibility
from tests.builders.aftersales import (
    EXCHANGE,
    RETURN,
    make_case,
    make_paid_order,
    receive,
    sent,
)
from tests.builders.bulk_buys import make_bulk_buy
from tests.builders.bulk_orders import make_bulk_order
from tests.builders.catalogue import (
    make_brand,
    make_category,
    make_freight_template,
    make_sku,
    make_spu,
)
from tests.builders.distribution import (
    adjust,
    bind,
    make_distributor,
    make_rate,
    make_rules,
    make_rung,
)
from tests.builders.flash_sales import make_sale
from tests.builders.members import make_address, make_member
from tests.builders.orders import PARCEL, make_order
from tests.builders.packs import POINTS, coupons_of, make_gift_template, make_pack, make_setup
from tests.builders.payments import make_set_aside, make_stuck_refund, pay_order
from tests.builders.promotions import STAFF, make_campaign, make_published
from tests.builders.reconciliation import make_break
from tests.builders.staff import make_staff
from tests.builders.team_orders import make_group_buy, order_in_team
from tests.builders.withdrawals import ID_NUMBERS, make_withdrawal_rules

SIDES = {"/api/v1": Audience.SHOPPER, "/admin/v1": Audience.STAFF}


@dataclass(frozen=True)
class World:
    """Who may act, and what there is: ids by the name of their path parameter."""

    member_id: int
    owner_id: int
    ids: Mapping[str, tuple[Any, ...]]

    def headers(self, session: Session, path: str, *, now: datetime) -> dict[str, str]:
        """A fresh token for the side of the API `path` is on."""
        for prefix, side in SIDES.items():
            if path.startswith(prefix):
                subject = self.owner_id if side is Audience.STAFF else self.member_id
                return headers_for(session, side, subject, now=now)
        return {}


def headers_for(
    session: Session, side: Audience, subject_id: int, *, now: datetime
) -> dict[str, str]:
    """Headers with a token, committed."""
    token, _ = auth.issue(session, audience=side, subject_id=subject_id, now=now)
    session.commit()
    return {"Authorization": f"Bearer {token}"}


def build(session: Session, *, now: datetime) -> World:
    """Fill the shop and commit. The member acts; what is theirs comes first among the ids."""
    member, other = make_member(session, now=now), make_member(session, now=now)
    owner, colleague = make_staff(session, role=Role.OWNER), make_staff(session)
    applicant, stranger = make_member(session, now=now), make_member(session, now=now)
    joining.join(session, member_id=applicant.id, now=now)
    make_rules(session, now=now)
    code = make_distributor(session, member_id=other.id, now=now).invite_code
    bind(session, member_id=member.id, upline_id=other.id, now=now)
    make_distributor(session, member_id=member.id, now=now)
    stopped = _stopped_distributor(session, now=now)
    goods = _goods(session, now=now)
    ids = {
        **goods,
        **_teams(session, other, sku_id=goods["sku_id"][0], now=now),
        **_coupons(session, member, template_id=goods["promotion_id"][2], now=now),
        **_belongings(session, member, goods=goods, now=now),
        **_earnings(session, member, sku_id=goods["sku_id"][0], now=now),
        "member_id": (member.id, other.id, stopped.id, applicant.id, stranger.id),
        "grade_id": (_grade(session, now=now),),
        "staff_id": (colleague.id, owner.id),
        "username": (owner.username,),
        "event": ("paid",),
        "invite_code": (code,),
        "adjustment_no": (_adjustment(session, member, asked_by=colleague, now=now),),
        "withdrawal_no": _withdrawals(session, member, now=now),
        "digest": (_code(session, code, now=now),),
        "break_id": tuple(
            make_break(session, day=clock.china_day(now) - days.ONE, out_no=out_no, now=now).id
            for out_no in (numbers.out_trade_no(now), numbers.out_trade_no(now))
        ),
        "fact_id": (make_set_aside(session, now=now).id,),
        "out_refund_no": _stuck_refunds(session, sku_id=goods["sku_id"][0], now=now),
    }
    session.commit()
    return World(member.id, owner.id, ids)


def _stuck_refunds(session: Session, *, sku_id: int, now: datetime) -> tuple[str, ...]:
    """A refund that WeChat calls abnormal, and two it has closed."""
    paid = [make_paid_order(session, quantities={sku_id: 1}, now=now) for _ in range(3)]
    return tuple(
        make_stuck_refund(session, order=order, status=status, now=now).out_refund_no
        for order, status in zip(paid, ("abnormal", "closed", "closed"), strict=True)
    )


def _adjustment(session: Session, member: Member, *, asked_by: Staff, now: datetime) -> str:
    """An adjustment that waits for somebody other than the colleague who asked."""
    asked = adjustments.request(
        session,
        member_id=member.id,
        kind=AdjustmentKind.GIVE,
        amount_fen=100,
        reason="活动补发",
        staff_id=asked_by.id,
        now=now,
    )
    return str(asked["adjustment_no"])


def _withdrawals(session: Session, member: Member, *, now: datetime) -> tuple[str, ...]:
    """Two withdrawals of the member: one that waits for staff, one to be paid by hand."""
    adjust(session, member_id=member.id, amount_fen=50_000, no=f"J{member.id}", now=now)
    payees.set_payee(
        session,
        member_id=member.id,
        real_name="周敏",
        id_number=ID_NUMBERS[0],
        account="工行 6222 0000",
        now=now,
    )
    make_withdrawal_rules(session, review_over_fen=5_000, now=now)
    asked = [
        withdrawals.request(session, member_id=member.id, amount_fen=fen, channel=channel, now=now)
        for fen, channel in ((6_000, Channel.WECHAT), (5_000, Channel.MANUAL))
    ]
    return tuple(each.no for each in asked)


def _stopped_distributor(session: Session, *, now: datetime) -> Member:
    """A frozen distributor with a team of one."""
    stopped, below = make_member(session, now=now), make_member(session, now=now)
    bind(session, member_id=below.id, upline_id=stopped.id, now=now)
    joining.freeze(session, member_id=stopped.id, reason="刷单", now=now)
    return stopped


def _goods(session: Session, *, now: datetime) -> dict[str, tuple[Any, ...]]:
    category, brand, template = (
        make_category(session),
        make_brand(session),
        make_freight_template(session),
    )
    spu = make_spu(session, category=category, brand=brand, freight_template=template)
    sku = make_sku(session, spu=spu, available=1000)
    lone = make_sku(session, available=1)
    running = make_published(session, now=now, starts_at=now, max_uses=1_000)
    draft = campaigns.create(session, campaign=make_campaign(), staff_id=STAFF, now=now)
    sale, flash_sku = make_sale(session, now=now, total=50)
    coupon = make_gift_template(session, starts_at=now)
    pack = make_pack(
        session,
        POINTS,
        coupons_of(coupon),
        eligibility=Eligibility.NEVER_REGISTERED,
        claim_days=30,
        starts_at=now,
        now=now,
    )
    bulk_buy = make_bulk_buy(
        session, prices={sku.id: 8_000}, tiers=[(50, {sku.id: 7_000})], now=now
    )
    idea = life.create(session, setup=make_setup(POINTS), staff_id=STAFF, now=now)
    return {
        "category_id": (category.id, make_category(session).id),
        "brand_id": (brand.id, make_brand(session).id),
        "template_id": (template.id, make_freight_template(session).id),
        "spu_id": (spu.id, lone.spu_id),
        "sku_id": (sku.id, lone.id),
        "promotion_id": (draft.id, running.id, coupon.id, sale.id),
        "flash_sku_id": (flash_sku.id,),
        "coupon_template_id": (coupon.id,),
        "bulk_buy_id": (bulk_buy.id,),
        "pack_id": (idea.id, pack.id),
    }


def _teams(
    session: Session, opener: Member, *, sku_id: int, now: datetime
) -> dict[str, tuple[Any, ...]]:
    """A group buy, and a team of it that waits for two more."""
    sku = session.get_one(Sku, sku_id)
    group_buy = make_group_buy(session, sku, now=now, terms={"team_size": 3})
    order = order_in_team(session, group_buy, sku, opener, now=now)
    pay_order(session, order=order, now=now)
    seat = group_buys.seat_of(session, order.source)
    assert seat is not None
    team = session.get_one(group_buys.BuyingTeam, seat.team_id)
    return {"group_buy_id": (group_buy.id,), "team_no": (team.team_no,)}


def _grade(session: Session, *, now: datetime) -> int:
    """The grade of a world before this one that is still in use, or one above all there are."""
    in_use = session.scalar(
        select(DistributorGrade.id).where(DistributorGrade.archived_at.is_(None)).limit(1)
    )
    if in_use is not None:
        return in_use
    highest = session.scalar(select(func.max(DistributorGrade.rank))) or 0
    return make_rung(session, rank=highest + 1, now=now).id


def _code(session: Session, invite_code: str, *, now: datetime) -> str:
    """The hash of a mini-program code that somebody had drawn."""
    wanted = Wanted(sharing.scene(invite_code), "pages/index/index", 430)
    return materials.keep(session, wanted, PNG + PNG_END, now=now).digest


def _coupons(
    session: Session, member: Member, *, template_id: int, now: datetime
) -> dict[str, tuple[Any, ...]]:
    """A coupon in the member's hands, codes, and a push that is running."""
    (coupon_id,) = coupons.issue(
        session, promotion_id=template_id, member_id=member.id, source="world", now=now
    )
    batch = coupons.make_codes(session, promotion_id=template_id, count=2, staff_id=STAFF, now=now)
    push = pushing.begin(
        session,
        promotion_id=template_id,
        segment=SegmentKind.ALL,
        member_ids=None,
        per_member=1,
        staff_id=STAFF,
        now=now,
    )
    codes = session.scalars(select(CouponCode.code).order_by(CouponCode.id))
    return {
        "coupon_id": (coupon_id,),
        "batch_id": (batch.id,),
        "push_id": (push.id,),
        "code": tuple(codes),
    }


def _earnings(
    session: Session, member: Member, *, sku_id: int, now: datetime
) -> dict[str, tuple[Any, ...]]:
    """Rates, and what somebody the member brought has earned them."""
    rates = [make_rate(session, "sku", sku_id, level1_bp=bp, now=now) for bp in (700, 800)]
    buyer = make_member(session, now=now)
    bind(session, member_id=buyer.id, upline_id=member.id, now=now)
    make_order(session, buyer=buyer, quantities={sku_id: 1}, status=OrderStatus.PAID, now=now)
    own = select(Commission.id).where(Commission.beneficiary_id == member.id)
    return {"rate_id": tuple(rates[::-1]), "commission_id": tuple(session.scalars(own))}


def _belongings(
    session: Session, member: Member, *, goods: Mapping[str, tuple[Any, ...]], now: datetime
) -> dict[str, tuple[Any, ...]]:
    """What the member has: an address, a cart, an order at each point of its life, a case."""
    sku_id = goods["sku_id"][0]
    address = make_address(session, member_id=member.id)
    item = carts.add(session, member_id=member.id, sku_id=sku_id, quantity=2, now=now)
    wanted = {"buyer": member, "quantities": {sku_id: 1}, "now": now}
    unpaid, closed = (
        make_order(session, status=status, **wanted)
        for status in (OrderStatus.UNPAID, OrderStatus.CLOSED)
    )
    paid, contested, shipped = (make_paid_order(session, **wanted) for _ in range(3))
    leaving.ship(session, order_no=shipped.order_no, now=now, **PARCEL)
    parcels = orders_of.get(session, order_no=shipped.order_no).shipments
    bulk_buy = session.get_one(Promotion, goods["bulk_buy_id"][0])
    bulk = make_bulk_order(session, bulk_buy, {sku_id: 1}, buyer=member, now=now)
    pay_order(session, order=bulk, now=now)
    orders = (unpaid, paid, shipped, closed, contested, bulk)
    return {
        "address_id": (address.id,),
        "item_id": (item.id,),
        "order_no": tuple(order.order_no for order in orders),
        "shipment_id": tuple(parcel.id for parcel in parcels),
        "line_id": tuple(orders_of.lines(session, order_id=order.id)[0].id for order in orders),
        "after_sale_no": _cases(session, member, contested, sku_id=sku_id, now=now),
    }


def _cases(
    session: Session, member: Member, contested: Order, *, sku_id: int, now: datetime
) -> tuple[str, ...]:
    """Cases: asked for, to be sent back, refused, and with new goods to be sent."""
    order = make_paid_order(session, buyer=member, quantities={sku_id: 3}, now=now)
    leaving.ship(session, order_no=order.order_no, now=now, **PARCEL)
    staff = make_staff(session)
    sending, exchanging = (
        sent(session, order, staff, now, kind=kind, pieces=1) for kind in (RETURN, EXCHANGE)
    )
    receive(session, exchanging, staff, now)
    refused = make_case(session, order=order, kind=RETURN, now=now)
    aftersales.reject(
        session, after_sale_no=refused.after_sale_no, staff_id=staff.id, answer="已使用", now=now
    )
    first = make_case(session, order=contested, now=now)
    return tuple(case.after_sale_no for case in (first, sending, refused, exchanging))
