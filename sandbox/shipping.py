"""
Order shipping management: the parcels of a paid trade that were told of, by WeChat's rules.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from sandbox.errors import ControlRefusal, MiniRefusal
from sandbox.trades import Trade, Trades
from sandbox.world import Merchant, Store, World

EXPRESS, SAME_CITY, VIRTUAL, PICK_UP = 1, 2, 3, 4
UNIFIED, SPLIT = 1, 2
PARCELS_MAX = 15
DESCRIPTION_MAX = 120
MASKED = re.compile(r"[0-9*]{4,}[0-9]{4}")
MOMENT = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}(Z|[+-]\d\d:\d\d)")


@dataclass
class Told:
    """What the merchant has told of one trade."""

    logistics_type: int
    delivery_mode: int
    parcels: list[dict[str, Any]]
    upload_time: str
    is_finished: bool
    finishes: int = 0
    """How often it was told whole: the second time is the one re-shipment."""
    received_at: int | None = None
    is_reminded: bool = False


@dataclass
class _Upload:
    """A request, read."""

    logistics_type: int
    delivery_mode: int
    parcels: list[dict[str, Any]]
    upload_time: str
    is_finished: bool


class Shipping(Store):
    """What was told of each trade, by transaction."""

    def __init__(self, world: World) -> None:
        super().__init__(world)
        self.told: dict[str, Told] = {}

    def upload(self, merchant: Merchant, values: dict[str, Any]) -> None:
        """
        Take what a merchant tells of a trade's parcels; each telling replaces the last.

        :raises MiniRefusal: with the errcode of the rule that is broken.
        """
        trade = self._trade(merchant, values.get("order_key"))
        if not self.world.settings.is_trade_managed or trade.refunding_fen >= trade.total_fen:
            raise MiniRefusal(10060004, "支付单处于不可发货的状态")
        upload = _read(values)
        payer = values.get("payer")
        if not isinstance(payer, dict) or payer.get("openid") != trade.body["payer"]["openid"]:
            raise MiniRefusal(10060031, "该笔支付单不属于 openid 所指定的用户")
        self._note(str(trade.transaction_id), upload)

    def order(self, merchant: Merchant, transaction_id: str) -> dict[str, object]:
        """
        Show a trade as get_order does.

        :raises MiniRefusal: 10060001, no such payment.
        """
        trade = self._paid(
            self.world.store(Trades).find_transaction(merchant.mchid, transaction_id)
        )
        told = self.told.get(transaction_id)
        shipping: dict[str, object] = {"finish_shipping": False, "finish_shipping_count": 0}
        if told is not None:
            shipping = {
                "delivery_mode": told.delivery_mode,
                "logistics_type": told.logistics_type,
                "finish_shipping": told.is_finished,
                "finish_shipping_count": told.finishes,
                "shipping_list": told.parcels,
            }
        return {
            "transaction_id": transaction_id,
            "merchant_id": merchant.mchid,
            "merchant_trade_no": trade.out_trade_no,
            "paid_amount": trade.total_fen,
            "openid": trade.body["payer"]["openid"],
            "order_state": self._state(trade, told),
            "shipping": shipping,
        }

    def remind(self, merchant: Merchant, values: dict[str, Any]) -> None:
        """
        Remind the payer to confirm the receipt.

        :raises MiniRefusal: not shipped, not express, a time before shipping, or used already.
        """
        transaction_id = str(values.get("transaction_id", ""))
        self.order(merchant, transaction_id)
        told = self.told.get(transaction_id)
        if told is None or not told.is_finished or told.received_at is not None:
            raise MiniRefusal(10060028, "该笔支付单尚未完成发货")
        if told.logistics_type != EXPRESS:
            raise MiniRefusal(10060032, "非物流方式发货的支付单")
        if not isinstance(values.get("received_time"), int):
            raise MiniRefusal(10060029, "签收时间错误")
        if told.is_reminded:
            raise MiniRefusal(10060030, "该笔支付单已提醒过")
        told.is_reminded = True

    def confirm(self, trade: Trade) -> dict[str, Any]:
        """
        Let the payer confirm the receipt; return what is pushed about it.

        :raises ControlRefusal: it is not shipped.
        """
        told = self.told.get(str(trade.transaction_id))
        if told is None or not told.is_finished:
            raise ControlRefusal(409, "the trade is not shipped")
        now = int(self.world.clock.now().timestamp())
        told.received_at = told.received_at or now
        return {
            **describe(trade),
            "confirm_receive_method": 2,
            "confirm_receive_time": told.received_at,
            "settlement_time": now,
        }

    def _note(self, transaction_id: str, upload: _Upload) -> None:
        told = self.told.get(transaction_id)
        finishes = int(upload.is_finished)
        if told is not None:
            same = (told.logistics_type, told.delivery_mode, told.parcels, told.is_finished)
            if same == (
                upload.logistics_type, upload.delivery_mode, upload.parcels, upload.is_finished
            ):  # fmt: skip
                raise MiniRefusal(10060023, "发货信息未更新")
            if upload.upload_time <= told.upload_time:
                raise MiniRefusal(10060014, "upload_time must grow")
            if told.finishes >= 2:
                raise MiniRefusal(10060003, "该笔支付单已使用重新发货机会")
            if told.is_finished and not upload.is_finished:
                raise MiniRefusal(10060002, "该笔支付单已完成发货")
            finishes += told.finishes
        self.told[transaction_id] = Told(
            upload.logistics_type, upload.delivery_mode, upload.parcels, upload.upload_time,
            upload.is_finished, finishes,
        )  # fmt: skip

    def _trade(self, merchant: Merchant, key: object) -> Trade:
        if not isinstance(key, dict) or key.get("order_number_type") not in (1, 2):
            raise MiniRefusal(268485194, "order_key invalid")
        trades = self.world.store(Trades)
        if key["order_number_type"] == 2:
            found = trades.find_transaction(merchant.mchid, str(key.get("transaction_id")))
        elif key.get("mchid") != merchant.mchid:
            raise MiniRefusal(268485195, "mchid invalid")
        else:
            found = trades.find(merchant.mchid, str(key.get("out_trade_no")))
        return self._paid(found)

    def _paid(self, trade: Trade | None) -> Trade:
        if trade is None or trade.paid_at is None:
            raise MiniRefusal(10060001, "支付单不存在")
        return trade

    def _state(self, trade: Trade, told: Told | None) -> int:
        if trade.refunding_fen >= trade.total_fen:
            return 5
        if told is None or not told.is_finished:
            return 1
        return 2 if told.received_at is None else 3


def describe(trade: Trade) -> dict[str, Any]:
    """What every push about a trade names."""
    assert trade.paid_at is not None
    return {
        "transaction_id": trade.transaction_id,
        "merchant_id": trade.merchant.mchid,
        "merchant_trade_no": trade.out_trade_no,
        "pay_time": int(trade.paid_at.timestamp()),
    }


def _read(values: dict[str, Any]) -> _Upload:
    kind, mode = values.get("logistics_type"), values.get("delivery_mode")
    if kind not in (EXPRESS, SAME_CITY, VIRTUAL, PICK_UP):
        raise MiniRefusal(10060005, "物流类型有误")
    if mode not in (UNIFIED, SPLIT):
        raise MiniRefusal(268485224, "delivery_mode invalid")
    if mode == SPLIT and kind != EXPRESS:
        raise MiniRefusal(10060006, "非快递发货时不允许分拆发货")
    is_finished = values.get("is_all_delivered") if mode == SPLIT else True
    if not isinstance(is_finished, bool):
        raise MiniRefusal(10060007, "分拆发货模式下必须填写 is_all_delivered")
    parcels = _parcels(values, kind, mode)
    stamp = values.get("upload_time")
    if not isinstance(stamp, str) or not MOMENT.fullmatch(stamp):
        raise MiniRefusal(268485216, "upload_time 不是 RFC 3339 格式")
    return _Upload(kind, mode, parcels, stamp, is_finished)


def _parcels(values: dict[str, Any], kind: int, mode: int) -> list[dict[str, Any]]:
    parcels = values.get("shipping_list")
    if not isinstance(parcels, list) or not parcels:
        raise MiniRefusal(10060014, "参数错误")
    if mode == UNIFIED and len(parcels) != 1:
        raise MiniRefusal(268485228, "统一发货时只能有一个包裹")
    if len(parcels) > PARCELS_MAX:
        raise MiniRefusal(10060024, "物流信息超过上限")
    for parcel in parcels:
        _check(parcel, kind)
    return parcels


def _check(parcel: object, kind: int) -> None:
    if not isinstance(parcel, dict):
        raise MiniRefusal(10060014, "参数错误")
    words = parcel.get("item_desc")
    if not isinstance(words, str) or not words:
        raise MiniRefusal(10060008, "商品描述不能为空")
    if len(words) > DESCRIPTION_MAX:
        raise MiniRefusal(10060009, "商品描述过长")
    if kind != EXPRESS:
        return
    if not parcel.get("tracking_no"):
        raise MiniRefusal(268485226, "tracking_no 不能为空")
    if not parcel.get("express_company"):
        raise MiniRefusal(268485227, "express_company 不能为空")
    if parcel["express_company"] == "SF" and not _has_contact(parcel.get("contact")):
        raise MiniRefusal(10060014, "顺丰须填写联系方式")


def _has_contact(contact: object) -> bool:
    if not isinstance(contact, dict):
        return False
    given = (contact.get("consignor_contact"), contact.get("receiver_contact"))
    return any(isinstance(each, str) and MASKED.fullmatch(each) for each in given)
