"""A merchant's side of the wire, written apart from the mall: signs, sends, checks answers."""

import json
import secrets
import time
from base64 import b64decode, b64encode

import httpx
from cryptography.hazmat.primitives.asymmetric.padding import MGF1, OAEP, PKCS1v15
from cryptography.hazmat.primitives.asymmetric.rsa import generate_private_key
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_public_key
from cryptography.x509 import load_pem_x509_certificate

APPID = "wx0123456789abcdef"
MCHID = "1900000001"
SERIAL = "444F4864EA9B34415ABCDEF0123456789ABCDEF0"
APIV3_KEY = "0123456789abcdef0123456789abcdef"
SECRET = "s" * 32
TRANSFERS = "/v3/fund-app/mch-transfer/transfer-bills"
SENSITIVE = OAEP(mgf=MGF1(SHA1()), algorithm=SHA1(), label=None)


def public_pem(key):
    return key.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode()


def new_key():
    return generate_private_key(public_exponent=65537, key_size=2048)


class Merchant:
    def __init__(self, url, key, *, mchid=MCHID, appid=APPID):
        self.url, self.key, self.mchid, self.appid = url, key, mchid, appid
        self.http = httpx.Client(base_url=url, trust_env=False, timeout=20, verify=False)
        self.clock_skew = 0

    def register(self, **changes):
        body = {
            "appid": self.appid,
            "app_secret": SECRET,
            "mchid": self.mchid,
            "merchant_serial": SERIAL,
            "merchant_public_key": public_pem(self.key),
            "apiv3_key": APIV3_KEY,
        }
        return self.control("merchants", **{**body, **changes})

    def control(self, path, **body):
        answer = self.http.post(f"/control/{path}", json=body)
        assert answer.status_code == 200, answer.text
        return answer.json()

    def look(self, path, **params):
        return self.http.get(f"/control/{path}", params=params).raise_for_status().json()

    def sign(self, message):
        return b64encode(self.key.sign(message.encode(), PKCS1v15(), SHA256())).decode()

    def authorization(self, method, target, body, **changes):
        fields = {
            "mchid": self.mchid,
            "nonce_str": secrets.token_hex(8),
            "timestamp": str(int(time.time()) + self.clock_skew),
            "serial_no": SERIAL,
        } | changes
        message = f"{method}\n{target}\n{fields['timestamp']}\n{fields['nonce_str']}\n{body}\n"
        fields.setdefault("signature", self.sign(message))
        pairs = ",".join(f'{name}="{value}"' for name, value in fields.items())
        return f"WECHATPAY2-SHA256-RSA2048 {pairs}"

    def send(self, method, target, document=None, *, headers=None, body=None, **changes):
        if body is None:
            body = "" if document is None else json.dumps(document, ensure_ascii=False)
        sent = {
            "Authorization": self.authorization(method, target, body, **changes),
            "Accept": "application/json",
            "Content-Type": "application/json",
            "User-Agent": "merchant-test",
        } | (headers or {})
        sent = {name: value for name, value in sent.items() if value is not None}
        request = self.http.build_request(method, target, content=body.encode(), headers=sent)
        for name, value in (headers or {}).items():
            if value is None and name in request.headers:
                del request.headers[name]
        return self.http.send(request)

    def order(self, **changes):
        body = {
            "appid": self.appid,
            "mchid": self.mchid,
            "description": "龙井茶 250g",
            "out_trade_no": "P" + secrets.token_hex(8),
            "notify_url": "https://mall.example.com/webhooks/wechat/pay",
            "amount": {"total": 9900, "currency": "CNY"},
            "payer": {"openid": "o-buyer"},
        }
        return {**body, **changes}

    def prepay(self, **changes):
        return self.send("POST", "/v3/pay/transactions/jsapi", self.order(**changes))

    def open(self, **changes):
        body = self.order(**changes)
        answer = self.send("POST", "/v3/pay/transactions/jsapi", body)
        assert answer.status_code == 200, answer.text
        return body["out_trade_no"], answer.json()["prepay_id"]

    def paid(self, **changes):
        number, _ = self.open(**changes)
        self.control(f"trades/{number}/pay", unchecked=True)
        return number

    def query(self, number):
        return self.send("GET", f"/v3/pay/transactions/out-trade-no/{number}?mchid={self.mchid}")

    def close(self, number):
        target = f"/v3/pay/transactions/out-trade-no/{number}/close"
        return self.send("POST", target, {"mchid": self.mchid})

    def refund(self, number, fen=9900, **changes):
        body = {
            "out_trade_no": number,
            "out_refund_no": "R" + secrets.token_hex(8),
            "notify_url": "https://mall.example.com/webhooks/wechat/refund",
            "amount": {"refund": fen, "total": 9900, "currency": "CNY"},
        }
        return self.send("POST", "/v3/refund/domestic/refunds", {**body, **changes})

    def query_refund(self, number):
        return self.send("GET", f"/v3/refund/domestic/refunds/{number}")

    def seal(self, text, serial=None):
        """Encrypt a sensitive field for the platform; return it with the header that says how."""
        serial = serial or self.look("platform")["public_key_id"]
        sealed = self.keys()[serial].encrypt(text.encode(), SENSITIVE)
        return b64encode(sealed).decode(), {"Wechatpay-Serial": serial}

    def unseal(self, text):
        return self.key.decrypt(b64decode(text), SENSITIVE).decode()

    def bill(self, **changes):
        body = {
            "appid": self.appid,
            "out_bill_no": "W" + secrets.token_hex(8),
            "transfer_scene_id": "1005",
            "openid": "o-payee",
            "transfer_amount": 12345,
            "transfer_remark": "分销佣金",
            "notify_url": "https://mall.example.com/webhooks/wechat/transfer",
            "transfer_scene_report_infos": [
                {"info_type": "岗位类型", "info_content": "分销员"},
                {"info_type": "报酬说明", "info_content": "商品推广佣金"},
            ],
        }
        return {name: value for name, value in {**body, **changes}.items() if value is not None}

    def transfer(self, headers=None, **changes):
        return self.send("POST", TRANSFERS, self.bill(**changes), headers=headers)

    def query_transfer(self, number):
        return self.send("GET", f"{TRANSFERS}/out-bill-no/{number}")

    def cancel_transfer(self, number):
        return self.send("POST", f"{TRANSFERS}/out-bill-no/{number}/cancel")

    def request_payment(self, prepay_id, **changes):
        given = {
            "timeStamp": str(int(time.time())),
            "nonceStr": secrets.token_hex(16),
            "package": f"prepay_id={prepay_id}",
        } | changes
        message = f"{self.appid}\n{given['timeStamp']}\n{given['nonceStr']}\n{given['package']}\n"
        return {"signType": "RSA", "paySign": self.sign(message), **given}

    def fault(self, on, kind, **more):
        return self.control("faults", on=on, kind=kind, **more)

    def keys(self):
        platform = self.look("platform")
        known = {platform["public_key_id"]: load_pem_public_key(platform["public_key"].encode())}
        for one in platform["certificates"]:
            certificate = load_pem_x509_certificate(one["certificate"].encode())
            known[one["serial"]] = certificate.public_key()
        return known

    def verify(self, headers, body):
        """Raise unless the platform signed this body."""
        message = f"{headers['Wechatpay-Timestamp']}\n{headers['Wechatpay-Nonce']}\n{body}\n"
        self.keys()[headers["Wechatpay-Serial"]].verify(
            b64decode(headers["Wechatpay-Signature"], validate=True),
            message.encode(),
            PKCS1v15(),
            SHA256(),
        )

    def opened(self, body, key=APIV3_KEY):
        """Return the decrypted content of a notification."""
        resource = json.loads(body)["resource"]
        plain = AESGCM(key.encode()).decrypt(
            resource["nonce"].encode(),
            b64decode(resource["ciphertext"]),
            resource["associated_data"].encode(),
        )
        return json.loads(plain)

    def notifications(self, subject):
        return self.look("notifications", subject=subject)["notifications"]

    def take(self, subject, **body):
        number = self.notifications(subject)[-1]["id"]
        return self.control(f"notifications/{number}/take", **body)

    def close_http(self):
        self.http.close()
