"""
The messages WeChat pushes to a mini-program, in safe mode: signature, decryption, encrypted reply.

The cipher is wechatpy's, which reproduces the documented samples; this module adds what it leaves
out: signatures compared in constant time, and one exception for everything that is wrong.
"""

import hmac
import json
import struct

from wechatpy.crypto import PrpCrypto
from wechatpy.exceptions import InvalidAppIdException
from wechatpy.utils import WeChatSigner

from app.wechat import crypto


class PushRejected(Exception):
    """Not a message of WeChat to this mini-program."""


class PushBox:
    """Opens and seals the push messages of one mini-program."""

    def __init__(self, *, token: str, encoding_aes_key: str, appid: str) -> None:
        self._token = token
        self._appid = appid
        self._cipher = PrpCrypto(crypto.encoding_aes_key(encoding_aes_key))

    def signature(self, *parts: str) -> str:
        """Sign `parts` with the token: SHA-1 over all of them, sorted byte by byte."""
        signer = WeChatSigner()
        signer.add_data(self._token, *parts)
        return str(signer.signature)

    def open(self, encrypted: str, *, msg_signature: str, timestamp: str, nonce: str) -> str:
        """
        Verify and decrypt one message; the text is JSON or XML as the console is set.

        :raises PushRejected: wrong signature, damaged text, or another mini-program's message.
        """
        expected = self.signature(timestamp, nonce, encrypted)
        if not hmac.compare_digest(expected.encode(), msg_signature.encode()):
            raise PushRejected("signature")
        return self.decrypt(encrypted)

    def decrypt(self, encrypted: str) -> str:
        """
        Decrypt one message whose signature has been verified.

        :raises PushRejected: damaged text, or another mini-program's message.
        """
        try:
            return str(self._cipher.decrypt(encrypted, self._appid))
        except (ValueError, IndexError, struct.error, InvalidAppIdException) as error:
            raise PushRejected(type(error).__name__) from error

    def encrypt(self, text: str) -> str:
        """Encrypt a reply."""
        return str(self._cipher.encrypt(text, self._appid).decode())

    def seal(self, text: str, *, timestamp: str, nonce: str) -> str:
        """Encrypt and sign a reply, in the JSON form."""
        encrypted = self.encrypt(text)
        return json.dumps(
            {
                "Encrypt": encrypted,
                "MsgSignature": self.signature(timestamp, nonce, encrypted),
                "TimeStamp": int(timestamp),
                "Nonce": nonce,
            }
        )
