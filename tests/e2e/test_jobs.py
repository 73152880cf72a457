"""A record of each job: told once when another one has begun, and right over a kill."""
import unittest

from harness import Case, Mosquitto, machine, tag, tcp_link, wait_for
from peers import ModbusServer, PtyPair, Unit
from receiver import Receiver

TIMES = ("run_ms", "setup_ms", "idle_ms", "down_ms", "cleanup_ms", "maintenance_ms", "unknown_ms")
ADDRESSES = {"code": 0, "good": 1, "width": 2, "order": 3}


def write(unit, order):
    text = order.encode().ljust(8, b"\0")
    for i in range(4):
        unit.set("holding", ADDRESSES["order"] + i, int.from_bytes(text[2 * i:2 * i + 2], "big"))


def text_of(unit):
    words = [unit.areas["holding"][ADDRESSES["order"] + i] for i in range(4)]
    return b"".join(word.to_bytes(2, "big") for word in words).rstrip(b"\0").decode()


class Jobs(Case):
    def setUp(self):
        super().setUp()
        self.broker = Mosquitto(self)
        self.receiver = Receiver(self, self.broker.port)
        self.unit = Unit(holding={n: 0 for n in range(10)})
        self.server = ModbusServer(self, {1: self.unit})

    def plant(self, every="100ms", **options):
        return self.config(
            self.broker.port, [tcp_link("l", self.server.port, timeout="200ms")],
            [machine("m", "l", [
                tag("code", "holding:0", states={1: "production", 4: "setup"}),
                tag("good", "holding:1", counter={"counts": "good", "kind": "reset"}),
                tag("width", "holding:2", scale=0.1),
                tag("order", "holding:3", kind="string:8"),
                tag("not-a-word", "holding:2")], every=every,
                job={"id": "order", "format": ["width", "not-a-word", "good"]}, **options)])

    def be(self, **values):
        """The machine says so; waits until it is told."""
        told = dict(values)
        for name, value in values.items():
            if name == "order":
                write(self.unit, value)
            elif name == "width":
                self.unit.set("holding", 2, round(value * 10))
            else:
                self.unit.set("holding", ADDRESSES[name], value)
        wait_for(lambda: told.items() <= self.receiver.latest("m")[0].items(), what=str(values))

    def events(self, name):
        return [entry.content for entry in self.receiver.ledger().events("m")
                if entry.content["event"] == name]

    def jobs(self, count):
        """The records of the first so many jobs, of which there are no more."""
        wait_for(lambda: len(self.events("job")) >= count, 15, f"{count} jobs")
        records = self.events("job")
        self.assertEqual(len(records), count)
        for record in records:
            self.assertEqual(sum(record[name] for name in TIMES), record["duration_ms"])
            self.assertEqual(record["to"] - record["from"], record["duration_ms"])
        return records

    def begun(self, *jobs):
        wait_for(lambda: len(self.events("job_begin")) >= len(jobs), what=str(jobs))
        self.assertEqual([e["job"] for e in self.events("job_begin")], list(jobs))

    def test_a_job_is_told_when_another_one_has_begun(self):
        self.gateway(self.plant())
        self.be(code=1, good=0, width=21.0, order="A-1")
        self.begun("A-1")
        self.be(good=5)
        self.be(code=4, good=7)
        self.be(order="B-2", width=14.8)
        self.begun("A-1", "B-2")
        record = self.jobs(1)[0]
        self.assertEqual((record["job"], record["next"], record["width"]), ("A-1", "B-2", 21.0))
        self.assertEqual([record[name] for name in ("good", "waste", "inferred", "oee")],
                         [7, None, 0, None])
        self.assertEqual((record["good_uncertain"], record["waste_uncertain"]), (0, None))
        self.assertNotIn("not-a-word", record)
        self.assertGreater(record["run_ms"], 0)
        self.assertEqual(record["from"], self.events("job_begin")[0]["ts"])
        self.assertEqual(record["to"], self.events("job_begin")[1]["ts"])
        self.be(good=9)
        self.be(order="")
        record = self.jobs(2)[1]
        self.assertEqual((record["job"], record["next"], record["good"]), ("B-2", None, 2))
        self.assertEqual(self.receiver.ledger().missing(), [])

    def scribe(self, unit):
        """A function that has the unit say these ids, a read each, and waits until it has. What is
        read from then on comes in the list that it returns."""
        ids, reads = [], []

        def on_read(*_):
            if ids:
                write(unit, ids.pop(0))
            reads.append(text_of(unit))

        def say(*said):
            reads.clear()
            ids.extend(said)
            wait_for(lambda: not ids, what=f"reads of {said}")
            return reads
        unit.on_read = on_read
        return say

    def orders(self):
        return [entry.values["order"] for entry in self.receiver.readings("m")
                if entry.values.get("order")]

    def check_torn(self, unit):
        say = self.scribe(unit)
        say("A-1")
        self.begun("A-1")
        # Each in one poll: torn once, torn and back, the same twice.
        say("B-1", "B-20", "B-20")
        self.begun("A-1", "B-20")
        say("C-", "B-20", "B-20")
        say("D-4", "D-4")
        self.begun("A-1", "B-20", "D-4")
        # In none: the next poll decides.
        reads = say("E", "E-5", "E-55", "E-55")
        self.begun("A-1", "B-20", "D-4", "E-55")
        wait_for(lambda: len(reads) > 5, what="polls of one read each")
        self.assertEqual(self.orders(), ["A-1", "B-20", "D-4", "E-55"])
        for event, order in zip(self.events("job_begin"), ("A-1", "B-20", "D-4", "E-55")):
            first = next(entry.content for entry in self.receiver.readings("m")
                         if entry.values.get("order") == order)
            self.assertEqual(event["ts"], first["ts"])
            # What a poll tells of its job goes before its reading.
            self.assertEqual(event["seq"] < first["seq"], order != "E-55", f"{event} {first}")

    def test_an_id_that_is_read_while_it_is_written_is_asked_again(self):
        self.gateway(self.plant(every="1s"))
        self.check_torn(self.unit)

    def test_an_id_on_a_line_is_asked_again_too(self):
        pair, unit = PtyPair(self), Unit(holding={n: 0 for n in range(10)})
        ModbusServer(self, {1: unit}, device=pair.machine, baud=115200)
        config = self.plant(every="1s")
        config["links"] = [{"name": "l", "driver": "modbus-rtu", "device": pair.gateway,
                            "baud": 115200, "timeout": "300ms"}]
        self.gateway(config)
        self.check_torn(unit)

    def widths(self, count):
        """What was told of so many changes of the width."""
        def told():
            return [e for e in self.events("format") if e["tag"] == "width"]
        wait_for(lambda: len(told()) >= count, what=f"{count} widths")
        return [(e["job"], e["value_before"], e["value"]) for e in told()]

    def test_a_format_that_changes_is_told_once_over_a_kill_too(self):
        gateway = self.gateway(self.plant())
        self.be(code=1, good=0, width=21.0, order="A-1")
        self.begun("A-1")
        self.be(good=1)
        self.be(width=14.8)
        self.widths(1)
        gateway.kill()
        self.unit.set("holding", 2, 210)
        gateway = self.gateway(self.plant())
        self.widths(2)
        gateway.kill()
        self.gateway(self.plant())
        self.be(order="B-2", width=14.8)
        self.assertEqual(self.jobs(1)[0]["width"], 21.0)
        self.begun("A-1", "B-2")
        self.assertEqual(self.widths(2), [("A-1", 21.0, 14.8), ("A-1", 14.8, 21.0)])
        self.assertEqual(self.receiver.ledger().missing(), [])

    def test_a_job_goes_on_over_a_kill_a_restart_and_a_reload(self):
        gateway = self.gateway(self.plant())
        self.be(code=1, good=0, width=21.0, order="A-1")
        self.begun("A-1")
        self.be(good=10)
        gateway.kill()
        self.unit.set("holding", 1, 13)
        gateway = self.gateway(self.plant())
        self.be(good=13)
        gateway.reload(self.plant(ideal_rate="3600/h"))
        self.be(good=14)
        gateway.stop()
        gateway = self.gateway(self.plant())
        self.be(good=17)
        self.be(order="B-2")
        record = self.jobs(1)[0]
        self.assertEqual((record["job"], record["next"], record["good"]), ("A-1", "B-2", 17))
        self.assertGreaterEqual(record["inferred"], 3)
        self.begun("A-1", "B-2")
        self.be(good=20)
        gateway.kill()
        self.unit.set("holding", 1, 21)
        self.gateway(self.plant())
        self.be(order="C-3", good=21)
        record = self.jobs(2)[1]
        self.assertEqual(record["next"], "C-3")
        self.assertIn(record["job"], (None, "B-2"))
        self.assertEqual(record["good"], 4)


if __name__ == "__main__":
    unittest.main()
