"""Whom to pay: the real name, identity number and account of a member, sealed, with consent."""

from datetime import datetime
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.core import crypto
from app.core.errors import Invalid, NotFound
from app.members import service as members_service
from app.withdrawals import identity
from app.withdrawals.models import Payee

CONSENT = (
    "我同意商家为向我支付推广佣金、履行代扣代缴和申报义务，收集、加密保存我的姓名、身份证号和收款账户，"
    "并在打款时把姓名提供给微信支付核验；保存期限以法律规定为准。"
)
"""The words a member agrees to; what is stored is what was shown."""
ACCOUNT_TAIL = 4


class PayeeNotFound(NotFound):
    """The member has not said whom to pay."""

    code, title = "payee_not_found", "还没有填写收款人信息"


class Shown(NamedTuple):
    """A payee as it may be shown."""

    real_name: str
    id_number: str
    account: str | None
    consent: str
    consented_at: datetime


class Person(NamedTuple):
    """A payee in clear: for whoever pays or files, and for nobody else."""

    real_name: str
    id_number: str
    account: str | None
    id_number_hash: str


def set_payee(
    session: Session,
    *,
    member_id: int,
    real_name: str,
    id_number: str,
    account: str | None,
    now: datetime,
) -> Payee:
    """
    Keep who receives the member's withdrawals from now on; the route has seen the consent.

    :raises Invalid: no such identity number can exist, or its owner is not eighteen yet.
    :raises Unauthorized: the member has left since the request began.
    """
    members_service.locked(session, member_id=member_id)
    born = identity.born_on(id_number)
    if born is None or born > now.date():
        raise Invalid(errors={"id_number": ["身份证号不正确"]})
    if not identity.is_adult(born, now=now):
        raise Invalid(errors={"id_number": ["未满 18 周岁不能提现"]})
    payee = Payee(
        member_id=member_id,
        real_name_sealed=crypto.seal(real_name),
        id_number_sealed=crypto.seal(id_number),
        id_number_hash=crypto.lookup_hash(f"id_number:{id_number}"),
        account_sealed=crypto.seal(account) if account else None,
        consent=CONSENT,
        consented_at=now,
    )
    session.add(payee)
    session.flush()
    return payee


def latest(session: Session, member_id: int) -> Payee | None:
    """The payee of a member now, if they have named one."""
    return session.scalar(
        select(Payee).where(Payee.member_id == member_id).order_by(Payee.id.desc()).limit(1)
    )


def show(payee: Payee) -> Shown:
    """A payee as its owner and staff see it: masked."""
    person = reveal(payee)
    return Shown(
        real_name=crypto.mask_name(person.real_name),
        id_number=identity.mask(person.id_number),
        account=f"****{person.account[-ACCOUNT_TAIL:]}" if person.account else None,
        consent=payee.consent,
        consented_at=payee.consented_at,
    )


def reveal(payee: Payee) -> Person:
    """A payee in clear."""
    account = payee.account_sealed
    return Person(
        real_name=crypto.open_sealed(payee.real_name_sealed),
        id_number=crypto.open_sealed(payee.id_number_sealed),
        account=crypto.open_sealed(account) if account else None,
        id_number_hash=payee.id_number_hash,
    )
