"""What staff see of notices: what was told to whom, and the templates it is told with."""

from typing import Any

from app.core import paging
from app.core.db import read, transaction
from app.core.errors import NotFound
from app.core.http import Blueprint
from app.notices import queries, schemas, service
from app.notices.models import Event, NoticeStatus

bp = Blueprint("notices_admin", __name__, description="订阅消息记录与模板")


class NoticeEventNotFound(NotFound):
    """There is no event of that name."""

    code, title = "notice_event_not_found", "没有这种通知"


@bp.get("/notices")
@bp.accepts(schemas.NoticeQuery)
@bp.returns(schemas.NoticePage)
def list_notices(
    member_id: int | None = None,
    event: Event | None = None,
    status: NoticeStatus | None = None,
    cursor: str | None = None,
) -> dict[str, Any]:
    """List what was told to whom and what became of it, the latest first."""
    before_id = paging.decode(cursor, int)[0] if cursor else None
    found = queries.page(
        read(), member_id=member_id, event=event, status=status, before_id=before_id
    )
    return schemas.shown_page(found)


@bp.get("/notice-templates")
@bp.returns(schemas.NoticeTemplateListOut)
def list_notice_templates() -> dict[str, Any]:
    """List every event with the template that tells of it, and whether it is stopped."""
    return {"items": queries.templates(read())}


@bp.post("/notice-templates/<event>/resume")
@bp.returns(schemas.NoticeTemplateListOut)
@bp.fails(NoticeEventNotFound)
def resume_notice_template(event: str) -> dict[str, Any]:
    """Send with the template of an event again, after what WeChat refused was put right."""
    if event not in set(Event):
        raise NoticeEventNotFound
    with transaction() as session:
        service.resume(session, Event(event))
        return {"items": queries.templates(session)}
