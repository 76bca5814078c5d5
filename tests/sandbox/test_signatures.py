"""Who may call, in what order that is checked, and what the platform signs."""

import json
from base64 import b64decode

import pytest
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from cryptography.x509 import load_pem_x509_certificate

from tests.sandbox.merchant import APIV3_KEY, new_key

PREPAY = "/v3/pay/transactions/jsapi"
QUERY = "/v3/pay/transactions/out-trade-no/P000000?mchid=1900000001"


def _is_refused(answer, status, code):
    unsigned = not any(name.lower().startswith("wechatpay-") for name in answer.headers)
    return (answer.status_code, answer.json()["code"], unsigned) == (status, code, True)


class TestAuthorization:
    @pytest.mark.parametrize(
        "header",
        [
            None,
            "",
            "Bearer abc",
            "WECHATPAY2-SHA256-RSA2048",
            'WECHATPAY2-SHA256-RSA2048 mchid="1900000001"',
            'WECHATPAY2-SHA256-RSA2048 mchid="1",nonce_str="1",timestamp="1",serial_no="1"',
        ],
    )
    def test_a_missing_or_malformed_header_is_refused_unsigned(self, merchant, header):
        answer = merchant.send("GET", QUERY, headers={"Authorization": header})

        assert _is_refused(answer, 401, "SIGN_ERROR")
        assert "Request-ID" not in answer.headers

    def test_the_five_fields_may_come_in_any_order_but_without_spaces(self, merchant):
        scheme, _, rest = merchant.authorization("GET", QUERY, "").partition(" ")
        turned = ",".join(reversed(rest.split(",")))

        good = merchant.send("GET", QUERY, headers={"Authorization": f"{scheme} {turned}"})
        spaced = rest.replace(",", ", ")
        bad = merchant.send("GET", QUERY, headers={"Authorization": f"{scheme} {spaced}"})

        assert good.status_code == 404
        assert _is_refused(bad, 401, "SIGN_ERROR")

    def test_a_field_given_twice_is_refused(self, merchant):
        header = merchant.authorization("GET", QUERY, "") + ',mchid="1900000001"'

        answer = merchant.send("GET", QUERY, headers={"Authorization": header})

        assert _is_refused(answer, 401, "SIGN_ERROR")

    @pytest.mark.parametrize("skew", [-301, 302])
    def test_the_time_is_checked_before_the_signature(self, merchant, skew):
        merchant.clock_skew = skew

        answer = merchant.send("GET", QUERY, signature="bm90aGluZw==")

        assert _is_refused(answer, 401, "SIGN_ERROR")
        assert "5分钟" in answer.json()["message"]

    @pytest.mark.parametrize("skew", [-295, 295])
    def test_five_minutes_of_difference_are_allowed(self, merchant, skew):
        merchant.clock_skew = skew

        assert merchant.send("GET", QUERY).status_code == 404

    @pytest.mark.parametrize(
        "changes",
        [
            {"timestamp": "soon"},
            {"mchid": "1999999999"},
            {"serial_no": "00"},
            {"signature": "not base64"},
            {"signature": "bm90aGluZw=="},
            {"nonce_str": ""},
        ],
    )
    def test_a_wrong_field_is_a_sign_error(self, merchant, changes):
        assert _is_refused(merchant.send("GET", QUERY, **changes), 401, "SIGN_ERROR")

    def test_another_key_is_a_sign_error(self, merchant):
        merchant.key = new_key()

        answer = merchant.send("GET", QUERY)

        assert "验签失败" in answer.json()["message"]

    def test_the_signed_body_is_the_sent_body_to_the_byte(self, merchant):
        body = json.dumps(merchant.order())
        header = merchant.authorization("POST", PREPAY, body)

        answer = merchant.send("POST", PREPAY, body=body + " ", headers={"Authorization": header})

        assert _is_refused(answer, 401, "SIGN_ERROR")

    def test_the_query_string_is_part_of_what_is_signed(self, merchant):
        header = merchant.authorization("GET", QUERY.split("?", maxsplit=1)[0], "")

        answer = merchant.send("GET", QUERY, headers={"Authorization": header})

        assert _is_refused(answer, 401, "SIGN_ERROR")

    def test_a_path_is_signed_as_it_is_encoded(self, merchant):
        target = "/v3/refund/domestic/refunds/R%7C1"

        assert merchant.send("GET", target).json()["code"] == "RESOURCE_NOT_EXISTS"


