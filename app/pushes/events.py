"""Who hears which event: the name of the job that acts upon it. What is not listed is not kept."""

from collections.abc import Mapping

HANDLED_BY: Mapping[str, str] = {
    "trade_manage_order_settlement": "shipping.heard",
    "trade_manage_remind_shipping": "shipping.heard",
    "trade_manage_remind_access_api": "shipping.heard",
}
"""
Events in lower case, each with the job that is given `message_id`.

A job reads its message by `app.pushes.queries.message` and bears being run twice.
"""
