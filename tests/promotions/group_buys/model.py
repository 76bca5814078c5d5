"""What teams of buyers ought to do, as plainly as can be said: lists, and one thing at a time."""

from dataclasses import dataclass, field


@dataclass(eq=False)
class Seat:
    """The seat of one order."""

    source: str
    member: int
    team: "Team"
    opens: bool
    status: str = "held"
    end: str | None = None
    """Of a paid one: taken, moved, opened or to_refund."""


@dataclass(eq=False)
class Team:
    """A team by the number of its opening; `since` is None until its opener has paid."""

    number: int
    opener: int
    since: int | None = None
    until: int | None = None
    status: str = "opening"
    nobody: int = 0


@dataclass
class Shop:
    """One campaign: its terms, its teams as they were made, its seats as they were held."""

    size: int
    minutes: int
    places: str
    when_late: str
    auto: bool
    newcomers_only: bool
    is_running: bool = True
    teams: list[Team] = field(default_factory=list)
    seats: list[Seat] = field(default_factory=list)

    def seats_of(self, team: Team, *statuses: str) -> list[Seat]:
        """The seats of a team in these statuses."""
        return [one for one in self.seats if one.team is team and one.status in statuses]

    def can_be_joined(self, team: Team, member: int, now: int) -> bool:
        """Whether a member gets a new place in it: open, not over, with room, and not theirs."""
        taken = len(self.seats_of(team, "taken"))
        held = len(self.seats_of(team, "held")) if self.places == "held" else 0
        theirs = any(one.member == member for one in self.seats_of(team, "held", "taken"))
        is_open = team.status == "open" and now < (team.until or 0)
        return is_open and taken + held < self.size and not theirs

    def open(self, source: str, member: int) -> Seat:
        """Hold a seat in a new team."""
        team = Team(len(self.teams), member)
        self.teams.append(team)
        self.seats.append(Seat(source, member, team, opens=True))
        return self.seats[-1]

    def join(self, source: str, member: int, team: Team, now: int, *, is_new: bool) -> bool:
        """Hold a seat in a team, if that is possible."""
        is_wanted = is_new or not self.newcomers_only
        if not is_wanted or not self.can_be_joined(team, member, now):
            return False
        self.seats.append(Seat(source, member, team, opens=False))
        return True

    def pay(self, seat: Seat, now: int) -> str:
        """Take the seat, or do by the rule for those who are late; say what it came to."""
        if seat.end is None:
            team, seat.end = self._place_for(seat, now)
            was = seat.team
            if team is None:
                seat.status = "refunding"
            else:
                seat.team, seat.status = team, "taken"
                self._settle(team, now)
            if was.status == "opening":
                was.status = "failed"
        return seat.end

    def cancel(self, seat: Seat) -> bool:
        """Give the seat of an unpaid order back; its team, if nobody opened it, is no more."""
        if seat.status != "held":
            return False
        seat.status = "released"
        if seat.team.status == "opening":
            seat.team.status = "failed"
        return True

    def leave(self, seat: Seat) -> bool:
        """Take a paid seat out of an open team; the next who came leads it."""
        if seat.status != "taken" or seat.team.status != "open":
            return False
        seat.status = "refunding"
        left = self.in_order(seat.team)
        if not left:
            seat.team.status = "failed"
        elif seat.team.opener not in [one.member for one in left]:
            seat.team.opener = left[0].member
        return True

    def in_order(self, team: Team) -> list[Seat]:
        """Its paid seats in the order they came in."""
        return sorted(self.seats_of(team, "taken"), key=lambda one: self.paid_at[one.source])

    paid_at: dict[str, tuple[int, int]] = field(default_factory=dict)

    def expire(self, now: int) -> list[str]:
        """End all teams that are over; return whose money goes back."""
        lost = []
        for team in self.teams:
            if team.status == "open" and now >= (team.until or 0):
                if self.auto:
                    team.nobody = self.size - len(self.seats_of(team, "taken"))
                    team.status = "complete"
                else:
                    lost += self.fail(team)
        return sorted(lost)

    def fail(self, team: Team) -> list[str]:
        """End one team that is not settled; return whose money goes back."""
        team.status = "failed"
        lost = self.seats_of(team, "taken")
        for seat in lost:
            seat.status = "refunding"
        return sorted(seat.source for seat in lost)

    def _place_for(self, seat: Seat, now: int) -> tuple[Team | None, str]:
        team = seat.team
        if seat.status == "released":
            return None, "to_refund"
        is_in_time = team.status == "open" and (self.auto or now < (team.until or 0))
        if is_in_time or team.status == "opening" or team.nobody:
            team.nobody -= bool(team.nobody)
            return team, "taken"
        return self._elsewhere(seat, now)

    def _elsewhere(self, seat: Seat, now: int) -> tuple[Team | None, str]:
        may_join = not (self.newcomers_only and seat.opens)
        if self.when_late == "join" and may_join:
            free = [one for one in self.teams if self.can_be_joined(one, seat.member, now)]
            if free:
                return min(free, key=lambda one: (one.since or 0, one.number)), "moved"
        if self.when_late != "refund" and self.is_running:
            self.teams.append(Team(len(self.teams), seat.member))
            return self.teams[-1], "opened"
        return None, "to_refund"

    def _settle(self, team: Team, now: int) -> None:
        if team.since is None:
            team.since, team.until, team.status = now, now + self.minutes, "open"
        if len(self.seats_of(team, "taken")) + team.nobody == self.size:
            team.status = "complete"
