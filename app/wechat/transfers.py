"""
Merchant transfers of WeChat Pay v3 (the single bill of 2025): create, query, cancel.

A transfer is how a payout reaches a distributor's WeChat. Its body is made once (`bodies.py`), kept
by the caller and sent as it is: a number that may have been used is never replaced by another.
"""

from datetime import datetime
from typing import Any
from urllib.parse import quote

from app.wechat import sealing
from app.wechat.errors import UntrustedAnswer, WeChatRefused
from app.wechat.sealing import Seal
from app.wechat.transport import PayTransport

BILLS = "/v3/fund-app/mch-transfer/transfer-bills"
BY_NUMBER = f"{BILLS}/out-bill-no"


class TransferClient:
    """What the shop asks about transfers. Every call may raise `ResultUnknown`, `WeChatRefused`."""

    def __init__(
        self, transport: PayTransport, *, appid: str, mchid: str, notify_base_url: str
    ) -> None:
        self._transport = transport
        self.appid = appid
        self.mchid = mchid
        self.notify_base_url = notify_base_url

    def seal(self, now: datetime) -> Seal:
        """
        Give the key to seal with now; it may have to be fetched.

        :raises ResultUnknown: there is none at this moment.
        """
        return sealing.seal(self._transport, now)

    def create(self, body: bytes, *, out_bill_no: str, serial: str | None) -> dict[str, Any]:
        """
        Ask for a transfer and return its receipt: `state`, and `package_info` while it can be used.

        The same body may be sent again at any time; another one under the same number is refused.

        :raises WeChatRefused: `NOT_ENOUGH`: the merchant's account is short, ask again with the
            same number; other reasons need a person.
        """
        answer = self._transport.post(BILLS, body, serial=serial).data
        return _about(answer, out_bill_no)

    def query(self, out_bill_no: str) -> dict[str, Any] | None:
        """Return the transfer WeChat knows under this number; None when it knows none."""
        try:
            answer = self._transport.get(f"{BY_NUMBER}/{quote(out_bill_no, safe='')}").data
        except WeChatRefused as refusal:
            if refusal.reason == "NOT_FOUND":
                return None
            raise
        return _about(answer, out_bill_no)

    def cancel(self, out_bill_no: str) -> dict[str, Any]:
        """
        Begin to cancel a transfer nobody has confirmed: CANCELING, which is not CANCELLED yet.

        :raises WeChatRefused: it cannot be cancelled any more, or is unknown: query it.
        """
        target = f"{BY_NUMBER}/{quote(out_bill_no, safe='')}/cancel"
        return _about(self._transport.post(target, b"").data, out_bill_no)


def _about(answer: dict[str, Any], out_bill_no: str) -> dict[str, Any]:
    if answer.get("out_bill_no") != out_bill_no:
        raise UntrustedAnswer(f"asked about {out_bill_no}, answered about another number")
    return answer
