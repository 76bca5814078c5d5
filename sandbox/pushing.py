"""
The mini-program's messages: what this WeChat pushes to the address in the console.
"""

from __future__ import annotations

from typing import Any

from sandbox.errors import ControlRefusal
from sandbox.faults import NOTIFICATIONS
from sandbox.notify import Notification, Notifications
from sandbox.world import Merchant, World

SURFACE = "push"
NOTIFICATIONS.add(SURFACE)


def push(
    world: World,
    *,
    openid: str,
    event: str,
    body: dict[str, Any],
    merchant: Merchant | None = None,
) -> Notification | None:
    """
    Push an event about `openid` to its mini-program (the first one here, if none is named).

    None if the console has no address: then nothing is ever pushed.

    :raises ControlRefusal: there is no mini-program.
    """
    if (url := world.settings.push_url) is None:
        return None
    merchant = merchant or next(iter(world.merchants.values()), None)
    if merchant is None:
        raise ControlRefusal(422, "no merchant is registered")
    now = world.clock.now()
    notification = Notification(
        surface=SURFACE,
        merchant=merchant,
        url=url,
        event_type=event,
        original_type="event",
        summary="消息推送",
        subject=openid,
        content={
            "ToUserName": f"gh_{merchant.appid[-12:]}",
            "FromUserName": openid,
            "CreateTime": int(now.timestamp()),
            "MsgType": "event",
            "Event": event,
            **body,
        },
        created_at=now,
        is_push=True,
    )
    world.store(Notifications).publish(notification)
    return notification
