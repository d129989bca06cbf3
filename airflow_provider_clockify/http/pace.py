# SPDX-License-Identifier: Apache-2.0
# Copyright the airflow_provider_clockify contributors
"""
When the next request to a workspace may start (pure).

The state is a small value that goes into a file, so that processes can share it. Moments are seconds of the wall clock,
the one clock that all processes have, also after a restart.
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

import msgspec

HOUR = 3600.0
# Clockify help centre 2026: of the whole workspace, all keys and users together.
FREE_REQUESTS_PER_HOUR = 30
# More than this is not a wait that anybody asks for in earnest.
LONGEST = 31 * 86_400.0
# A clock that goes back further than this has been set, and moments by the old time mean nothing.
SKEW = 5.0

# Seconds without a refusal after which the pace rises by STEP of the ceiling, and the part of it that always remains.
RISE_AFTER = 20.0
STEP = 0.1
LEAST = 1 / 32
# Pauses after refusals in a row that do not say when to come back. A second's limit is over after the first; an hour's
# may take that hour, in which few requests are to be refused.
PAUSES = (2.0, 30.0, 900.0, 2700.0)
# Where a refusal is to be expected, one request finds out: after such a pause, and beyond what a Free workspace has in
# an hour. The others look again every so many seconds, and go without its answer after so many.
LOOK_AGAIN = 0.1
TRIAL = 5.0
# Requests of the last hour are remembered one by one up to this number; beyond, neighbours are counted as one mark.
MOST_MARKS = 256


class Turn(NamedTuple):
    """
    What whoever wants to send a request is told.

    :param wait: Seconds to wait.
    :param taken: Whether the moment after the wait is theirs; else they must ask again then.
    :param moment: That moment.
    :param pauses: How many pauses there have been. If one begins while they wait, their moment is void.
    :param in_a_row: Refusals without a ``Retry-After`` since the last good answer.
    """

    wait: float
    taken: bool
    moment: float
    pauses: int
    in_a_row: int


class Refusal(NamedTuple):
    """
    What a refused request (429) means for those that follow.

    :param in_a_row: Refusals since the last good answer; of requests that were under way together, only one counts.
    :param pause: Seconds that nothing is sent for.
    """

    in_a_row: int
    pause: float


class Pace(msgspec.Struct, array_like=True, forbid_unknown_fields=True):
    """
    The pace of one workspace.

    :ivar seen: When this was last looked at.
    :ivar next_free: Moment that the next request may take.
    :ivar paused_until: Moment before which nothing is sent.
    :ivar pauses: How often that moment was put off.
    :ivar in_a_row: Refusals without a ``Retry-After`` since the last good answer.
    :ivar slowed: When the pace was last halved.
    :ivar slowed_to: Requests per second that it was halved to.
    :ivar tried: Moment of the last request that was sent alone, to find out.
    :ivar beyond: Whether more requests than a Free workspace has were answered well within this hour.
    :ivar marks: Moments of the last hour's requests, and how many each stands for.
    """

    seen: float = -inf
    next_free: float = -inf
    paused_until: float = -inf
    pauses: int = 0
    in_a_row: int = 0
    slowed: float = -inf
    slowed_to: float = inf
    tried: float = -inf
    beyond: bool = False
    marks: list[tuple[float, int]] = msgspec.field(default_factory=list)

    def reserve(self, now: float, ceiling: float, quota: int | None, longest: float) -> Turn:
        """
        Take the next free moment.

        :param now: Current moment.
        :param ceiling: Requests per second that the connection allows.
        :param quota: Requests of an hour, if one is known.
        :param longest: Longest wait in seconds that is acceptable; a moment beyond it is not taken.
        """
        self._settle(now)
        alone = self._goes_alone(quota)
        if alone:
            hold = max(self.paused_until - now, min(LOOK_AGAIN, self.tried + TRIAL - now))
            if hold > 0:
                return Turn(hold, False, now + hold, self.pauses, self.in_a_row)
        moment = max(now, self.next_free, self.paused_until)
        if quota is not None:
            moment = max(moment, self._room(quota, 1))
        taken = moment - now <= longest
        if taken:
            self.next_free = moment + 1 / self.rate(now, ceiling)
            if alone:
                self.tried = moment
            self._remember(moment)
        return Turn(moment - now, taken, moment, self.pauses, self.in_a_row)

    def refuse(self, now: float, sent: float, ceiling: float, asked: float | None, jitter: float) -> Refusal:
        """
        Take a refusal (429) in: halve the pace, and pause.

        :param now: Current moment.
        :param sent: Moment of the refused request. What was under way when the pace was halved does not count again.
        :param ceiling: Requests per second that the connection allows.
        :param asked: Seconds that the service asks for; ``None`` if it does not say.
        :param jitter: Seconds, up to 1, that such a pause is longer, so that machines do not come back together.
        """
        self._settle(now)
        pause = asked or 0.0
        if sent == self.tried:
            self.tried = -inf  # It has been answered.
        if sent > self.slowed:
            self.slowed_to = max(LEAST * ceiling, self.rate(now, ceiling) / 2)
            self.slowed = now
            if asked is None:
                self.in_a_row += 1
                pause = PAUSES[min(self.in_a_row, len(PAUSES)) - 1] + jitter
        if pause > max(0.0, self.paused_until - now):
            self.paused_until = now + pause
            self.pauses += 1
        return Refusal(self.in_a_row, max(0.0, self.paused_until - now))

    def answer(self, sent: float) -> None:
        """
        Take a good answer in.

        :param sent: Moment of its request; what was under way when another was refused proves nothing.
        """
        if sent > self.slowed:
            self.in_a_row = 0
        self.beyond = self.beyond or sent == self.tried

    def give_back(self, now: float, sent: float) -> None:
        """
        Take a request out of the count of the hour: it never reached the service.

        :param now: Current moment.
        :param sent: Its moment.
        """
        self._settle(now)
        if sent == self.tried:
            self.tried = -inf
        for number, (moment, count) in enumerate(self.marks):
            if moment >= sent > now - HOUR:
                self.marks[number : number + 1] = [(moment, count - 1)] if count > 1 else []
                return

    def wants_answer(self, sent: float) -> bool:
        """
        Tell whether a good answer changes anything.

        :param sent: Moment of its request.
        """
        return self.in_a_row > 0 or (sent == self.tried and not self.beyond)

    def rate(self, now: float, ceiling: float) -> float:
        """
        Tell the requests per second: the ceiling, or less after a refusal.

        :param now: Current moment.
        :param ceiling: Requests per second that the connection allows.
        """
        if self.slowed_to >= ceiling:
            return ceiling
        good = max(0.0, now - max(self.slowed, self.paused_until))
        return min(ceiling, self.slowed_to + good // RISE_AFTER * STEP * ceiling)

    def left(self, now: float, quota: int) -> int:
        """
        Tell how many requests of the quota are left in this hour.

        :param now: Current moment.
        :param quota: Requests of an hour.
        """
        self._settle(now)
        return max(0, quota - self._spent())

    def free_in(self, now: float, quota: int, requests: int) -> float:
        """
        Tell when the quota has room for more requests.

        :param now: Current moment.
        :param quota: Requests of an hour.
        :param requests: How many, of which no more than the whole quota are counted.
        :return: Seconds until then, 0 when it has.
        """
        self._settle(now)
        return max(0.0, self._room(quota, min(requests, quota)) - now)

    def _goes_alone(self, quota: int | None) -> bool:
        """Tell whether the next request may well be refused, so that the others await its answer."""
        is_known = quota is not None or self.beyond
        return self.in_a_row > 0 or (not is_known and self._spent() >= FREE_REQUESTS_PER_HOUR)

    def _room(self, quota: int, requests: int) -> float:
        """Return the moment from which the quota has room."""
        too_many = requests + self._spent() - quota
        room = -inf
        for moment, count in self.marks:
            if too_many <= 0:
                break
            too_many -= count
            room = moment + HOUR
        return room

    def _spent(self) -> int:
        return sum(count for _, count in self.marks)

    def _remember(self, moment: float) -> None:
        marks = self.marks
        marks.append((moment, 1))
        if len(marks) > MOST_MARKS:
            # The later moment stands for both: rather one request too few than one too many.
            pairs = zip(marks[::2], marks[1::2], strict=False)
            self.marks = [(later, one + two) for (_, one), (later, two) in pairs] + marks[len(marks) & ~1 :]

    def _settle(self, now: float) -> None:
        """Forget what is over, and everything if it cannot be true: the clock was set, or the file is another's."""
        if not self._can_be_true(now):
            fresh = Pace()
            for name in self.__struct_fields__:
                setattr(self, name, getattr(fresh, name))
        self.seen = now
        if self.in_a_row and now > self.paused_until + HOUR:
            self.in_a_row = 0
        over = 0
        for moment, _ in self.marks:
            if moment > now - HOUR:
                break
            over += 1
        if over:
            del self.marks[:over]
            self.beyond = self.beyond and self._spent() >= FREE_REQUESTS_PER_HOUR

    def _can_be_true(self, now: float) -> bool:
        # Written so that what is not a number (NaN) is not true either.
        last = self.marks[-1][0] if self.marks else -inf
        moments = (self.next_free, self.paused_until, self.slowed, self.tried, last)
        return (
            self.seen <= now + SKEW
            and self.slowed_to > 0
            and self.in_a_row >= 0
            and all(each <= now + LONGEST for each in moments)
        )
