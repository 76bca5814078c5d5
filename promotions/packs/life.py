"""
The life of a pack: drafted, published, paused, resumed, ended; every step a version on record.

What can be claimed is never changed, only stopped: two newcomers of one pack get the same.
"""

from datetime import datetime

from sqlalchemy import delete
from sqlalchemy.orm import Session

from promotions import life
from promotions.packs import giving, queries
from promotions.packs.models import Pack, PackCounter, PackVersion
from promotions.packs.setup import BadPack, PackFlaw, Setup
from promotions.states import Action, CampaignStatus


def create(session: Session, *, setup: Setup, staff_id: int, now: datetime) -> Pack:
    """
    Write down a new pack as a draft; nobody can claim it yet.

    :raises BadPack: a part names a template that is not there or cannot be given that way.
    """
    pack = life.draft(Pack(), staff_id=staff_id, now=now)
    _write(session, pack, setup, now)
    session.add(pack)
    session.flush()
    _set_caps(session, pack, setup)
    _record(session, pack, Action.CREATED, staff_id)
    return pack


def change(session: Session, *, pack_id: int, setup: Setup, staff_id: int, now: datetime) -> Pack:
    """
    Replace the whole set-up of a draft.

    :raises NoSuchPack: there is none.
    :raises WrongStatus: it has been published.
    :raises BadPack: a part names a template that is not there or cannot be given that way.
    """
    pack = _locked(session, pack_id)
    life.require(pack, CampaignStatus.DRAFT)
    _write(session, pack, setup, now)
    life.change(pack, now=now)
    _set_caps(session, pack, setup)
    _record(session, pack, Action.CHANGED, staff_id)
    return pack


def publish(session: Session, *, pack_id: int, staff_id: int, now: datetime) -> Pack:
    """
    Let a draft be claimed from its start on; at once if that has come.

    :raises NoSuchPack: there is none.
    :raises WrongStatus: it is not a draft.
    :raises BadPack: its window has passed, or a template does not last or suffice for it.
    """
    pack = _locked(session, pack_id)
    life.require(pack, CampaignStatus.DRAFT)
    return _start(session, pack, Action.PUBLISHED, staff_id, now)


def resume(session: Session, *, pack_id: int, staff_id: int, now: datetime) -> Pack:
    """
    Let a paused pack be claimed again.

    :raises NoSuchPack: there is none.
    :raises WrongStatus: it is not paused.
    :raises BadPack: its window has passed, or a template does not last or suffice for it.
    """
    pack = _locked(session, pack_id)
    life.require(pack, CampaignStatus.PAUSED)
    return _start(session, pack, Action.RESUMED, staff_id, now)


def pause(session: Session, *, pack_id: int, staff_id: int, now: datetime) -> Pack:
    """
    Stop claims until the pack is resumed.

    :raises NoSuchPack: there is none.
    :raises WrongStatus: it is not published.
    """
    pack = _locked(session, pack_id)
    return _move(session, pack, CampaignStatus.PAUSED, Action.PAUSED, staff_id, now)


def end(session: Session, *, pack_id: int, staff_id: int, now: datetime) -> Pack:
    """
    End a pack for good; what was claimed stays with who claimed it.

    :raises NoSuchPack: there is none.
    :raises WrongStatus: it has ended already.
    """
    pack = _locked(session, pack_id)
    return _move(session, pack, CampaignStatus.ENDED, Action.ENDED, staff_id, now)


def _locked(session: Session, pack_id: int) -> Pack:
    pack = life.locked(session, Pack, pack_id)
    if pack is None:
        raise queries.NoSuchPack(pack_id)
    return pack


def _write(session: Session, pack: Pack, setup: Setup, now: datetime) -> None:
    giving.require_fitting(session, setup)
    pack.title = setup.title
    pack.eligibility = setup.eligibility
    pack.claim_days = setup.claim_days
    pack.starts_at = setup.starts_at
    pack.ends_at = setup.ends_at
    pack.parts = [part.to_json() for part in setup.parts]
    pack.worth_fen = setup.worth_fen
    pack.updated_at = now


def _set_caps(session: Session, pack: Pack, setup: Setup) -> None:
    """Give a draft the counter its limits need; nothing is taken of them before it is published."""
    session.execute(delete(PackCounter).where(PackCounter.pack_id == pack.id))
    if setup.is_limited:
        session.add(
            PackCounter(pack_id=pack.id, max_claims=setup.max_claims, budget_fen=setup.budget_fen)
        )
    session.flush()


def _start(session: Session, pack: Pack, action: Action, staff_id: int, now: datetime) -> Pack:
    if life.is_over(pack, now):
        raise BadPack("ends_at", PackFlaw.ALREADY_OVER)
    giving.require_giving(session, queries.setup_of(session, pack), now=now)
    return _move(session, pack, CampaignStatus.PUBLISHED, action, staff_id, now)


def _move(
    session: Session,
    pack: Pack,
    status: CampaignStatus,
    action: Action,
    staff_id: int,
    now: datetime,
) -> Pack:
    life.move(pack, status, now=now)
    _record(session, pack, action, staff_id)
    return pack


def _record(session: Session, pack: Pack, action: Action, staff_id: int) -> None:
    document = queries.setup_of(session, pack).to_json()
    version = life.recorded(PackVersion(pack_id=pack.id), pack, action, document, staff_id=staff_id)
    session.add(version)
    session.flush()
