"""A wall clock that is not set, is set, steps, or stands still: every time is either right or
marked, and nothing but the times takes notice."""
import os
import threading
import time

from proving import STALE_MS, PlantCase

HOUR, DAY, YEAR = 3600, 86400, 31557600

# Seconds since 1970: beyond 31 bits, beyond 32, and before the beginning.
Y2038, Y2106 = 2**31, 2**32
AT_BOOT = (-2 * YEAR, -1, 0, 10, 30 * DAY, 10957 * DAY)  # 10957 days: 2000-01-01, as many RTCs
LAG_S = 5  # the gateway looks once a second whether the clock is synchronised, and may be late


class Moment:
    """A state of the clock, from `since` on."""

    def __init__(self, synced, off_ms):
        self.since, self.synced, self.off_ms = time.monotonic(), synced, off_ms


class ClockCase(PlantCase):
    """The gateway with a wall clock that the test sets, and remembers."""

    every_s = 0.05  # as PlantCase.every

    def setUp(self):
        super().setUp()
        self.clock = os.path.join(self.directory, "clock")
        self.environment = {
            "LD_PRELOAD": os.environ["FAKE_CLOCK"], "FAKE_CLOCK_FILE": self.clock,
            # The sanitizer's library comes second then, which is fine for what is overridden.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"}
        self.moments = []

    def set_clock(self, synced, off_ms, asleep_ms=0):
        """`asleep_ms`: what CLOCK_BOOTTIME is ahead of CLOCK_MONOTONIC."""
        moment = Moment(synced, int(off_ms))
        with open(self.clock + ".new", "w", encoding="utf-8") as file:
            file.write(f"{int(synced)} {moment.off_ms} {asleep_ms}\n")
        self.moments.append(moment)
        os.replace(self.clock + ".new", self.clock)

    def set_wall(self, synced, wall_s):
        self.set_clock(synced, wall_s * 1000 - time.time() * 1000)

    def begin(self):
        self.use_broker()
        return self.start(self.plant())

    # --- what the clock was ---

    def moments_at(self, at, before_s=0.0, after_s=0.1):
        """The states in force some time around a moment of the monotonic clock."""
        found = []
        for i, moment in enumerate(self.moments):
            until = self.moments[i + 1].since if i + 1 < len(self.moments) else float("inf")
            if moment.since <= at + after_s and until >= at - before_s:
                found.append(moment)
        return found

    def judge_times(self, true_off_ms=0):
        """Every time is what the clock showed, as it is marked, or corrected to what it should have
        shown. `true_off_ms`: how far off the clock was when it became synchronised first."""
        problems = []
        for entry in self.receiver.readings():
            serial = entry.values.get("serial")
            if serial is None:
                continue
            answer = self.truth.answers(entry.machine)[serial - 1]
            problem = self.time_problem(entry.content, answer, true_off_ms)
            if problem:
                problems.append(f"{entry.machine}'s {serial}: {problem}: {entry.content['ts']}, "
                                f"served at {answer.wall_ms:.0f}")
        self.assertEqual(problems[:10], [], f"{len(problems)} times are not true")

    def time_problem(self, content, answer, true_off_ms):
        mark = content.get("clock")
        here = self.moments_at(answer.at, 0.05, STALE_MS / 1000)
        known = self.moments_at(answer.at, LAG_S, 0.1)
        if mark == "corrected":
            offs = [true_off_ms]
            marked = any(not moment.synced for moment in known)
        else:
            offs = [moment.off_ms for moment in here]
            marked = any(moment.synced == (mark is None) for moment in known)
        if not marked:
            return f"its mark is {mark}"
        ages = [content["ts"] - answer.wall_ms - off for off in offs]
        return None if any(-5 <= age <= STALE_MS for age in ages) else f"it is off by {ages}"

    # --- what must not take notice ---

    def judge_cadence(self, since=0.0, until=None):
        """As many requests a second as ever: none left out, none made up for."""
        until = until or time.monotonic()
        for machine in self.machines:
            moments = [at for at in machine.moments if since <= at <= until]
            expected = (until - since) / self.every_s
            self.assertLess(len(moments), expected * 1.1 + 3, "polled more often than configured")
            # the machines' own process may be late: a wide margin, and no long gap
            self.assertGreater(len(moments), expected * 0.3 - 3, "polled less often")
            gaps = (b - a for a, b in zip(moments, moments[1:]))
            self.assertLess(max(gaps, default=0), 2.5, "a poll's gap")

    def wait_plain(self):
        """A reading whose time needs no mark."""
        since = time.monotonic()
        self.wait_until(lambda: any("clock" not in entry.content and entry.message.at > since
                                    for entry in self.receiver.readings()), 20, "a plain time")

    def end(self):
        self.finish(clock=False)
        self.assertEqual((self.restarts, self.missing(), self.declared()), (0, [], 0))


class Boot(ClockCase):
    def test_times_before_the_clock_was_set_are_marked_and_corrected(self):
        self.set_wall(False, self.random.choice(AT_BOOT))
        self.begin()
        outage = self.random.random() < 0.6
        if self.random.random() < 0.7:
            self.wait_arrived(self.random.randrange(1, 10))
        if outage:
            self.proxy.close()
        self.wait_answers(self.random.randrange(10, 30))
        self.wait_logged("alarm clock_unsynchronised:")
        self.set_clock(True, 0)
        started = time.monotonic()
        if outage:
            self.pass_time(self.random.random() * 2)
            self.proxy.listen()
        self.wait_plain()
        self.judge_cadence(started)
        self.end()
        self.judge_times()
        marks = {entry.content.get("clock") for entry in self.receiver.readings()}
        self.assertIn(None, marks)
        self.assertTrue(self.logged("alarm clock_unsynchronised is over"))
        if outage:
            self.assertIn("corrected", marks)

    def test_readings_of_a_run_before_are_corrected_too(self):
        """The clock is set only in the second run of the same boot."""
        self.set_wall(False, self.random.choice(AT_BOOT))
        self.begin()
        self.wait_answers(1)
        self.proxy.close()
        self.wait_answers(self.random.randrange(10, 30))
        self.pause()
        self.wait_stored()
        if self.random.random() < 0.5:
            self.daemon.kill()
        else:
            self.assertEqual(self.daemon.stop(), 0)
        waiting = self.missing_serials()
        if self.random.random() < 0.5:
            self.set_clock(True, 0)
        self.serving.set()
        self.start()
        self.wait_answers(self.random.randrange(5))
        self.set_clock(True, 0)
        self.pass_time(1.5)
        self.proxy.listen()
        self.wait_plain()
        self.end()
        self.judge_times()
        for entry in self.receiver.readings():
            if (entry.machine, entry.values.get("serial")) in waiting:
                self.assertEqual(entry.content.get("clock"), "corrected", entry.content)

    def missing_serials(self):
        return {(answer.machine, answer.serial) for answer in self.missing()}

    def test_a_clock_that_is_never_set_marks_every_reading(self):
        self.set_wall(False, self.random.choice(AT_BOOT))
        self.begin()
        outage = self.random.random() < 0.5
        self.wait_answers(10)
        if outage:
            self.proxy.close()
        for _ in range(self.random.randrange(3)):
            self.pass_time(self.random.random() * 0.3)
            self.set_wall(False, self.random.choice(AT_BOOT) + self.random.randrange(DAY))
        self.wait_answers(10)
        if outage:
            self.proxy.listen()
        self.end()
        self.judge_times()
        marks = {entry.content.get("clock") for entry in self.receiver.readings()}
        self.assertEqual(marks, {"unsynced"})


class Steps(ClockCase):
    def random_step(self, off_s):
        """By seconds, hours or years, forward or back; sometimes to where it belongs."""
        size = self.random.choice([0.1, 3, 60, HOUR, DAY, YEAR, 20 * YEAR])
        to = self.random.choice([0, off_s + size * self.random.uniform(-1, 1),
                                 size * self.random.uniform(-1, 1)])
        return max(-30 * YEAR, min(to, 70 * YEAR))

    def test_steps_at_any_moment_change_nothing_but_the_times(self):
        self.set_clock(True, 0)
        self.begin()
        self.wait_arrived(1)
        started, off_s = time.monotonic(), 0
        outage = self.random.random() < 0.5
        if outage:
            self.proxy.close()
        for _ in range(self.random.randrange(3, 15)):
            off_s = self.random_step(off_s)
            self.set_clock(True, off_s * 1000)
            self.pass_time(self.random.random() * 0.25)
        self.wait_answers(10)
        self.judge_cadence(started)
        if outage:
            self.proxy.listen()
        self.wait_arrived(10)
        self.end()
        self.judge_times()

    def test_the_uplink_comes_back_after_a_step(self):
        """A connection that is cut around a step is made again, with the clock as it is now."""
        self.set_clock(True, 0)
        self.begin()
        self.wait_arrived(1)
        actions = [self.proxy.close,
                   lambda: self.set_clock(True, self.random_step(0) * 1000)]
        self.random.shuffle(actions)
        for action in actions:
            action()
            self.pass_time(self.random.random() * 0.5)
        if self.random.random() < 0.5:
            self.set_clock(True, self.random_step(0) * 1000)
        self.proxy.listen()
        since = time.monotonic()
        self.wait_until(lambda: any(entry.message.at > since
                                    for entry in self.receiver.readings()), 20, "the uplink")
        self.end()
        self.judge_times()

    def test_marks_follow_a_synchronisation_that_is_lost_and_found(self):
        self.set_clock(True, 0)
        self.begin()
        self.wait_arrived(1)
        started = time.monotonic()
        for synced in (False, True) * self.random.randrange(1, 3):
            self.set_clock(synced, 0 if synced else self.random_step(0) * 1000)
            self.pass_time(0.3 + self.random.random() * 1.5)
        self.judge_cadence(started)
        self.wait_answers(5)
        self.end()
        self.judge_times()

    def test_a_clock_that_stands_still_stops_nothing(self):
        """As nearly as a step back every few milliseconds comes to it."""
        self.set_clock(True, 0)
        self.begin()
        self.wait_arrived(1)
        stood = time.monotonic()
        at_s = time.time() + self.random_step(0)
        ended = threading.Event()

        def hold():
            while not ended.wait(0.004):
                self.set_wall(True, at_s)
        holder = threading.Thread(target=hold, daemon=True)
        holder.start()
        self.wait_answers(80)
        self.wait_arrived(5)
        self.judge_cadence(stood)
        ended.set()
        holder.join()
        last = time.monotonic()
        if self.random.random() < 0.5:
            self.set_clock(True, 0)
        self.wait_answers(5)
        self.end()
        self.assertGreater(self.judge_frozen(stood + 0.1, last - 1, at_s * 1000), 0)

    def judge_frozen(self, since, until, wall_ms):
        seen = 0
        for entry in self.receiver.readings():
            answer = self.truth.answers(entry.machine)[entry.values["serial"] - 1]
            if since <= answer.at <= until:
                seen += 1
                self.assertAlmostEqual(entry.content["ts"], wall_ms, delta=1000)
        return seen

    def test_far_times_are_told_as_they_are(self):
        """Past the ends of 31 and of 32 bits, and before 1970."""
        edge = self.random.choice([Y2038, Y2106, Y2106 + 90 * YEAR, 0, -69 * YEAR, -2**31])
        before_s = self.random.uniform(0.2, 1.0)
        self.set_wall(True, edge - before_s - 0.5)
        self.begin()
        self.wait_arrived(1)
        started = time.monotonic()
        outage = self.random.random() < 0.5
        if outage:
            self.proxy.close()
        self.wait_answers(20)
        self.set_wall(True, edge - before_s)
        self.pass_time(before_s + 0.3)
        self.judge_cadence(started)
        if outage:
            self.proxy.listen()
        self.end()
        self.judge_times()
        times = [entry.content["ts"] for entry in self.receiver.readings()]
        self.assertTrue(min(times) < edge * 1000 < max(times), "the edge was not passed")


class Suspend(ClockCase):
    def test_a_suspended_box_polls_once_and_goes_on(self):
        """CLOCK_BOOTTIME and the wall clock have gone on, CLOCK_MONOTONIC has not; times of before
        and after are corrected by what has really passed."""
        with open(os.environ["FAKE_CLOCK"], "rb") as file:
            if b"%d %lld %lld" not in file.read():
                self.skipTest("the preloaded clock can't set CLOCK_BOOTTIME")
        asleep_ms = int(self.random.choice([5, 600, 8 * HOUR, 3 * DAY]) * 1000)
        boot_ms = self.random.randrange(DAY) * 1000 - time.time() * 1000
        self.set_clock(False, boot_ms)
        self.begin()
        self.wait_arrived(1)
        self.proxy.close()
        self.wait_answers(self.random.randrange(5, 30))
        self.pause()
        self.wait_stored()
        suspended = time.monotonic()
        self.set_clock(False, boot_ms + asleep_ms, asleep_ms)
        self.serving.set()
        self.wait_answers(self.random.randrange(30, 50))
        self.judge_cadence(suspended)
        self.set_clock(True, asleep_ms, asleep_ms)
        self.pass_time(1.5)
        self.proxy.listen()
        self.wait_plain()
        self.end()
        self.assertGreater(self.judge_corrected(suspended, asleep_ms), 20)

    def judge_corrected(self, suspended, asleep_ms):
        count = 0
        for entry in self.receiver.readings():
            answer = self.truth.answers(entry.machine)[entry.values["serial"] - 1]
            if entry.content.get("clock") != "corrected":
                continue
            count += 1
            off_ms = asleep_ms if answer.at > suspended else 0
            age_ms = entry.content["ts"] - answer.wall_ms - off_ms
            self.assertTrue(-100 <= age_ms <= STALE_MS, f"off by {age_ms}: {entry.content}")
        return count
