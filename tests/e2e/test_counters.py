"""Running totals: what becomes of a machine's counter over wraps, resets, restarts and reloads."""
import unittest

from harness import Case, Mosquitto, machine, tag, tcp_link, wait_for
from peers import ModbusServer, Unit
from receiver import Receiver


class Counters(Case):
    def setUp(self):
        super().setUp()
        self.broker = Mosquitto(self)
        self.receiver = Receiver(self, self.broker.port)
        self.unit = Unit(holding={n: 0 for n in range(20)})
        self.server = ModbusServer(self, {1: self.unit})

    def plant(self, *more, link="l", kind="rollover", **keys):
        counter = {"counts": "good", "kind": kind, "max_rate": "2000/s", **keys}
        return self.config(self.broker.port,
                           [tcp_link(link, self.server.port)],
                           [machine("m", link, [tag("good", "holding:0", counter=counter), *more],
                                    every="100ms")])

    def begin(self, read, plant):
        """A gateway that has seen the counter stand there."""
        self.unit.set("holding", 0, read)
        gateway = self.gateway(plant)
        self.expect(0)
        return gateway

    def count_to(self, read, total, **others):
        """The machine's counter stands at `read`; waits until the total is told, and what is with it."""
        self.unit.set("holding", 0, read)
        self.expect(total, **others)

    def expect(self, total, **others):
        expected = {"good": total, **{f"good.{name}": value for name, value in others.items()}}
        wait_for(lambda: expected.items() <= self.receiver.latest("m")[0].items(),
                 what=str(expected))

    def totals(self):
        return [e.values["good"] for e in self.receiver.readings("m") if "good" in e.values]

    def test_a_total_begins_at_the_first_reading_and_goes_on_over_wraps(self):
        self.begin(65000, self.plant(multiplier=2))
        self.expect(0, epoch=0, inferred=0)
        self.count_to(65500, 1000, epoch=0)
        self.count_to(100, 1272, epoch=0, inferred=0)
        self.assertEqual(self.totals(), [0, 1000, 1272])

    def test_what_was_read_is_told_beside_the_total_on_request_only(self):
        self.unit.set("holding", 0, 7)
        gateway = self.gateway(self.plant(raw=True))
        self.receiver.wait_latest("m", {"good": 0, "good.raw": 7, "good.epoch": 0,
                                        "good.inferred": 0})
        self.count_to(9, 2, raw=9)
        since = self.receiver.last_seq()
        gateway.reload(self.plant())
        entry = self.receiver.wait_reading(since=since)
        self.assertEqual(entry.values, {"good": 2, "good.epoch": 0, "good.inferred": 1})

    def test_a_counter_that_was_reset_counts_on_in_another_epoch(self):
        gateway = self.begin(500, self.plant(kind="reset"))
        self.count_to(520, 20, epoch=0)
        self.count_to(3, 23, epoch=1)
        gateway.wait_log("good: reset from 520 to 3, total 23, epoch 1")
        event = self.receiver.wait_message("bindery/lab/gw/m/events").json()
        self.assertEqual({key: event[key] for key in
                          ("event", "tag", "what", "raw_before", "raw", "total", "epoch")},
                         {"event": "counter", "tag": "good", "what": "reset", "raw_before": 520,
                          "raw": 3, "total": 23, "epoch": 1})
        self.assertEqual(self.receiver.ledger().missing(), [])

    def test_a_value_beyond_the_modulus_is_bad_and_never_counted(self):
        self.begin(10, self.plant(modulus=10000))
        self.unit.set("holding", 0, 20000)
        self.receiver.wait_reading(where=lambda e: e.bad == {"good": "range"})
        self.count_to(12, 2)
        self.assertEqual(self.totals(), [0, 2])

    def test_a_restart_is_no_new_baseline_and_what_was_counted_meanwhile_is_inferred(self):
        gateway = self.begin(100, self.plant())
        self.count_to(150, 50, inferred=0)
        gateway.stop()
        self.unit.set("holding", 0, 400)
        self.gateway(self.plant())
        self.expect(300, epoch=0, inferred=1)

    def test_a_total_goes_on_where_a_kill_cut_it_off(self):
        gateway = self.begin(100, self.plant(kind="reset"))
        self.count_to(150, 50)
        self.count_to(30, 80, epoch=1)
        self.count_to(60, 110, epoch=1)
        gateway.kill()
        self.unit.set("holding", 0, 10)
        self.gateway(self.plant(kind="reset"))
        self.expect(120, epoch=2)
        totals = self.totals()
        self.assertEqual(totals, sorted(totals))

    def test_a_total_goes_on_when_its_machine_is_changed_by_a_reload(self):
        gateway = self.begin(100, self.plant())
        self.count_to(150, 50)
        gateway.reload(self.plant(tag("speed", "holding:5")))
        self.receiver.wait_reading(where=lambda e: e.values.get("speed") == 0)
        self.expect(50, epoch=0, inferred=1)
        self.count_to(151, 51, epoch=0)
        gateway.reload(self.plant(tag("speed", "holding:5"), link="other"))
        self.count_to(160, 60, epoch=0)
        gateway.kill()
        self.gateway(self.plant())
        self.count_to(170, 70, epoch=0)

    def test_a_total_that_is_set_goes_on_from_there_and_is_told(self):
        gateway = self.begin(100, self.plant())
        self.count_to(150, 50)
        for arguments, status, told in (
                (["set", "m", "speed", "1"], 1, "the machine has no counter of that name"),
                (["set", "n", "good", "1"], 1, "there is no such machine"),
                (["set", "m", "good", "1.5"], 2, '"1.5" is no total'),
                (["set", "m"], 2, "expected set MACHINE TAG TOTAL"),
                (["set", "m", "good", "7000"], 0, "good is 7000 from here on")):
            done = self.bindery("counter", "-c", gateway.path, *arguments, status=status)
            self.assertIn(told, done)
        self.expect(7000, epoch=1)
        event = self.receiver.wait_message("bindery/lab/gw/m/events").json()
        self.assertEqual((event["event"], event["what"], event["total_before"], event["total"]),
                         ("counter", "set", 50, 7000))
        read = len(self.unit.served)  # the next reading is where it goes on from
        wait_for(lambda: len(self.unit.served) >= read + 2, what="two more readings")
        self.count_to(160, 7010, epoch=1)
        gateway.kill()
        self.unit.set("holding", 0, 163)
        self.gateway(self.plant())
        self.expect(7013, epoch=1)

    def test_a_total_that_is_set_while_the_machine_is_away_is_kept_by_a_reload(self):
        gateway = self.begin(100, self.plant())
        self.count_to(150, 50)
        self.unit.silent = True
        self.receiver.wait_reading(where=lambda e: e.bad.get("good") == "timeout")
        self.bindery("counter", "-c", gateway.path, "set", "m", "good", "7000")
        wait_for(lambda: 7000 in self.totals())
        gateway.reload(self.plant(tag("speed", "holding:5")))
        self.unit.set("holding", 0, 160)
        self.unit.silent = False
        self.receiver.wait_reading(where=lambda e: e.values.get("speed") == 0)
        self.count_to(165, 7005, epoch=1)
        self.assertEqual(self.totals()[-2:], [7000, 7005])

    def test_polls_that_failed_make_the_step_after_them_inferred(self):
        self.begin(100, self.plant())
        self.expect(0, inferred=0)
        self.unit.silent = True
        self.receiver.wait_reading(where=lambda e: e.bad.get("good") == "timeout")
        self.unit.set("holding", 0, 140)
        self.unit.silent = False
        self.expect(40, inferred=1, epoch=0)


if __name__ == "__main__":
    unittest.main()
