"""The express companies of China that WeChat tracks, by its codes."""

COMPANIES = {
    "SF": "顺丰速运",
    "ZTO": "中通快递",
    "YTO": "圆通速递",
    "STO": "申通快递",
    "YD": "韵达快递",
    "JTSD": "极兔速递",
    "EMS": "邮政EMS",
    "YZPY": "邮政快递包裹",
    "JD": "京东快递",
    "DBL": "德邦快递",
    "HTKY": "百世快递",
    "DHL": "DHL",
}
"""Code → name. A parcel may name another company: the list is offered, not demanded."""

BY_NAME = {name: code for code, name in COMPANIES.items()}


def find(text: str) -> tuple[str, str] | None:
    """Code and name of the company that a person means by its code or name; None if it is none."""
    code = BY_NAME.get(text.strip(), text.strip().upper())
    return (code, COMPANIES[code]) if code in COMPANIES else None
