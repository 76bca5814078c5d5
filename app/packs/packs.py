"""
Packs as staff work on them: the engine's refusals as problems, its rows as answers.
"""

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.core.errors import Conflict, Invalid
from app.packs import wording
from app.packs.service import PackNotFound
from promotions.life import WrongStatus, phase
from promotions.packs import life, queries
from promotions.packs.models import Pack, PackCounter
from promotions.packs.setup import BadPack, Part, Setup
from promotions.states import CampaignStatus

Move = Callable[..., Pack]


class PackStatusConflict(Conflict):
    """The status of the pack, in `pack_status`, does not allow the move."""

    code, title = "pack_status_conflict", "礼包当前状态不允许该操作"


def create(
    session: Session, *, fields: Mapping[str, Any], staff_id: int, now: datetime
) -> dict[str, Any]:
    """
    Write down a pack as a draft.

    :raises Invalid: the set-up contradicts itself.
    """
    with _translated():
        pack = life.create(session, setup=_setup(fields), staff_id=staff_id, now=now)
    return show(session, pack_id=pack.id, now=now)


def change(
    session: Session, *, pack_id: int, fields: Mapping[str, Any], staff_id: int, now: datetime
) -> dict[str, Any]:
    """
    Replace the set-up of a draft.

    :raises PackNotFound: there is none.
    :raises PackStatusConflict: it is no draft.
    :raises Invalid: the set-up contradicts itself.
    """
    with _translated():
        life.change(session, pack_id=pack_id, setup=_setup(fields), staff_id=staff_id, now=now)
    return show(session, pack_id=pack_id, now=now)


def move(
    session: Session, step: Move, *, pack_id: int, staff_id: int, now: datetime
) -> dict[str, Any]:
    """
    Publish, pause, resume or end a pack: `step` is the engine's function for it.

    :raises PackNotFound: there is none.
    :raises PackStatusConflict: its status does not allow the move.
    :raises Invalid: it cannot be published as it stands.
    """
    with _translated():
        step(session, pack_id=pack_id, staff_id=staff_id, now=now)
    return show(session, pack_id=pack_id, now=now)


def show(session: Session, *, pack_id: int, now: datetime) -> dict[str, Any]:
    """
    Return a pack with what is taken of its limits.

    :raises PackNotFound: there is none.
    """
    with _translated():
        pack = queries.get(session, pack_id)
    return _answer(pack, queries.counter(session, pack_id), now)


def page(
    session: Session,
    *,
    status: CampaignStatus | None,
    before_id: int | None,
    limit: int,
    now: datetime,
) -> list[dict[str, Any]]:
    """Return up to `limit` packs older than `before_id`, the latest first."""
    found = queries.page(session, status=status, before_id=before_id, limit=limit)
    return [_answer(pack, counter, now) for pack, counter in found]


def history(session: Session, *, pack_id: int) -> dict[str, Any]:
    """
    Return every version of a pack, the first one first.

    :raises PackNotFound: there is none.
    """
    with _translated():
        queries.get(session, pack_id)
    return {"items": queries.history(session, pack_id)}


def report(session: Session, *, pack_id: int) -> dict[str, Any]:
    """
    Return what came of a pack: claims, coupons used, the orders they went into, budget.

    :raises PackNotFound: there is none.
    """
    with _translated():
        pack = queries.get(session, pack_id)
    outcome = queries.outcome(session, pack_id)
    counter = queries.counter(session, pack_id)
    return {
        **outcome._asdict(),
        "worth_fen": outcome.claims * pack.worth_fen,
        "budget_fen": counter and counter.budget_fen,
        "max_claims": counter and counter.max_claims,
    }


@contextmanager
def _translated() -> Iterator[None]:
    try:
        yield
    except queries.NoSuchPack as missing:
        raise PackNotFound from missing
    except WrongStatus as wrong:
        raise PackStatusConflict(pack_status=wrong.status.value) from wrong
    except BadPack as flawed:
        raise Invalid(errors={flawed.field: [wording.FLAWS[flawed.flaw]]}) from flawed


def _setup(fields: Mapping[str, Any]) -> Setup:
    return Setup(**{**fields, "parts": tuple(Part(**part) for part in fields["parts"])})


def _answer(pack: Pack, counter: PackCounter | None, now: datetime) -> dict[str, Any]:
    return {
        "id": pack.id,
        "title": pack.title,
        "status": pack.status,
        "phase": phase(pack, now),
        "version": pack.version,
        "eligibility": pack.eligibility,
        "claim_days": pack.claim_days,
        "starts_at": pack.starts_at,
        "ends_at": pack.ends_at,
        "parts": pack.parts,
        "worth_fen": pack.worth_fen,
        "limits": counter,
        "created_by": pack.created_by,
        "created_at": pack.created_at,
        "updated_at": pack.updated_at,
    }
