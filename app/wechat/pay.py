"""
WeChat Pay v3 for a mini-program: prepay, query, close, refund.

Bodies are made once (`bodies.py`), kept by the caller, and sent as they are: the same number must
always carry the same bytes.
"""

from datetime import datetime, timedelta
from typing import Any
from urllib.parse import quote

from app.wechat import crypto, sealing, signing
from app.wechat.errors import UntrustedAnswer, WeChatRefused
from app.wechat.sealing import Seal
from app.wechat.transport import PayTransport

JSAPI = "/v3/pay/transactions/jsapi"
BY_NUMBER = "/v3/pay/transactions/out-trade-no"
BY_TRANSACTION = "/v3/pay/transactions/id"
REFUNDS = "/v3/refund/domestic/refunds"


class PayClient:
    """What the shop asks of WeChat Pay. Every call may raise `ResultUnknown` or `WeChatRefused`."""

    def __init__(
        self,
        transport: PayTransport,
        *,
        signer: signing.Signer,
        appid: str,
        notify_base_url: str,
        refund_gap: timedelta = timedelta(minutes=1),
    ) -> None:
        self._transport = transport
        self._signer = signer
        self.appid = appid
        self.mchid = signer.mchid
        self.notify_base_url = notify_base_url
        self.refund_gap = refund_gap
        """How long two refunds of one payment are apart, as WeChat demands."""

    def prepay(self, body: bytes) -> str:
        """
        Register an attempt and return its `prepay_id`, valid for two hours.

        The same body may be sent again at any time; another body under the same number is refused.
        """
        prepay_id = self._transport.post(JSAPI, body).data.get("prepay_id")
        if not isinstance(prepay_id, str):
            raise UntrustedAnswer("an accepted prepay without prepay_id")
        return prepay_id

    def query(self, out_trade_no: str) -> dict[str, Any] | None:
        """Return the transaction WeChat knows under this number; None when it knows none."""
        target = f"{BY_NUMBER}/{quote(out_trade_no, safe='')}?mchid={self.mchid}"
        return self._find(target, absent="ORDER_NOT_EXIST")

    def query_transaction(self, transaction_id: str) -> dict[str, Any] | None:
        """Return the transaction with WeChat's own number; None if it is none of ours."""
        target = f"{BY_TRANSACTION}/{quote(transaction_id, safe='')}?mchid={self.mchid}"
        return self._find(target, absent="ORDER_NOT_EXIST")

    def close(self, out_trade_no: str) -> None:
        """
        Close an unpaid transaction; closing twice is harmless.

        :raises WeChatRefused: it cannot be closed, most likely because it is paid: query it.
        """
        target = f"{BY_NUMBER}/{quote(out_trade_no, safe='')}/close"
        self._transport.post(target, f'{{"mchid":"{self.mchid}"}}'.encode())

    def refund(self, body: bytes) -> dict[str, Any]:
        """
        Ask for a refund and return it as accepted: its `status` is rarely final yet.

        :raises TooFast: it may have been accepted: query before asking again.
        """
        return self._transport.post(REFUNDS, body).data

    def query_refund(self, out_refund_no: str) -> dict[str, Any] | None:
        """Return the refund WeChat knows under this number; None when it knows none."""
        target = f"{REFUNDS}/{quote(out_refund_no, safe='')}"
        return self._find(target, absent="RESOURCE_NOT_EXISTS")

    def seal(self, now: datetime) -> Seal:
        """
        Give the key to seal an account's fields with now; it may have to be fetched.

        :raises ResultUnknown: there is none at this moment.
        """
        return sealing.seal(self._transport, now)

    def rescue_refund(self, refund_id: str, body: bytes, *, serial: str | None) -> dict[str, Any]:
        """
        Ask for abnormal money to be given to another account, and return the refund as it stands.

        `serial` names the key the account's fields in `body` are sealed with.
        """
        target = f"{REFUNDS}/{quote(refund_id, safe='')}/apply-abnormal-refund"
        return self._transport.post(target, body, serial=serial).data

    def request_payment_params(self, prepay_id: str, now: datetime) -> dict[str, str]:
        """Make the arguments of `wx.requestPayment`; the appid is signed but not passed."""
        timestamp, nonce = str(int(now.timestamp())), signing.new_nonce()
        package = f"prepay_id={prepay_id}"
        message = signing.payment_message(self.appid, timestamp, nonce, package)
        return {
            "timeStamp": timestamp,
            "nonceStr": nonce,
            "package": package,
            "signType": "RSA",
            "paySign": crypto.sign(self._signer.key, message),
        }

    def _find(self, target: str, *, absent: str) -> dict[str, Any] | None:
        try:
            return self._transport.get(target).data
        except WeChatRefused as refusal:
            if refusal.reason == absent:
                return None
            raise