class TestRequestRules:
    @pytest.mark.parametrize(
        "headers",
        [{"User-Agent": None}, {"Accept": "text/html"}, {"Content-Type": "text/plain"}],
    )
    def test_a_bad_header_is_refused_before_the_signature(self, merchant, headers):
        answer = merchant.send("POST", PREPAY, merchant.order(), headers=headers, signature="x")

        assert _is_refused(answer, 400, "INVALID_REQUEST")
        assert answer.json()["detail"]["location"] == "header"

    def test_an_unknown_path_and_a_wrong_method_have_no_body(self, merchant):
        unknown = merchant.send("GET", "/v3/nothing")
        wrong = merchant.send("GET", PREPAY)

        assert (unknown.status_code, unknown.content) == (404, b"")
        assert (wrong.status_code, wrong.content) == (405, b"")


class TestKeyModes:
    @pytest.mark.parametrize("mode", ["public_key", "certificate"])
    def test_answers_are_signed_with_the_key_of_the_mode(self, merchant, mode):
        merchant.control("settings", signing=mode)

        answer = merchant.prepay()

        merchant.verify(answer.headers, answer.text)
        is_public = answer.headers["Wechatpay-Serial"].startswith("PUB_KEY_ID_")
        assert is_public is (mode == "public_key")

    def test_the_mixed_phase_uses_either_and_can_be_repeated(self, merchant):
        def serials():
            merchant.control("settings", signing="mixed", seed=7)
            return [
                merchant.control("sign", body="x")["headers"]["Wechatpay-Serial"] for _ in "x" * 8
            ]

        first = serials()

        assert len(set(first)) == 2
        assert serials() == first

    def test_certificates_are_sealed_with_the_apiv3_key_and_valid(self, merchant, sandbox):
        merchant.control("settings", signing="certificate")

        answer = merchant.send("GET", "/v3/certificates")

        one = answer.json()["data"][0]
        pem = _unsealed(one["encrypt_certificate"])
        certificate = load_pem_x509_certificate(pem)
        certificate.verify_directly_issued_by(certificate)
        assert f"{certificate.serial_number:040X}" == one["serial_no"]
        assert certificate.not_valid_before_utc < sandbox.world.clock.now()
        assert _pem(certificate.public_key()) == _pem(merchant.keys()[one["serial_no"]])
        merchant.verify(answer.headers, answer.text)

    def test_there_are_no_certificates_in_public_key_mode(self, merchant):
        answer = merchant.send("GET", "/v3/certificates")

        assert _is_refused(answer, 404, "RESOURCE_NOT_EXISTS")

    def test_a_rotated_certificate_signs_and_the_old_one_stays_listed(self, merchant, sandbox):
        merchant.control("settings", signing="certificate")
        serial = merchant.control("certificates/rotate")["serial"]

        answer = merchant.send("GET", "/v3/certificates")

        assert answer.headers["Wechatpay-Serial"] == serial
        assert len(answer.json()["data"]) == 2
        sandbox.world.keys.certificates.pop()

    def test_an_answer_changed_on_the_way_does_not_verify(self, merchant):
        answer = merchant.prepay()

        with pytest.raises(InvalidSignature):
            merchant.verify(answer.headers, answer.text + " ")


def _unsealed(sealed):
    return AESGCM(APIV3_KEY.encode()).decrypt(
        sealed["nonce"].encode(), b64decode(sealed["ciphertext"]), b"certificate"
    )


def _pem(key):
    return key.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
