"""The small parts: texts, keys, bills, push messages, and the clients an application gets."""

import base64
import json
from datetime import timedelta

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, padding
from cryptography.hazmat.primitives.hashes import SHA1, SHA256
from flask import Flask
from hypothesis import given
from hypothesis import strategies as st

from app.wechat import bills, certificates, clients, crypto, extension, text
from app.wechat.errors import UntrustedAnswer, WeChatNotConfigured
from app.wechat.push import PushBox, PushRejected
from tests.app.wechat import platform as world


@given(st.text(), st.integers(min_value=1, max_value=200))
def test_a_clipped_text_is_within_its_limit_and_free_of_what_wechat_refuses(given_text, limit):
    clipped = text.clip(given_text, limit)

    assert len(clipped.encode()) <= limit
    assert all(ord(c) <= 0xFFFF and c.isprintable() for c in clipped)


def test_cleaning_keeps_the_words():
    assert text.clean(" 新款😀\n羽绒服\t红色 ") == "新款 羽绒服 红色"


@pytest.mark.parametrize("length", [0, 16, 31, 33])
def test_an_apiv3_key_has_thirty_two_bytes(length):
    with pytest.raises(ValueError, match="32 bytes"):
        crypto.apiv3_key("k" * length)


def test_only_rsa_keys_are_keys():
    other = ec.generate_private_key(ec.SECP256R1())
    private = other.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    ).decode()
    public = (
        other.public_key()
        .public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
        .decode()
    )

    for pem in (private, "no key"):
        with pytest.raises(crypto.NotAnRsaKey):
            crypto.private_key(pem)
    for pem in (public, "no key"):
        with pytest.raises(crypto.NotAnRsaKey):
            crypto.public_key(pem)


def test_a_sealed_field_opens_with_the_private_key():
    sealed = crypto.seal_oaep(world.key(1).public_key(), "王小明")

    scheme = padding.OAEP(padding.MGF1(SHA1()), SHA1(), None)
    assert world.key(1).decrypt(base64.b64decode(sealed), scheme).decode() == "王小明"


@given(session_key=st.binary(), iv=st.binary(), data=st.binary())
def test_damaged_user_data_is_undecipherable_and_nothing_worse(session_key, iv, data):
    sealed = [base64.b64encode(each).decode() for each in (session_key, iv, data)]

    with pytest.raises(crypto.Undecipherable):
        crypto.open_user_data(
            session_key=sealed[0], iv=sealed[1], encrypted_data=sealed[2], appid="wx"
        )


@pytest.mark.parametrize("body", [b"", b"{}", b'{"data": [{}]}', b'{"data": 3}', b"[" * 60_000])
def test_a_list_of_certificates_in_another_form_is_not_believed(body):
    with pytest.raises(UntrustedAnswer):
        certificates.open_list(body, [world.APIV3_KEY.encode()])


def test_a_certificate_without_an_rsa_key_is_not_believed():
    sealed = world.seal(_elliptic_certificate(), associated_data="certificate")
    body = json.dumps({"data": [{"serial_no": "07", "encrypt_certificate": sealed}]}).encode()

    with pytest.raises(UntrustedAnswer):
        certificates.open_list(body, [world.APIV3_KEY.encode()])


@pytest.mark.parametrize("serial_no", ["08", "", "seven", None, 7])
def test_a_certificate_under_the_serial_number_of_another_is_not_believed(serial_no):
    pem = world.certificate(serial=7).public_bytes(serialization.Encoding.PEM)
    sealed = world.seal(pem, associated_data="certificate")
    body = json.dumps({"data": [{"serial_no": serial_no, "encrypt_certificate": sealed}]}).encode()

    with pytest.raises(UntrustedAnswer):
        certificates.open_list(body, [world.APIV3_KEY.encode()])


def _elliptic_certificate() -> bytes:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([])
    built = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(7)
        .not_valid_before(world.NOW)
        .not_valid_after(world.NOW + timedelta(days=1))
        .sign(key, SHA256())
    )
    return built.public_bytes(serialization.Encoding.PEM)


class TestBills:
    def test_columns_are_read_by_name(self):
        bill = bills.parse("\ufeffa,b\r\n`1,`2\r\n总数\r\n`1.0\r\n")

        assert bill == bills.Bill([{"a": "1", "b": "2"}], {"总数": "1.0"})

    @pytest.mark.parametrize("content", ["", "a\nb", "a,b\n`1\nc\n`1", "a\n1\nc\n`1"])
    def test_a_line_that_does_not_fit_makes_the_whole_bill_unusable(self, content):
        with pytest.raises(bills.MalformedBill):
            bills.parse(content)

    @pytest.mark.parametrize(
        ("yuan", "fen"), [("0.01", 1), ("-3.50", -350), ("19.90000", 1990), ("0", 0)]
    )
    def test_yuan_become_fen_exactly(self, yuan, fen):
        assert bills.fen(yuan) == fen

    @pytest.mark.parametrize("yuan", ["", "0.001", "1,000.00", "NaN", "Infinity", "1e-3"])
    def test_what_is_not_whole_fen_is_refused(self, yuan):
        with pytest.raises(bills.MalformedBill):
            bills.fen(yuan)


class TestPush:
    box = PushBox(token="t0ken", encoding_aes_key="a" * 43, appid="wx1")

    def test_a_sealed_message_opens_again(self):
        sealed = json.loads(self.box.seal('{"回":"好"}', timestamp="1714037059", nonce="n"))

        opened = self.box.open(
            sealed["Encrypt"],
            msg_signature=sealed["MsgSignature"],
            timestamp=str(sealed["TimeStamp"]),
            nonce="n",
        )

        assert opened == '{"回":"好"}'

    def test_a_wrong_signature_is_refused(self):
        with pytest.raises(PushRejected):
            self.box.open("AAAA", msg_signature="no", timestamp="1", nonce="n")

    def test_a_message_of_another_mini_program_is_refused(self):
        other = PushBox(token="t0ken", encoding_aes_key="a" * 43, appid="wx2")

        with pytest.raises(PushRejected):
            self.box.decrypt(other.encrypt("x"))

    @pytest.mark.parametrize("text_", ["", "AAAA", "!", "QUFB" * 16])
    def test_a_damaged_message_is_refused(self, text_):
        with pytest.raises(PushRejected):
            self.box.decrypt(text_)

    @pytest.mark.parametrize("key", ["", "a" * 39, "a" * 42, "a" * 40 + "!!!"])
    def test_a_key_of_another_length_is_refused(self, key):
        with pytest.raises(ValueError):
            PushBox(token="t", encoding_aes_key=key, appid="wx")


class TestExtension:
    def test_an_application_without_wechat_says_so_when_asked(self):
        app = Flask(__name__)
        extension.init_app(app, None)

        with app.app_context(), pytest.raises(WeChatNotConfigured):
            clients()

    def test_an_application_with_wechat_gets_its_clients_once(self):
        app = Flask(__name__)
        extension.init_app(app, world.settings())

        with app.app_context():
            assert clients() is clients()
            assert clients().pay.mchid == world.MCHID

    def test_the_clock_of_the_clients_is_the_one_of_the_application(self, set_clock):
        set_clock(world.NOW)
        platform = world.Platform()
        built = extension.build(world.settings(public_key_id=None, public_key=None))

        assert extension._now() == platform.clock() == world.NOW
        assert built.pay.appid == world.APPID
