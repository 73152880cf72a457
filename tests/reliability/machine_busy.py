"""When the computer had no time, for the gateway or for its machines: then an answer may have come
too late that was given in time, and a poll be late that was due. What is certain on an idle
computer is not to be judged by a busy one."""
import os
import time

LOOK_S, BUSY_S = 0.05, 0.03


class Busy:
    """`periods`: (from, to) in which somebody waited for a processor. In the floor's thread."""

    def __init__(self, floor):
        self.periods, self._floor = [], floor
        self._pid, self._waited, self._looked = None, {}, 0

    def watch(self, pid):
        """Looks at the threads of the gateway from now on."""
        self._pid, self._looked = pid, time.monotonic()
        self._look()

    def late(self, due, came):
        """We ourselves were woken later than we wanted."""
        if came - due > BUSY_S:
            self.periods.append((due, came))

    def _look(self):
        now, waited = time.monotonic(), waiting_s(self._pid)
        for thread, seconds in waited.items():
            if seconds - self._waited.get(thread, seconds) > BUSY_S:
                self.periods.append((self._looked - BUSY_S, now))
                break
        self._waited, self._looked = waited, now
        if waited:
            self._floor.after(LOOK_S, self._look)

    def near(self, moment, seconds):
        return any(begin - seconds <= moment <= end + seconds for begin, end in list(self.periods))

    def between(self, begin, end):
        """How many seconds of these."""
        total, seen = 0, begin
        for a, b in sorted(self.periods):
            a, b = max(a, seen), min(b, end)
            total += max(0, b - a)
            seen = max(seen, b)
        return total


def waiting_s(pid):
    """{thread: seconds in which it could have run and did not}."""
    waited = {}
    try:
        for thread in os.listdir(f"/proc/{pid}/task"):
            with open(f"/proc/{pid}/task/{thread}/schedstat", encoding="ascii") as file:
                waited[thread] = int(file.read().split()[1]) / 1e9
    except OSError:
        pass  # it has ended, or a thread of it has just done so
    return waited
