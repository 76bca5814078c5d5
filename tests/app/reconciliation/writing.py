"""A bill written by a test's own hand, from the documented form."""

HEAD = (
    "交易时间", "公众账号ID", "商户号", "微信订单号", "商户订单号", "交易状态", "微信退款单号",
    "商户退款单号", "退款金额", "退款状态", "订单金额", "申请退款金额",
)  # fmt: skip


def yuan(fen):
    return f"{fen // 100}.{fen % 100:02d}"


def trade_bill(lines, appid="wx0123456789abcdef"):
    """A trade bill of (number, fen, is_refund, moment)."""
    rows = []
    for number, fen, is_refund, moment in lines:
        wechat_no = ("50" if is_refund else "42") + number[-26:]
        trade = (
            "4200", "P0", "REFUND", wechat_no, number, yuan(fen), "PROCESSING", "0.00", yuan(fen)
        ) if is_refund else (
            wechat_no, number, "SUCCESS", "0", "0", "0.00", "", yuan(fen), "0.00"
        )  # fmt: skip
        rows.append((f"{moment:%Y-%m-%d %H:%M:%S}", appid, "19", *trade))
    body = [",".join(HEAD), *(",".join(f"`{cell}" for cell in row) for row in rows)]
    total = sum(fen for _, fen, is_refund, _ in lines if not is_refund)
    return "\ufeff" + "\r\n".join(
        [*body, "总交易单数,订单总金额", f"`{len(rows)}.0,`{yuan(total)}", ""]
    )
