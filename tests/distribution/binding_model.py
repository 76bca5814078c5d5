"""Binding as plain dictionaries: what the engine must agree with after every step."""

from dataclasses import dataclass, field
from datetime import timedelta

DAY = timedelta(days=1)


@dataclass
class BindingModel:
    """Who is whose and until when, under rules that change; days are whole."""

    mode: str = "permanent"
    protect_days: int = 30
    extend_days: int = 0
    bindable: str = "everyone"
    new_minutes: int = 30
    on_leaving: str = "keep"
    upline: dict = field(default_factory=dict)
    until: dict = field(default_factory=dict)
    barred: set = field(default_factory=set)
    gone: set = field(default_factory=set)
    paid: set = field(default_factory=set)
    log: list = field(default_factory=list)

    def is_live(self, member, now):
        return member in self.upline and (self.until[member] is None or now < self.until[member])

    def uplines(self, member, now):
        """The ids of one or two, nearest first, whose bindings count now."""
        found = []
        while len(found) < 2 and self.is_live(member, now):
            member = self.upline[member]
            found.append(member)
        return found

    def touch(self, member, upline, now, registered_at):
        """The name of the refusal, or None if the member is the upline's now."""
        if member == upline:
            return "SelfBinding"
        if self.is_live(member, now):
            if self.upline[member] == upline:
                return None
            if self.mode != "last_touch":
                return "AlreadyBound"
        if not self.is_new(member, now, registered_at):
            return "NotNew"
        return self.place(member, upline, now)

    def is_new(self, member, now, registered_at):
        if self.bindable == "never_paid":
            return member not in self.paid
        if self.bindable == "just_registered":
            return now - registered_at < timedelta(minutes=self.new_minutes)
        return True

    def rebind(self, member, upline, now):
        until = now + self.protect_days * DAY if self.mode == "protected" else None
        if self.upline.get(member) == upline and self.until[member] == until:
            return None
        return self.place(member, upline, now)

    def place(self, member, upline, now):
        if member == upline:
            return "SelfBinding"
        if upline in self.barred | self.gone:
            return "UplineNotActive"
        above = upline
        while above is not None:
            if above == member:
                return "BindingCycle"
            above = self.upline.get(above)
        kind = "rebind" if member in self.upline else "bind"
        self.log.append((kind, member, self.upline.get(member), upline))
        self.upline[member] = upline
        self.until[member] = now + self.protect_days * DAY if self.mode == "protected" else None
        return None

    def unbind(self, member):
        if member not in self.upline:
            return "NotBound"
        self.log.append(("unbind", member, self.upline.pop(member), None))
        del self.until[member]
        return None

    def order(self, member, now):
        self.paid.add(member)
        until = now + self.extend_days * DAY
        runs = self.is_live(member, now) and self.until[member] is not None
        if self.mode == "protected" and runs and self.until[member] < until:
            self.until[member] = until
            self.log.append(("extend", member, self.upline[member], self.upline[member]))

    def release(self):
        if self.on_leaving == "release":
            for member in [each for each, of in self.upline.items() if of in self.gone]:
                self.unbind(member)

    def hand_over(self, of, to, now):
        if of == to:
            return None
        if to in self.barred | self.gone:
            return "UplineNotActive"
        above, person = set(), to
        while person is not None:
            above.add(person)
            person = self.upline.get(person)
        for member in [each for each, upline in self.upline.items() if upline == of]:
            if member not in above:
                self.place(member, to, now)
        return None
