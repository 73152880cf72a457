"""Production lines: what they do, what held them up, and a record of each of their shifts."""
import os
import time
import unittest

from harness import Case, Mosquitto, machine, tag, tcp_link, wait_for
from peers import ModbusServer, Unit
from receiver import Receiver

DAY_MS, HOUR_MS = 24 * 3600 * 1000, 3600 * 1000
CODES = {1: "production", 2: {"state": "stopped", "reason": "jam"}, 3: "idle", 4: "fault"}
TIMES = ("run_ms", "setup_ms", "idle_ms", "down_ms", "cleanup_ms", "maintenance_ms", "unknown_ms")


class Lines(Case):
    def setUp(self):
        super().setUp()
        self.broker = Mosquitto(self)
        self.receiver = Receiver(self, self.broker.port)
        self.units = {name: Unit(holding={n: 0 for n in range(10)})
                      for name in ("gatherer", "binder", "trimmer")}
        self.servers = {name: ModbusServer(self, {1: unit}) for name, unit in self.units.items()}
        self.clock = os.path.join(self.directory, "clock")
        # Yesterday: a clock that is ahead of the true one makes some waits of paho's long.
        self.day = int(time.time() * 1000) // DAY_MS - 1

    def set_clock(self, hours, seconds):
        """To so many seconds before that hour of the day, UTC."""
        wanted_ms = self.day * DAY_MS + hours * HOUR_MS - seconds * 1000
        with open(self.clock + ".new", "w", encoding="utf-8") as file:
            file.write(f"1 {int(wanted_ms - time.time() * 1000)}\n")
        os.replace(self.clock + ".new", self.clock)

    def plant(self, lines=({"name": "line-1", "machines": ["gatherer", "binder", "trimmer"]},)):
        return self.config(
            self.broker.port,
            [tcp_link(name, server.port, timeout="200ms") for name, server in self.servers.items()],
            [machine(name, name, [
                tag("code", "holding:0", states=CODES),
                tag("good", "holding:1", counter={"counts": "good", "kind": "reset"}),
                tag("waste", "holding:2", counter={"counts": "waste", "kind": "reset"}),
                tag("speed", "holding:3", unit="copies/h")], every="100ms", ideal_rate="10000/h",
                state={"offline_after": "1s"}) for name in self.servers],
            timezone="UTC", lines=list(lines), calendars=[{"name": "hall", "shifts": [
                {"name": "first", "days": "mon-sun", "from": "00:00", "to": "12:00"},
                {"name": "second", "days": "mon-sun", "from": "12:00", "to": "24:00"}]}])

    def start(self, plant=None):
        return self.gateway(plant or self.plant(), environment={
            "LD_PRELOAD": os.environ["FAKE_CLOCK"], "FAKE_CLOCK_FILE": self.clock,
            # The sanitizer's library comes second then, which is fine for what we override.
            "ASAN_OPTIONS": os.environ.get("ASAN_OPTIONS", "") + ":verify_asan_link_order=0"})

    def be(self, name, **values):
        """The machine says so; waits until it is told."""
        for tag_name, address in (("code", 0), ("good", 1), ("waste", 2), ("speed", 3)):
            if tag_name in values:
                self.units[name].set("holding", address, values[tag_name])
        wait_for(lambda: values.items() <= self.receiver.latest(name)[0].items(), what=str(values))

    def status(self, **wanted):
        """The line's retained status, once it says so."""
        def look():
            messages = self.receiver.of_topic("/line-1/status")
            latest = messages[-1].json() if messages else {}
            return wanted.items() <= latest.items() and latest
        return wait_for(look, what=str(wanted))

    def shifts(self, name):
        return [entry.content for entry in self.receiver.ledger().events(name)
                if entry.content["event"] == "shift"]

    def record(self, name, shift):
        date = time.strftime("%Y-%m-%d", time.gmtime(self.day * DAY_MS / 1000))
        key = f"{date}/{shift}"
        wait_for(lambda: any(e["shift"] == key for e in self.shifts(name)), 30, key)
        found = [e for e in self.shifts(name) if e["shift"] == key]
        self.assertEqual(len(found), 1)
        self.assertEqual(sum(found[0][name] for name in TIMES), found[0]["duration_ms"])
        return found[0]

    def expect_deliverys(self, shift):
        """The line's record of that shift, which agrees with its delivery's."""
        line, delivery = self.record("line-1", shift), self.record("trimmer", shift)
        for key in ("good", "waste", "gross", "inferred", "duration_ms", "from", "to", "calendar",
                    "run_ms", "unknown_ms", "good_from_uncertain", "good_to_uncertain",
                    "waste_from_uncertain", "gross_to_uncertain"):
            self.assertEqual(line[key], delivery[key], f"{key}: {line} {delivery}")
        return line

    def test_a_line_tells_who_holds_it_up_and_what_came_of_a_shift(self):
        self.set_clock(12, 10)
        gateway = self.start()
        for name in self.units:
            self.be(name, code=1, good=0, waste=0, speed=5000)
        self.be("trimmer", good=7, waste=2)
        self.be("binder", speed=9000)
        status = self.status(state="production", cause="trimmer")
        self.assertEqual((status["online"], status["packml"]), (True, "Execute"))
        self.be("binder", code=2)
        self.be("trimmer", code=3)
        status = self.status(state="stopped", cause="binder", reason="jam", bottleneck="binder")
        self.assertEqual((status["good"], status["waste"]), (7, 2))
        shown = wait_for(lambda: [line for line in gateway.status()["lines"]
                                  if line["state"] == "stopped"], what="the line's status")[0]
        self.assertEqual((shown["name"], shown["bottleneck"], shown["shift"]["good"]),
                         ("line-1", "binder", 7))
        self.assertRegex(self.bindery("status", "-c", gateway.path),
                         r"line-1 +stopped .* binder +7 +2 .*/first +binder: jam")
        self.be("binder", code=1)
        self.be("trimmer", code=1)
        self.status(state="production", cause="trimmer", reason=None)
        record = self.expect_deliverys("first")
        self.assertGreater(record["down_ms"], 0)
        self.assertGreaterEqual(record["down_ms"], record["bottleneck_2_ms"])
        self.assertEqual((record["bottleneck_2"], record["delivery"], record["machine"]),
                         ("binder", "trimmer", "line-1"))
        about = self.receiver.of_topic("/line-1/about")[-1].json()
        self.assertEqual(about, {"line": "line-1", "delivery": "trimmer",
                                 "machines": ["gatherer", "binder", "trimmer"]})
        self.assertEqual(self.receiver.ledger().missing(), [])

    def test_a_line_goes_on_over_a_kill_and_tells_each_shift_once(self):
        self.set_clock(12, 14)
        gateway = self.start()
        for name in self.units:
            self.be(name, code=1, good=0, waste=0)
        self.be("trimmer", good=5)
        self.be("binder", code=4)
        self.be("trimmer", code=3)
        self.status(state="fault", bottleneck="binder")
        gateway.kill()
        since = self.receiver.last_seq()
        gateway = self.start()
        for name in ("binder", "trimmer"):
            self.receiver.wait_reading(machine=name, since=since)
        self.status(state="fault", cause="binder")
        self.be("binder", code=1)
        self.be("trimmer", code=1, good=9)
        record = self.expect_deliverys("first")
        self.assertEqual(record["good"], 9)
        self.assertGreater(record["down_ms"], 0)
        gateway.kill()
        self.set_clock(24, 2)
        self.start()
        self.expect_deliverys("second")
        self.assertEqual(len(self.shifts("line-1")), 2)
        self.assertEqual(self.receiver.ledger().missing(), [])

    def test_a_line_that_is_gone_after_a_reload_is_no_more_retained(self):
        self.set_clock(12, 3600)
        gateway = self.start()
        for name in self.units:
            self.be(name, code=1, good=0)
        self.status(state="production")
        other = {"name": "line-2", "machines": ["binder", "trimmer"], "delivery": "binder"}
        gateway.reload(self.plant([other]))
        for leaf in ("about", "status"):
            wait_for(lambda leaf=leaf: self.receiver.of_topic(f"/line-1/{leaf}")[-1].text == "",
                     what=leaf)
        wait_for(lambda: any(message.json()["state"] == "production"
                             for message in self.receiver.of_topic("/line-2/status")))
        self.assertEqual(self.receiver.of_topic("/line-2/about")[-1].json()["delivery"], "binder")


if __name__ == "__main__":
    unittest.main()
