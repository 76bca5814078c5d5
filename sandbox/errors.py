"""
How the sandbox says no: one exception per wire shape.

Pay v3 answers `{code, message, detail}` with a true HTTP status; the mini-program API answers 200
with `errcode`; the control API answers `{error}`.
"""

from __future__ import annotations

import secrets


class Refusal(Exception):
    """An answer that is not a success; carries exactly what goes on the wire."""

    def __init__(self, status: int, code: str, document: dict[str, object] | None) -> None:
        super().__init__(code)
        self.status = status
        self.code = code
        self.document = document


class PayRefusal(Refusal):
    """A Pay v3 error. Only PARAM_ERROR and INVALID_REQUEST carry a `detail`."""

    def __init__(
        self, status: int, code: str, message: str, detail: dict[str, object] | None = None
    ) -> None:
        document: dict[str, object] = {"code": code, "message": message}
        if detail is not None:
            document["detail"] = detail
        super().__init__(status, code, document)


class MiniRefusal(Refusal):
    """A mini-program error: HTTP 200, `errcode`, and an `errmsg` that ends with the request id."""

    def __init__(self, errcode: int, errmsg: str, status: int = 200) -> None:
        rid = "-".join(secrets.token_hex(4) for _ in range(3))
        document: dict[str, object] = {"errcode": errcode, "errmsg": f"{errmsg}, rid: {rid}"}
        super().__init__(status, str(errcode), document)


class ControlRefusal(Refusal):
    """The control API was asked for something that makes no sense."""

    def __init__(self, status: int, error: str) -> None:
        super().__init__(status, error, {"error": error})


def param_error(pointer: str, issue: str, value: object = None) -> PayRefusal:
    """Make the 400 for a field of the body; `pointer` is a JSON pointer such as /amount/total."""
    detail: dict[str, object] = {"location": "body", "field": pointer, "issue": issue}
    if value is not None:
        detail["value"] = value
    return PayRefusal(400, "PARAM_ERROR", f"参数错误: {pointer} {issue}", detail)


def invalid_request(message: str, location: str = "body") -> PayRefusal:
    """Make the 400 for a request that is well formed but against the rules."""
    detail: dict[str, object] = {"location": location, "issue": message}
    return PayRefusal(400, "INVALID_REQUEST", message, detail)
