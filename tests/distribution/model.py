"""The commission rules as plain dictionaries: what the engine must agree with after every step."""

from collections import defaultdict
from dataclasses import dataclass


@dataclass
class Earned:
    """What one line earned one upline."""

    order: str
    beneficiary: int
    base: int
    amount: int
    clawed: int = 0
    received: bool = False
    matured: bool = False

    @property
    def frozen(self):
        return 0 if self.matured else self.amount - self.clawed


class Model:
    """Members, bindings, rates and balances, without a database."""

    def __init__(self, members):
        self.upline = {}
        self.barred = set()
        self.levels, self.rates = 1, (1000, 0)
        self.earned = {}
        self.available = defaultdict(int)
        self.withdrawing = defaultdict(int)
        self.debt = defaultdict(int)
        self.members = members

    def may_bind(self, member, upline):
        above = upline
        while above is not None and above != member:
            above = self.upline.get(above)
        return member not in self.upline and above != member and upline not in self.barred

    def pay(self, order, buyer, lines):
        for line, base in lines.items():
            person = buyer
            for level in range(1, self.levels + 1):
                person = self.upline.get(person)
                if person is None:
                    break
                amount = 0 if person in self.barred else base * self.rates[level - 1] // 10_000
                if amount:
                    self.earned[line, level] = Earned(order, person, base, amount)

    def refund(self, line, total):
        for level in (1, 2):
            earned = self.earned.get((line, level))
            if earned is None:
                continue
            more = max(0, earned.amount * total // earned.base - earned.clawed)
            earned.clawed += more
            if earned.matured:
                taken = min(more, self.available[earned.beneficiary])
                self.available[earned.beneficiary] -= taken
                self.debt[earned.beneficiary] += more - taken

    def receive(self, order):
        for earned in self.earned.values():
            if earned.order == order:
                earned.received = True

    def mature(self):
        for earned in self.earned.values():
            if earned.received and earned.frozen:
                worth, who = earned.frozen, earned.beneficiary
                earned.matured = True
                repaid = min(worth, self.debt[who])
                self.debt[who] -= repaid
                self.available[who] += worth - repaid

    def withdraw(self, member, amount):
        self.available[member] -= amount
        self.withdrawing[member] += amount

    def summary(self, member):
        own = [each for each in self.earned.values() if each.beneficiary == member]
        return (
            sum(each.frozen for each in own),
            self.available[member],
            self.withdrawing[member],
            self.debt[member],
            sum(each.amount for each in own),
            sum(each.clawed for each in own),
            0,
            0,
        )
