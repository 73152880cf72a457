"""A wall clock that is not set, is set, and steps: times are marked and corrected, and the
schedule does not care."""
import os
import time
import unittest

from harness import Case, Mosquitto, machine, tag, tcp_link, wait_for
from peers import ModbusServer, Unit, counting
from receiver import Receiver


class Clock(Case):
    def setUp(self):
        super().setUp()
        self.broker = Mosquitto(self)
        self.receiver = Receiver(self, self.broker.port)
        self.unit = Unit(holding={0: 0}, on_read=counting(0))
        self.server = ModbusServer(self, {1: self.unit})
        self.clock = os.path.join(self.directory, "clock")

    def set_clock(self, synced, off_ms):
        with open(self.clock + ".new", "w", encoding="utf-8") as file:
            file.write(f"{int(synced)} {int(off_ms)}\n")
        os.replace(self.clock + ".new", self.clock)

    def run_gateway(self):
        config = self.config(self.broker.port, [tcp_link("l", self.server.port)],
                             [machine("m", "l", [tag("count", "holding:0")], every="100ms")])
        return self.gateway(config, environment={
            "LD_PRELOAD": os.environ["FAKE_CLOCK"], "FAKE_CLOCK_FILE": self.clock,
            # The sanitizer's library comes second then, which is fine for what we override.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"})

    def polled(self, times):
        target = len(self.unit.served) + times
        wait_for(lambda: len(self.unit.served) >= target, what="polls")

    def assert_cadence(self):
        """Gaps between the server's answers, on its own monotonic clock."""
        moments = [at for at, *_ in self.unit.served]
        gaps = sorted(after - before for before, after in zip(moments, moments[1:]))
        self.assertLess(gaps[int(len(gaps) * 0.95)], 0.15)
        self.assertLess(gaps[-1], 1.0)
        self.assertGreater(gaps[int(len(gaps) * 0.05)], 0.05)

    def test_readings_before_the_clock_was_set_are_marked(self):
        now_ms = time.time() * 1000
        self.set_clock(False, 5000 - now_ms)
        self.run_gateway()
        entry = self.receiver.wait_reading()
        self.assertEqual(entry.content["clock"], "unsynced")
        self.assertLess(entry.content["ts"], 3600 * 1000)
        self.set_clock(True, 0)
        plain = self.receiver.wait_reading("a plain time", where=lambda e: "clock" not in e.content)
        self.assertAlmostEqual(plain.content["ts"], time.time() * 1000, delta=10000)
        self.assert_cadence()

    def poll_in_1970_without_broker(self, now_ms):
        """A gateway that has stored some readings with a clock that is not set."""
        self.set_clock(False, 5000 - now_ms)
        self.receiver.subscribed.clear()
        self.broker.stop()
        gateway = self.run_gateway()
        self.polled(20)
        return gateway

    def test_readings_that_waited_are_corrected(self):
        start_ms = time.time() * 1000
        gateway = self.poll_in_1970_without_broker(start_ms)
        self.set_clock(True, 0)
        self.polled(30)
        wait_for(lambda: gateway.status()["store"]["next_seq"] > 40, what="stored readings")
        end_ms = time.time() * 1000
        self.broker.start()
        self.receiver.wait_subscribed()
        self.receiver.wait_complete(40, 60)
        corrected = [e for e in self.receiver.readings() if e.content.get("clock") == "corrected"]
        self.assertGreater(len(corrected), 10)
        self.assertEqual(corrected[0].seq, 1)
        for entry in self.receiver.readings():
            self.assertNotEqual(entry.content.get("clock"), "unsynced")
        times = [e.content["ts"] for e in self.receiver.readings() if e.seq <= 40]
        self.assertEqual(times, sorted(times))
        self.assertGreater(times[0], start_ms - 1000)
        self.assertLess(times[-1], end_ms + 1000)

    def test_they_are_corrected_over_a_restart_too(self):
        start_ms = time.time() * 1000
        gateway = self.poll_in_1970_without_broker(start_ms)
        gateway.stop()
        last = 10  # of the twenty or so
        gateway = self.run_gateway()
        self.polled(5)
        self.set_clock(True, 0)
        self.polled(25)
        self.broker.start()
        self.receiver.wait_subscribed()
        self.receiver.wait_complete(last, 60)
        first = self.receiver.ledger().entries[1]
        self.assertEqual(first.content["clock"], "corrected")
        self.assertGreater(first.content["ts"], start_ms - 1000)

    def test_steps_disturb_neither_cadence_nor_delivery(self):
        self.set_clock(True, 0)
        self.run_gateway()
        self.receiver.wait_reading()
        for off_s in (3600, -7200, 86400 * 400, 0):
            self.set_clock(True, off_s * 1000)
            self.polled(15)
            last = self.receiver.last_seq()
            near_ms = time.time() * 1000 + off_s * 1000
            self.receiver.wait_reading(f"a time {off_s} s off", 10, since=last,
                                       where=lambda e: abs(e.content["ts"] - near_ms) < 30000)
        self.assert_cadence()
        self.receiver.wait_complete(self.receiver.last_seq())
        steps = [entry.content["step_ms"] for entry in self.receiver.ledger().events()
                 if entry.content["event"] == "clock_step"]
        self.assertEqual([round(step / 1000) for step in steps],
                         [3600, -7200 - 3600, 86400 * 400 + 7200, -86400 * 400])
        self.assertTrue(self.receiver.of_topic("bindery/lab/gw/events"))


if __name__ == "__main__":
    unittest.main()
