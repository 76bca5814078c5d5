"""
The edge towards WeChat: a code is looked up, drawn if nobody has had it, and kept.

No transaction is open while WeChat draws. Two who ask for the same new code at once may both have
it drawn; both get the one that was kept first.
"""

from app import wechat
from app.core import clock, redis
from app.core.db import read, transaction
from app.materials import queries, service
from app.materials.models import MiniCode
from app.materials.queries import Wanted

DRAWN_PER_HOUR = 300
"""New codes a distributor may have drawn; WeChat draws 5,000 a minute for the whole shop."""


def code(wanted: Wanted, *, member_id: int) -> MiniCode:
    """
    The code that opens a page with a scene: kept from before, or drawn by WeChat now.

    :raises TooMany: the member has had too many new ones drawn within the hour.
    :raises PageNotReleased: the released mini-program has no such page.
    :raises WeChatRefused: WeChat draws no such code.
    :raises ResultUnknown: WeChat does not answer, or is busy.
    """
    found = queries.kept(read(), wanted)
    if found is not None:
        return found
    redis.rate_limit(f"codes:{member_id}", limit=DRAWN_PER_HOUR, seconds=3600)
    picture = wechat.clients().mini.code_picture(**wanted._asdict())
    with transaction() as session:
        return service.keep(session, wanted, picture, now=clock.now())
