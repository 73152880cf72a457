"""A record of each machine and shift: told once when it is over, and right over a kill."""
import os
import time
import unittest

from harness import Case, Mosquitto, machine, tag, tcp_link, wait_for
from peers import ModbusServer, Unit
from receiver import Receiver

DAY_MS, HOUR_MS = 24 * 3600 * 1000, 3600 * 1000
CODES = {1: "production", 2: "stopped", 4: "setup"}
TIMES = ("run_ms", "setup_ms", "idle_ms", "down_ms", "cleanup_ms", "maintenance_ms", "unknown_ms")


class Shifts(Case):
    def setUp(self):
        super().setUp()
        self.broker = Mosquitto(self)
        self.receiver = Receiver(self, self.broker.port)
        self.unit = Unit(holding={n: 0 for n in range(10)})
        self.server = ModbusServer(self, {1: self.unit})
        self.clock = os.path.join(self.directory, "clock")
        # Yesterday: a clock that is ahead of the true one makes some waits of paho's long.
        self.day = int(time.time() * 1000) // DAY_MS - 1

    def set_clock(self, hours, seconds):
        """To so many seconds before that hour of the day, UTC."""
        wanted_ms = self.day * DAY_MS + hours * HOUR_MS - seconds * 1000
        with open(self.clock + ".new", "w", encoding="utf-8") as file:
            file.write(f"1 {int(wanted_ms - time.time() * 1000)}\n")
        os.replace(self.clock + ".new", self.clock)

    def plant(self, **shifts):
        return self.config(
            self.broker.port, [tcp_link("l", self.server.port, timeout="200ms")],
            [machine("m", "l", [
                tag("code", "holding:0", states=CODES),
                tag("good", "holding:1", counter={"counts": "good", "kind": "reset"}),
                tag("waste", "holding:2", counter={"counts": "waste", "kind": "reset"}),
                tag("speed", "holding:3", unit="copies/h")], every="100ms", ideal_rate="3600/h",
                state={"offline_after": "1s", "micro_stop": "3s"})],
            timezone="UTC", calendars=[{"name": "hall", "shifts": [
                {"name": name, "days": "mon-sun", "from": begin, "to": end}
                for name, (begin, end) in (shifts or {"first": ("00:00", "12:00"),
                                                      "second": ("12:00", "24:00")}).items()]}])

    def start(self, **shifts):
        return self.gateway(self.plant(**shifts), environment={
            "LD_PRELOAD": os.environ["FAKE_CLOCK"], "FAKE_CLOCK_FILE": self.clock,
            # The sanitizer's library comes second then, which is fine for what we override.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"})

    def be(self, **values):
        """The machine says so; waits until it is told."""
        for name, address in (("code", 0), ("good", 1), ("waste", 2), ("speed", 3)):
            if name in values:
                self.unit.set("holding", address, values[name])
        wait_for(lambda: values.items() <= self.receiver.latest("m")[0].items(), what=str(values))

    def events(self, name):
        return [entry.content for entry in self.receiver.ledger().events("m")
                if entry.content["event"] == name]

    def record(self, shift, seconds=30):
        """The record of that shift, of which there is one."""
        date = time.strftime("%Y-%m-%d", time.gmtime(self.day * DAY_MS / 1000))
        key = f"{date}/{shift}"
        wait_for(lambda: any(e["shift"] == key for e in self.events("shift")), seconds, key)
        found = [e for e in self.events("shift") if e["shift"] == key]
        self.assertEqual(len(found), 1)
        record = found[0]
        self.assertEqual(sum(record[name] for name in TIMES), record["duration_ms"])
        self.assertEqual(record["to"] - record["from"], record["duration_ms"])
        return record

    def told_ms(self, record, state):
        """How long the machine did so in that shift, by the intervals that were told."""
        return sum(max(0, min(e["to"], record["to"]) - max(e["from"], record["from"]))
                   for e in self.events("state") if e["state"] == state)

    def test_the_record_of_a_shift_agrees_with_what_was_told_in_it(self):
        self.set_clock(12, 8)
        self.start()
        self.be(code=1, good=0, waste=0, speed=3000)
        self.be(good=5, waste=1)
        self.be(code=2)
        self.be(code=1)
        self.be(good=12, code=4)
        record = self.record("first")
        self.be(code=1)
        wait_for(lambda: any(e["state"] == "setup" for e in self.events("state")))
        self.assertEqual((record["calendar"], record["revision"], record["duration_ms"]),
                         ("hall", 1, 12 * HOUR_MS))
        self.assertEqual(record["ts"] % DAY_MS, 12 * HOUR_MS)
        self.assertEqual([record[name] for name in ("good", "waste", "gross", "inferred", "pq")],
                         [12, 1, None, 0, 13])
        for name, state in (("run_ms", "production"), ("down_ms", "stopped"),
                            ("setup_ms", "setup")):
            self.assertEqual(record[name], self.told_ms(record, state), name)
            self.assertGreater(record[name], 0)
        self.assertEqual((record["micro_stops"], record["stops"]), (1, 0))
        self.assertEqual((record["average_speed"], record["highest_speed"]), (3000, 3000))
        self.assertAlmostEqual(record["oee"], 12 / (12 * 3600))
        self.assertEqual(self.receiver.ledger().missing(), [])

    def test_a_kill_loses_nothing_of_a_shift_and_counts_nothing_twice(self):
        self.set_clock(12, 12)
        gateway = self.start()
        self.be(code=1, good=0, waste=0)
        self.be(good=10)
        gateway.kill()
        self.unit.set("holding", 1, 13)
        gateway = self.start()
        self.be(good=13, waste=0)
        self.be(good=17)
        record = self.record("first")
        self.assertEqual((record["good"], record["inferred"]), (17, 3))
        self.assertEqual(record["run_ms"], self.told_ms(record, "production")
                         or record["duration_ms"] - record["unknown_ms"])
        self.be(good=20)
        gateway.kill()
        self.set_clock(24, 2)
        self.start()
        record = self.record("second")
        self.assertEqual(record["good"], 3)
        self.assertLess(record["run_ms"], HOUR_MS)
        self.assertEqual(len(self.events("shift")), 2)

    def test_a_shift_over_whose_end_the_machine_was_silent_is_told_again(self):
        self.set_clock(12, 4)
        gateway = self.start()
        self.be(code=1, good=0, waste=0)
        self.be(good=10)
        self.unit.silent = True
        first = self.record("first")
        self.assertEqual([first[name] for name in ("revision", "good", "good_from_uncertain",
                                                   "good_to_uncertain", "gross_to_uncertain")],
                         [1, 10, 0, None, None])
        gateway.kill()
        self.unit.set("holding", 1, 25)
        self.unit.silent = False
        self.start()
        wait_for(lambda: len(self.events("shift")) > 1, 30, "a revision")
        again = self.events("shift")[1]
        differs = {name for name in first if first[name] != again[name]}
        self.assertEqual(differs, {"seq", "revision", "good_to_uncertain", "waste_to_uncertain"})
        self.assertEqual((again["revision"], again["good_to_uncertain"]), (2, 15))
        self.assertGreater(again["seq"], first["seq"])

    def test_a_shift_goes_on_over_a_reload_and_a_restart(self):
        self.set_clock(12, 12)
        gateway = self.start()
        self.be(code=1, good=0)
        self.be(good=10)
        gateway.reload(self.plant(first=("00:00", "12:00"), other=("12:00", "13:00")))
        self.be(good=11)
        gateway.stop()
        gateway = self.start()
        self.be(good=14, waste=0, speed=2900)
        told = gateway.status()["machines"][0]
        self.assertEqual(told["speed"], {"value": 2900, "unit": "copies/h"})
        shift = told["shift"]
        self.assertEqual((shift["key"][-6:], shift["good"], shift["waste"]), ("/first", 14, 0))
        record = self.record("first")
        self.assertEqual(record["good"], 14)
        self.assertGreater(record["run_ms"], 0)


if __name__ == "__main__":
    unittest.main()
