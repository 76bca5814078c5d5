"""What the tests of transfers share: a bill accepted, settled, or a control call refused."""


def settled(merchant, number):
    """Return the bill's state once nothing is due any more."""
    assert merchant.control("idle")["idle"]
    return merchant.query_transfer(number).json()["state"]


def waiting(merchant, **changes):
    """Have a bill accepted; return its number."""
    answer = merchant.transfer(**changes)
    assert answer.status_code == 200, answer.text
    return answer.json()["out_bill_no"]


def refused(merchant, path, **body):
    """Return the status of a control call that should be refused."""
    return merchant.http.post(f"/control/{path}", json=body).status_code
