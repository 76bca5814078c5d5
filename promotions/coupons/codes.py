"""
Redeem codes: made by the hundred thousand, impossible to guess, each good for one coupon.
"""

import secrets
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ARRAY, Text, func, literal, or_, select, update
from sqlalchemy.dialects.postgresql import insert
from sqlalchemy.orm import Session

from promotions.coupons import issuing
from promotions.coupons.models import CODE, Coupon, CouponCode, CouponCodeBatch
from promotions.coupons.states import Way

ALPHABET = "23456789ABCDEFGHJKMNPQRSTUVWXYZ"
"""31 symbols: no 0 and O, no 1, I and L."""
BLOCK = 5000
"""How many codes are written, or read, by one statement."""

_FAIR = 256 - 256 % len(ALPHABET)
"""Bytes from here on would favour the first symbols."""
_SYMBOL = bytes(ALPHABET.encode()[byte % len(ALPHABET)] for byte in range(256))
_UNFAIR = bytes(range(_FAIR, 256))


class CodeRow(NamedTuple):
    """One code, and who has redeemed it when."""

    id: int
    code: str
    member_id: int | None
    redeemed_at: datetime | None


class UnknownCode(LookupError):
    """There is no such code, or its batch was revoked."""


class CodeTaken(Exception):
    """Somebody else has redeemed the code."""


class NoSuchBatch(LookupError):
    """No batch of codes has this id."""


def generate(count: int) -> list[str]:
    """Return `count` codes of twelve symbols, each symbol equally likely (59 bits in all)."""
    symbols = bytearray()
    while len(symbols) < count * CODE:
        missing = count * CODE - len(symbols)
        symbols += secrets.token_bytes(missing).translate(_SYMBOL, _UNFAIR)
    text = symbols.decode()
    return [text[at : at + CODE] for at in range(0, count * CODE, CODE)]


def make_codes(
    session: Session, *, promotion_id: int, count: int, staff_id: int, now: datetime
) -> CouponCodeBatch:
    """
    Make a batch of `count` new codes for a template.

    :raises NoSuchTemplate: there is none.
    :raises Refused: it is not published, or over.
    """
    issuing.require_open(session, promotion_id, now=now)
    batch = CouponCodeBatch(
        promotion_id=promotion_id, codes=count, created_by=staff_id, created_at=now
    )
    session.add(batch)
    session.flush()
    left = count
    while left:
        left -= _insert(session, batch.id, generate(min(left, BLOCK)))
    return batch


def redeem(session: Session, *, code: str, member_id: int, now: datetime) -> int:
    """
    Give the member the coupon of a code; return its id, the same when the member repeats it.

    Whatever is raised, nothing is taken and the transaction may go on.

    :raises UnknownCode: there is no such code, or it was revoked.
    :raises CodeTaken: somebody else was first.
    :raises Refused: the template is not published, over or issued out, or the member's limit is.
    """
    found = session.execute(
        select(CouponCode.id, CouponCodeBatch.promotion_id)
        .join(CouponCodeBatch, CouponCodeBatch.id == CouponCode.batch_id)
        .where(CouponCode.code == normal(code), CouponCodeBatch.revoked_at.is_(None))
    ).one_or_none()
    if found is None:
        raise UnknownCode
    code_id, promotion_id = found
    with session.begin_nested():
        (coupon_id,) = issuing.issue(
            session,
            promotion_id=promotion_id,
            member_id=member_id,
            source=f"code:{code_id}",
            way=Way.CODE,
            now=now,
        )
        _take(session, code_id, coupon_id)
    return coupon_id


def normal(code: str) -> str:
    """Return a code as it is stored: case, blanks and hyphens are as people type them."""
    return "".join(code.upper().replace("-", "").split())


def revoke_batch(session: Session, *, batch_id: int, now: datetime) -> CouponCodeBatch:
    """
    Make the codes of a batch worthless that nobody has redeemed yet; repeatable.

    :raises NoSuchBatch: there is none.
    """
    session.execute(
        update(CouponCodeBatch)
        .where(CouponCodeBatch.id == batch_id, CouponCodeBatch.revoked_at.is_(None))
        .values(revoked_at=now)
        .execution_options(synchronize_session=False)
    )
    return get_batch(session, batch_id)


def get_batch(session: Session, batch_id: int) -> CouponCodeBatch:
    """
    Return a batch.

    :raises NoSuchBatch: there is none.
    """
    batch = session.get(CouponCodeBatch, batch_id, populate_existing=True)
    if batch is None:
        raise NoSuchBatch(batch_id)
    return batch


def batches(
    session: Session, *, promotion_id: int, before_id: int | None, limit: int
) -> list[tuple[CouponCodeBatch, int]]:
    """Return up to `limit` batches of a template, the latest first, with how many are redeemed."""
    redeemed = (
        select(func.count())
        .where(CouponCode.batch_id == CouponCodeBatch.id, CouponCode.coupon_id.is_not(None))
        .scalar_subquery()
    )
    wanted = (
        select(CouponCodeBatch, redeemed)
        .where(CouponCodeBatch.promotion_id == promotion_id)
        .order_by(CouponCodeBatch.id.desc())
        .limit(limit)
    )
    if before_id is not None:
        wanted = wanted.where(CouponCodeBatch.id < before_id)
    return [(batch, count) for batch, count in session.execute(wanted)]


def redeemed(session: Session, batch_id: int) -> int:
    """Return how many codes of a batch have become a coupon."""
    counted = select(func.count()).where(
        CouponCode.batch_id == batch_id, CouponCode.coupon_id.is_not(None)
    )
    return int(session.scalar(counted) or 0)


def page(session: Session, *, batch_id: int, after_id: int | None, limit: int) -> list[CodeRow]:
    """Return up to `limit` codes of a batch after `after_id`, in the order they were made."""
    found = session.execute(
        select(CouponCode.id, CouponCode.code, Coupon.member_id, Coupon.issued_at)
        .join(Coupon, Coupon.id == CouponCode.coupon_id, isouter=True)
        .where(CouponCode.batch_id == batch_id, CouponCode.id > (after_id or 0))
        .order_by(CouponCode.id)
        .limit(limit)
    )
    return [CodeRow(*row) for row in found]


def each(session: Session, *, batch_id: int) -> Iterator[CodeRow]:
    """Yield every code of a batch in the order they were made, a block at a time."""
    after_id = None
    while rows := page(session, batch_id=batch_id, after_id=after_id, limit=BLOCK):
        yield from rows
        after_id = rows[-1].id


def _insert(session: Session, batch_id: int, codes: Sequence[str]) -> int:
    """Write the codes that nobody has yet; return how many those are."""
    new = select(literal(batch_id), func.unnest(literal(list(codes), ARRAY(Text))))
    written = (
        insert(CouponCode)
        .from_select(["batch_id", "code"], new)
        .on_conflict_do_nothing()
        .returning(CouponCode.id)
        .cte("written")
    )
    return session.execute(select(func.count()).select_from(written)).scalar_one()


def _take(session: Session, code_id: int, coupon_id: int) -> None:
    """Turn the code into the coupon, unless it has become another one."""
    taken = session.execute(
        update(CouponCode)
        .where(
            CouponCode.id == code_id,
            or_(CouponCode.coupon_id.is_(None), CouponCode.coupon_id == coupon_id),
        )
        .values(coupon_id=coupon_id)
        .returning(CouponCode.id)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if taken is None:
        raise CodeTaken
