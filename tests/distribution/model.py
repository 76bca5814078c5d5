"""The commission rules as plain dictionaries: what the engine must agree with after every step."""

from collections import defaultdict
from dataclasses import dataclass


@dataclass
class Earned:
    """What one line earned one upline."""

    order: str
    line: str
    beneficiary: int
    base: int
    amount: int
    clawed: int = 0
    received: bool = False
    matured: bool = False

    @property
    def frozen(self):
        return 0 if self.matured else self.amount - self.clawed


@dataclass
class Withdrawal:
    """Money set aside until it is paid or back; `reviews` is how many must still agree."""

    member: int
    fen: int
    reviews: int
    agreed: str = ""
    ended: str = ""


class Model:
    """Members, bindings, rates, claims, withdrawals and balances, without a database."""

    def __init__(self):
        self.upline = {}
        self.barred = set()
        self.levels, self.rates = 1, (1000, 0)
        self.earned = {}
        self.claims = {}
        self.withdrawals = {}
        self.available = defaultdict(int)
        self.debt = defaultdict(int)
        self.adjusted = defaultdict(int)

    def may_be_above(self, upline, member):
        """Whether a member may be put below an upline: active, and no circle."""
        above = upline
        while above is not None and above != member:
            above = self.upline.get(above)
        return above != member and upline not in self.barred

    def may_bind(self, member, upline):
        return member not in self.upline and self.may_be_above(upline, member)

    def pay(self, order, buyer, lines):
        for line, base in lines.items():
            person = buyer
            for level in range(1, self.levels + 1):
                person = self.upline.get(person)
                if person is None:
                    break
                amount = 0 if person in self.barred else base * self.rates[level - 1] // 10_000
                if amount:
                    self.earned[line, level] = Earned(order, line, person, base, amount)

    def refund(self, line, total):
        for level in (1, 2):
            earned = self.earned.get((line, level))
            if earned is None:
                continue
            more = max(0, earned.amount * total // earned.base - earned.clawed)
            earned.clawed += more
            if earned.matured:
                self.take(earned.beneficiary, more)

    def receive(self, order):
        for earned in self.earned.values():
            if earned.order == order:
                earned.received = True

    def claim(self, source, lines):
        self.claims.setdefault(source, set(lines))

    def settle(self, source):
        self.claims[source] = set()

    def mature(self):
        claimed = set().union(*self.claims.values())
        for earned in self.earned.values():
            if earned.received and earned.frozen and earned.line not in claimed:
                worth = earned.frozen
                earned.matured = True
                self.give(earned.beneficiary, worth)

    def withdraw(self, number, member, fen, reviews=0):
        self.available[member] -= fen
        self.withdrawals[number] = Withdrawal(member, fen, reviews)

    def may_move(self, number, verb, staff):
        withdrawal = self.withdrawals[number]
        if withdrawal.ended:
            return False
        if verb in ("pay_out", "give_back"):
            return withdrawal.reviews == 0
        if verb == "approve":
            return withdrawal.reviews > 0 and withdrawal.agreed != staff
        return withdrawal.reviews > 0

    def move(self, number, verb, staff):
        withdrawal = self.withdrawals[number]
        if verb == "approve":
            withdrawal.reviews -= 1
            withdrawal.agreed = staff
        elif verb == "pay_out":
            withdrawal.ended = "paid"
        else:
            withdrawal.ended = "back"
            self.give(withdrawal.member, withdrawal.fen)

    def adjust(self, member, kind, fen):
        self.adjusted[member] += -fen if kind == "take" else fen
        {"give": self.give, "take": self.take, "write_off": self.forgive}[kind](member, fen)

    def give(self, member, fen):
        repaid = min(fen, self.debt[member])
        self.debt[member] -= repaid
        self.available[member] += fen - repaid

    def take(self, member, fen):
        taken = min(fen, self.available[member])
        self.available[member] -= taken
        self.debt[member] += fen - taken

    def forgive(self, member, fen):
        self.debt[member] -= fen

    def withdrawn(self, member, how):
        """What the withdrawals of a member came to that ended so; "" for those still open."""
        own = (each for each in self.withdrawals.values() if each.member == member)
        return sum(each.fen for each in own if each.ended == how)

    def summary(self, member):
        own = [each for each in self.earned.values() if each.beneficiary == member]
        return {
            "frozen_fen": sum(each.frozen for each in own),
            "available_fen": self.available[member],
            "withdrawing_fen": self.withdrawn(member, ""),
            "receivable_fen": self.debt[member],
            "earned_fen": sum(each.amount for each in own),
            "clawed_fen": sum(each.clawed for each in own),
            "withdrawn_fen": self.withdrawn(member, "paid"),
            "adjusted_fen": self.adjusted[member],
        }
