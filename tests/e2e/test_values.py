"""What becomes of a value: scaling, deadband, heartbeat, change only, bad quality and recovery."""
import unittest

from harness import Case, Mosquitto, machine, tag, tcp_link, wait_for
from peers import ModbusServer, Unit
from receiver import Receiver


class Values(Case):
    def setUp(self):
        super().setUp()
        self.broker = Mosquitto(self)
        self.receiver = Receiver(self, self.broker.port)
        self.unit = Unit(holding={n: 0 for n in range(20)})
        self.server = ModbusServer(self, {1: self.unit})

    def run_gateway(self, *tags, every="100ms"):
        return self.gateway(self.config(self.broker.port, [tcp_link("l", self.server.port)],
                                        [machine("m", "l", tags, every=every)]))

    def polled(self, times):
        """Until the machine has been asked so many times more, and answered."""
        target = len(self.unit.served) + times
        wait_for(lambda: len(self.unit.served) >= target, what="polls")

    def set_and_wait(self, address, value, name, expected):
        self.unit.set("holding", address, value)
        return self.receiver.wait_reading(f"{name} = {expected}",
                                          since=self.receiver.last_seq(),
                                          where=lambda e: e.values.get(name) == expected)

    def test_a_scale_gives_exact_decimals(self):
        self.unit.set("holding", 0, 563, 0xFFFF, 1, 7, 25000)
        self.run_gateway(tag("speed", "holding:0", scale=0.1),
                         tag("below", "holding:1", "s16", scale=0.001, offset=-1),
                         tag("half", "holding:2", scale=0.5, offset=0.25),
                         tag("whole", "holding:3", scale=10),
                         tag("zeros", "holding:4", scale=0.01))
        text = self.receiver.wait_reading().message.text
        for part in ('"speed":56.3', '"below":-1.001', '"half":0.75', '"whole":70'):
            self.assertRegex(text, part + "[,}]")
        self.assertRegex(text, r'"zeros":250(\.00?)?[,}]')

    def test_only_changes_are_reported(self):
        self.unit.set("holding", 0, 5, 6)
        self.run_gateway(tag("a", "holding:0"), tag("b", "holding:1"))
        self.assertEqual(self.receiver.wait_reading().values, {"a": 5, "b": 6})
        self.polled(10)
        entry = self.set_and_wait(0, 9, "a", 9)
        self.assertEqual(entry.values, {"a": 9})
        self.assertEqual(len(self.receiver.readings("m")), 2)

    def test_a_deadband_waits_until_it_moved_so_far(self):
        self.unit.set("holding", 0, 1000)
        self.run_gateway(tag("a", "holding:0", scale=0.1, deadband=0.5))
        self.receiver.wait_reading(where=lambda e: e.values == {"a": 100})
        for raw in (1003, 1004, 996):
            self.unit.set("holding", 0, raw)
            self.polled(5)
        self.set_and_wait(0, 1005, "a", 100.5)
        self.set_and_wait(0, 1000, "a", 100)
        self.assertEqual(len(self.receiver.readings("m")), 3)

    def test_a_heartbeat_reports_what_did_not_move(self):
        self.unit.set("holding", 0, 5, 6)
        self.run_gateway(tag("a", "holding:0", heartbeat="1s"), tag("b", "holding:1"))
        wait_for(lambda: len(self.receiver.readings("m")) >= 4, what="heartbeats")
        readings = self.receiver.readings("m")
        self.assertEqual([e.values for e in readings[1:4]], [{"a": 5}] * 3)
        times = [e.content["ts"] for e in readings[:4]]
        for before, after in zip(times, times[1:]):
            self.assertAlmostEqual(after - before, 1000, delta=250)

    def test_a_period_of_its_own_for_a_tag(self):
        self.unit.on_read = lambda unit, area, address, count: [
            unit.areas["holding"].__setitem__(a, unit.areas["holding"][a] + 1)
            for a in range(address, address + count)]
        self.run_gateway(tag("fast", "holding:0"), tag("slow", "holding:10", every="1s"))
        self.receiver.wait_reading(where=lambda e: e.values.get("slow", 0) >= 4)
        fast, slow = [sum(name in e.values for e in self.receiver.readings("m"))
                      for name in ("fast", "slow")]
        self.assertGreater(fast, 6 * slow)

    def test_bad_quality_is_told_once_and_so_is_the_recovery(self):
        self.unit.set("holding", 0, 5)
        self.run_gateway(tag("a", "holding:0"), tag("b", "holding:1", "bcd16"))
        self.receiver.wait_reading(where=lambda e: e.values.get("a") == 5)
        self.unit.set("holding", 1, 0x00A0)
        self.receiver.wait_reading(where=lambda e: e.bad == {"b": "range"})
        self.unit.silent = True
        bad = self.receiver.wait_reading("the time-out", where=lambda e: "a" in e.bad)
        self.assertEqual(bad.bad["a"], "timeout")
        self.unit.set("holding", 1, 0x0042)
        self.unit.silent = False
        good = self.receiver.wait_reading("the recovery", 30, since=bad.seq,
                                          where=lambda e: "a" in e.values)
        # the same value as before, told again since in between it was unknown
        self.assertEqual(good.values["a"], 5)
        self.assertEqual(self.receiver.latest("m"), ({"a": 5, "b": 42}, {}))
        self.assertEqual(len([e for e in self.receiver.readings("m") if "a" in e.bad]), 1)


if __name__ == "__main__":
    unittest.main()
