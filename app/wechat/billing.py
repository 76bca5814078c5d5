"""
Fetching the daily bills: an address is asked for, then the file is read into memory of fixed size.

The answer that names the address is signed; the file is not, and proves itself by the hash in that
answer. WeChat does not document whether the hash is of the file as it travels or of the text
inside, so either may match. The address lives five minutes and is used at once.
"""

import hashlib
import zlib
from collections.abc import Iterator
from datetime import date
from enum import StrEnum
from typing import BinaryIO, NamedTuple
from urllib.parse import urlsplit

from app.wechat.errors import ResultUnknown, UntrustedAnswer, WeChatRefused
from app.wechat.transport import PayTransport

TRADE = "/v3/bill/tradebill"
FUND_FLOW = "/v3/bill/fundflowbill"
MOST_BYTES = 2**31
"""A bill longer than this, unpacked, is no bill."""
GZIP_MAGIC = b"\x1f\x8b"
EITHER = zlib.MAX_WBITS | 32
"""Has zlib read the gzip form."""


class BillKind(StrEnum):
    """Which of a day's bills."""

    TRADE = "trade"
    """Every payment that succeeded, every refund that was accepted."""
    BASIC = "basic"
    """Every movement of the basic account: payments, refunds, fees, payouts to the bank."""
    OPERATION = "operation"
    """Every movement of the operating account, which transfers to people are paid from."""


class BillNotReady(Exception):
    """WeChat is still making the bill: ask again in half an hour."""


class BillAddress(NamedTuple):
    """Where a bill can be fetched for five minutes, and what its content hashes to."""

    target: str
    sha1: str


class BillClient:
    """What the shop asks about bills. Every call may raise `ResultUnknown`, `WeChatRefused`."""

    def __init__(self, transport: PayTransport, *, appid: str, mchid: str) -> None:
        self._transport = transport
        self.appid = appid
        self.mchid = mchid

    def fetch(self, kind: BillKind, day: date, file: BinaryIO) -> str | None:
        """
        Write a day's bill into `file`, unpacked, and return its SHA-1; None if the day has none.

        :raises BillNotReady: WeChat is still making it.
        :raises UntrustedAnswer: the file is not the one WeChat announced.
        """
        address = self._address(kind, day)
        if address is None:
            return None
        try:
            self._download(address, file)
        except WeChatRefused as refusal:
            if refusal.reason != "INVALID_REQUEST":
                raise
            # The address was too old: the next try asks for another one.
            raise ResultUnknown(f"bill address refused: {refusal}") from refusal
        return address.sha1

    def _address(self, kind: BillKind, day: date) -> BillAddress | None:
        if kind is BillKind.TRADE:
            target = f"{TRADE}?bill_date={day}&bill_type=ALL&tar_type=GZIP"
        else:
            account = kind.value.upper()
            target = f"{FUND_FLOW}?bill_date={day}&account_type={account}&tar_type=GZIP"
        try:
            data = self._transport.get(target).data
        except WeChatRefused as refusal:
            if refusal.reason == "NO_STATEMENT_EXIST":
                return None
            if refusal.reason == "STATEMENT_CREATING":
                raise BillNotReady(str(refusal)) from refusal
            raise
        url, digest = data.get("download_url"), data.get("hash_value")
        if not isinstance(url, str) or not isinstance(digest, str):
            raise UntrustedAnswer("a bill without address or hash")
        parts = urlsplit(url)
        # Only to the host we trust, whatever the address says; its path and query as they are.
        return BillAddress(f"{parts.path}?{parts.query}", digest.lower())

    def _download(self, address: BillAddress, file: BinaryIO) -> None:
        hashes = [hashlib.sha1(usedforsecurity=False) for _ in range(2)]
        unpacking: _Unpacking | None = None
        for chunk in self._transport.stream(address.target):
            if unpacking is None:
                unpacking = _Unpacking(is_packed=chunk.startswith(GZIP_MAGIC))
            hashes[0].update(chunk)
            for piece in unpacking.feed(chunk):
                hashes[1].update(piece)
                file.write(piece)
        if unpacking is None or not unpacking.is_whole:
            raise UntrustedAnswer("a bill that ends too early")
        if address.sha1 not in {each.hexdigest() for each in hashes}:
            raise UntrustedAnswer("a bill that is not the one announced")


class _Unpacking:
    """Unpacks a file piece by piece, each of at most a mebibyte."""

    PIECE = 2**20

    def __init__(self, *, is_packed: bool) -> None:
        self._packed = zlib.decompressobj(EITHER) if is_packed else None
        self._written = 0

    @property
    def is_whole(self) -> bool:
        return self._packed is None or self._packed.eof

    def feed(self, chunk: bytes) -> Iterator[bytes]:
        if self._packed is None:
            yield self._counted(chunk)
            return
        while chunk:
            try:
                piece = self._packed.decompress(chunk, self.PIECE)
            except zlib.error as error:
                raise UntrustedAnswer(f"a damaged bill: {error}") from error
            yield self._counted(piece)
            chunk = self._packed.unconsumed_tail

    def _counted(self, piece: bytes) -> bytes:
        self._written += len(piece)
        if self._written > MOST_BYTES:
            raise UntrustedAnswer("a bill without end")
        return piece
