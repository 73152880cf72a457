"""Machines that speak in lines of text: scales, scanners and boxes on pseudo-terminals and over TCP,
asked and of their own accord, whole and broken."""
import os
import select
import threading
import time
import unittest

from harness import free_port, tag, tcp_link, wait_for
from peers import ModbusServer, PtyPair, TcpServer, Unit
from receiver import BrokerCase

PROFILES = os.path.join(os.environ.get("BINDERY_SOURCE", "../.."), "config/profiles")


class Instrument:
    """A device on the machine's side of a pseudo-terminal: says what it is told to, and answers by
    `answer(bytes)`, which gives bytes or None."""

    def __init__(self, test, device, answer=None):
        self.descriptor = os.open(device, os.O_RDWR | os.O_NOCTTY)
        self.answer, self.heard = answer, b""
        self._end = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        test.addCleanup(self.stop)

    def _run(self):
        while not self._end.is_set():
            if not select.select([self.descriptor], [], [], 0.05)[0]:
                continue
            try:
                asked = os.read(self.descriptor, 4096)
            except OSError:
                return
            self.heard += asked
            answer = self.answer(asked) if self.answer else None
            if answer:
                self.say(answer)

    def say(self, line):
        os.write(self.descriptor, line)

    def stop(self):
        if not self._end.is_set():
            self._end.set()
            self._thread.join(5)
            os.close(self.descriptor)


def say_quietly(instrument, line):
    try:
        instrument.say(line)
    except OSError:
        pass


class Speaker(TcpServer):
    """A serial server with a device behind it that speaks of its own accord."""

    def __init__(self, test):
        self.clients, self.heard = [], b""
        super().__init__(test)

    def serve(self, client):
        self.clients.append(client)
        while data := client.recv(4096):
            self.heard += data

    def say(self, line):
        self.clients[-1].sendall(line)


class Text(BrokerCase):
    def setUp(self):
        super().setUp()
        os.environ["BINDERY_PROFILES_DIR"] = PROFILES
        self.addCleanup(os.environ.pop, "BINDERY_PROFILES_DIR")

    def link(self, pair, **options):
        return {"name": "line", "driver": "serial-text", "device": pair.gateway, "baud": 9600,
                "timeout": "300ms", **options}

    def machine(self, name="m", **options):
        return {"name": name, "link": "line", "every": "200ms", **options}

    def scanner(self, pair, text=(), **link):
        """A gateway with a scanner that it listens to, once it does."""
        gateway = self.run_gateway(
            [self.link(pair, **link)],
            [self.machine(text={"patterns": [{"match": r"(?<code>\d+)"}], "no_read": ["NO LABEL"],
                                "event": "code", **dict(text)},
                          tags=[tag("code", "text:code", "string:32")])])
        self.listens(gateway)
        return gateway

    def listens(self, gateway, since=0):
        """Nobody knows where a line begins right behind the opening: that time is over."""
        gateway.wait_log("link line: open", 45, since)
        opened = [at for at, line in gateway.lines if "link line: open" in line][-1]
        wait_for(lambda: time.monotonic() > opened + 0.2, what="the time behind the opening")

    def reads(self):
        return [(event.content["value"], event.content["no_read"])
                for event in self.receiver.ledger().events("m")]

    def expect_reads(self, *reads):
        wait_for(lambda: len(self.reads()) >= len(reads), what=f"{len(reads)} reads")
        self.assertEqual(self.reads(), list(reads))

    def test_a_scale_that_is_asked(self):
        pair, weights = PtyPair(self), iter(range(1, 10 ** 6))
        Instrument(self, pair.machine,
                   lambda asked: b"ST,GS,+%07.2fkg\r\n" % (next(weights) / 4)
                   if asked == b"W\r\n" else b"?\r\n")
        self.run_gateway([self.link(pair)], [self.machine(profile="scale-asked")])
        entry = self.receiver.wait_reading(
            where=lambda e: e.values.get("weight") == 1.25)
        values, bad = self.receiver.latest("m")
        self.assertEqual((values["status"], values["mode"], bad), ("ST", "GS", {}))
        self.assertGreater(entry.seq, 1)

    def test_a_late_answer_is_not_the_next_ones(self):
        pair, late, count = PtyPair(self), [], [0]

        def answer(asked):
            count[0] += 1
            line = b"ST,GS,+%04d.0kg\r\n" % count[0]
            if count[0] % 3 == 0:
                timer = threading.Timer(0.45, say_quietly, (instrument, line))
                late.append(count[0])
                timer.start()
                self.addCleanup(timer.join)
                return None
            return line
        instrument = Instrument(self, pair.machine, answer)
        self.run_gateway([self.link(pair)], [self.machine(profile="scale-asked")])
        self.receiver.wait_reading(where=lambda e: e.values.get("weight", 0) >= 10, seconds=30)
        weights = {e.values["weight"] for e in self.receiver.readings("m") if "weight" in e.values}
        self.assertFalse(weights & set(late))
        self.assertEqual({e.bad.get("weight") for e in self.receiver.readings("m") if e.bad},
                         {"timeout"})

    def test_two_machines_on_a_line_one_silent(self):
        pair = PtyPair(self)
        answers = {b"A\r\n": b"A12.5\r\n", b"B\r\n": None}
        Instrument(self, pair.machine, answers.get)
        self.run_gateway(
            [self.link(pair)],
            [self.machine(name, text={"ask": name.upper() + "\r\n",
                                      "patterns": [{"match": name.upper() + "(?<v>.*)"}]},
                          tags=[{"name": "v", "at": "text:v"}]) for name in ("a", "b")])
        self.receiver.wait_latest("a", {"v": 12.5})
        self.receiver.wait_latest("b", {}, {"v": "timeout"})
        answers[b"B\r\n"] = b"A1\r\n"
        self.receiver.wait_latest("b", {}, {"v": "frame"}, seconds=30)
        self.receiver.wait_latest("a", {"v": 12.5})

    def test_a_scale_that_speaks_all_the_time(self):
        pair = PtyPair(self)
        instrument = Instrument(self, pair.machine)
        self.run_gateway([self.link(pair)], [self.machine(profile="scale")])

        def speak():
            for number in range(1, 400):
                if ended.wait(0.02):
                    return
                instrument.say(b"ST,GS,+%07.3fkg\r\n" % (number / 8))
        ended = threading.Event()
        thread = threading.Thread(target=speak)
        thread.start()
        self.addCleanup(thread.join)
        self.addCleanup(ended.set)
        self.receiver.wait_reading(where=lambda e: e.values.get("weight", 0) > 30, seconds=30)
        weights = [e.values["weight"] for e in self.receiver.readings("m") if "weight" in e.values]
        self.assertEqual(weights, sorted(weights))
        # Each line from the first on: none is lost between two looks at the line.
        self.assertEqual({round((b - a) * 8) for a, b in zip(weights, weights[1:])}, {1})
        self.assertFalse([e.bad for e in self.receiver.readings("m") if e.bad])

    def test_every_read_is_an_event_with_its_own_time(self):
        pair = PtyPair(self)
        self.scanner(pair, end="cr")
        instrument = Instrument(self, pair.machine)
        instrument.say(b"4006381333931\r")
        self.expect_reads(("4006381333931", False))
        instrument.say(b"4006381333931\rNO LABEL\r123\r4006381333931\r")
        self.expect_reads(*[("4006381333931", False)] * 2, (None, True), ("123", False),
                          ("4006381333931", False))
        self.receiver.wait_latest("m", {"code": "4006381333931"})
        events = self.receiver.ledger().events("m")
        for event in events:
            self.assertLess(abs(event.content["ts"] - event.message.wall_ms), 2000)
        self.assertGreater(events[1].content["ts"], events[0].content["ts"])

    def test_noise_and_halves_of_lines_are_no_reads(self):
        pair = PtyPair(self)
        gateway = self.scanner(pair)
        instrument = Instrument(self, pair.machine)
        instrument.say(b"1111\r\n")
        self.expect_reads(("1111", False))
        instrument.say(b"\x00\xff12\x80\r\n")
        self.receiver.wait_latest("m", {}, {"code": "frame"})
        instrument.say(b"22")
        discarded = lambda: gateway.status()["links"][0]["discarded"]
        wait_for(lambda: discarded() >= 2, what="half a line is given up")
        instrument.say(b"22\r\n3333\r\n")
        self.expect_reads(("1111", False), ("3333", False))
        instrument.say(b"5" * 3000 + b"\r\n4444\r\n")
        self.expect_reads(("1111", False), ("3333", False), ("4444", False))

    def test_a_line_may_end_with_a_silence(self):
        pair = PtyPair(self)
        self.scanner(pair, idle="60ms")
        instrument = Instrument(self, pair.machine)
        instrument.say(b"40063")
        instrument.say(b"81333931")
        self.expect_reads(("4006381333931", False))
        instrument.say(b"17")
        self.expect_reads(("4006381333931", False), ("17", False))

    def test_lines_of_a_fixed_length(self):
        pair = PtyPair(self)
        self.scanner(pair, length=4)
        instrument = Instrument(self, pair.machine)
        instrument.say(b"123456789012")
        self.expect_reads(("1234", False), ("5678", False), ("9012", False))

    def test_a_scanner_gets_its_acknowledgement(self):
        pair = PtyPair(self)
        self.scanner(pair, text={"ack": "\x06"}, end="cr")
        instrument = Instrument(self, pair.machine)
        instrument.say(b"17\rx\rNO LABEL\r")
        self.expect_reads(("17", False), (None, True))
        wait_for(lambda: instrument.heard == b"\x06\x06", what="two acknowledgements")

    def test_a_scanner_over_tcp(self):
        speaker = Speaker(self)
        gateway = self.run_gateway(
            [{"name": "line", "driver": "serial-text-tcp",
              "address": f"127.0.0.1:{speaker.port}"}],
            [self.machine(profile="barcode-scanner")])
        self.listens(gateway)
        for number in range(500):
            speaker.say(b"JOB-%d\r\n" % number)
        self.expect_reads(*[(f"JOB-{number}", False) for number in range(500)])
        speaker.close()
        self.receiver.wait_latest("m", {}, {"code": "link"})
        since = len(gateway.lines)
        speaker.listen()
        self.listens(gateway, since)
        speaker.say(b"AGAIN\r\n")
        self.receiver.wait_latest("m", {"code": "AGAIN"})

    def test_silence_is_no_fault_unless_it_is_said_so(self):
        pair = PtyPair(self)
        gateway = self.scanner(pair, text={"silent_after": "1s"})
        instrument = Instrument(self, pair.machine)
        instrument.say(b"1\r\n")
        self.receiver.wait_latest("m", {"code": "1"})
        self.receiver.wait_latest("m", {}, {"code": "timeout"})
        self.assertFalse(gateway.status()["machines"][0]["online"])
        instrument.say(b"2\r\n")
        self.receiver.wait_latest("m", {"code": "2"}, seconds=0.9)

    def test_a_box_that_counts(self):
        pair = PtyPair(self)
        gateway = self.run_gateway([self.link(pair)], [self.machine(profile="counter-box")])
        self.listens(gateway)
        instrument = Instrument(self, pair.machine)
        instrument.say(b"1:99999990\r\n2:00000005\r\n")
        self.receiver.wait_reading(where=lambda e: "count_2" in e.values)
        instrument.say(b"1:99999999\r\n1:00000004\r\n2:00000006\r\n")
        wait_for(lambda: {"count_1": 14, "count_2": 1}.items()
                 <= self.receiver.latest("m")[0].items(), what="totals")

    def test_a_line_that_was_unplugged_comes_back(self):
        pair = PtyPair(self)
        gateway = self.scanner(pair)
        instrument = Instrument(self, pair.machine)
        instrument.say(b"1\r\n")
        self.receiver.wait_latest("m", {"code": "1"})
        pair.unplug()
        instrument.stop()
        self.receiver.wait_latest("m", {}, {"code": "link"})
        since = len(gateway.lines)
        pair.plug()
        self.listens(gateway, since)
        instrument = Instrument(self, pair.machine)
        instrument.say(b"2\r\n")
        self.receiver.wait_latest("m", {"code": "2"})

    def test_a_scan_begins_a_job(self):
        pair = PtyPair(self)
        gateway = self.run_gateway([self.link(pair)], [self.machine(
            text={"patterns": [{"match": r"J(?<job>\w+)"}, {"match": r"N(?<good>\d+)"}]},
            tags=[tag("job", "text:job", "string:16"),
                  tag("good", "text:good", "u32", counter={"counts": "good", "kind": "reset"})],
            job={"id": "job"})])
        self.listens(gateway)
        instrument = Instrument(self, pair.machine)
        instrument.say(b"N0\r\nJ17\r\nN5\r\nN9\r\nJ18\r\nN10\r\n")

        def ended():
            return [e.content for e in self.receiver.ledger().events("m")
                    if e.content["event"] == "job"]
        wait_for(ended, what="the job's record")
        self.assertEqual((ended()[0]["job"], ended()[0]["next"], ended()[0]["good"]),
                         ("17", "18", 9))

    def test_a_scanner_says_the_job_of_another_machine(self):
        pair, unit = PtyPair(self), Unit(holding={0: 0})
        server = ModbusServer(self, {1: unit})
        gateway = self.run_gateway(
            [self.link(pair), tcp_link("press", server.port)],
            [self.machine("binder", tags=[tag("good", "holding:0",
                                              counter={"counts": "good", "kind": "reset"})],
                          job={"from": "scanner"}) | {"link": "press", "every": "50ms"},
             self.machine("scanner", profile="barcode-scanner")])
        self.listens(gateway)
        instrument = Instrument(self, pair.machine)

        def events(name):
            return [e.content for e in self.receiver.ledger().events("binder")
                    if e.content["event"] == name]
        for job, count in (("J-17", 5), ("J-18", 12)):
            instrument.say(job.encode() + b"\r\n")
            wait_for(lambda j=job: [e for e in events("job_begin") if e["job"] == j], what=job)
            unit.set("holding", 0, count)
            wait_for(lambda n=count: self.receiver.latest("binder")[0].get("good") == n,
                     what="the count")
        instrument.say(b"NO LABEL\r\n")
        self.receiver.wait_latest("scanner", {}, {"code": "range"})
        instrument.say(b"J-19\r\n")
        wait_for(lambda: len(events("job")) >= 2, what="the second record")
        self.assertEqual([(e["job"], e["next"], e["good"]) for e in events("job")],
                         [("J-17", "J-18", 5), ("J-18", "J-19", 7)])

    def test_the_simulator_speaks_for_them(self):
        asked, heard = free_port(), free_port()
        config = self.config(
            self.broker.port,
            [{"name": "line", "driver": "serial-text-tcp", "address": f"127.0.0.1:{asked}"},
             {"name": "other", "driver": "serial-text", "idle": "40ms",
              "device": os.path.join(self.directory, "scanner")},
             {"name": "box", "driver": "serial-text-tcp", "address": f"127.0.0.1:{heard}"}],
            [self.machine("scale", profile="scale-asked"),
             {**self.machine("scanner", profile="barcode-scanner"), "link": "other",
              "text": {"patterns": [{"match": "(?<code>.+)", "example": "4006381333931"}],
                       "event": "code"}},
             {**self.machine("box", profile="counter-box"), "link": "box"}])
        gateway = self.gateway(config)
        self.simulate(gateway.path, [asked, heard])
        for name in ("weight", "status", "mode"):
            self.receiver.wait_reading(name, 30, "scale", where=lambda e, n=name: n in e.values)
        self.receiver.wait_reading("code", 30, "scanner",
                                   where=lambda e: e.values.get("code") == "4006381333931")
        self.receiver.wait_reading("count_6", 30, "box", where=lambda e: "count_6" in e.values)
        for name in ("scale", "scanner", "box"):
            self.assertFalse([b for e in self.receiver.readings(name) for b in e.bad.values()
                              if b not in ("link", "timeout")])

    def test_check_plan_and_about_know_them(self):
        pair = PtyPair(self)
        gateway = self.run_gateway([self.link(pair)], [self.machine(profile="scale-asked")])
        self.assertIn("1 machine", self.bindery("check", "-c", gateway.path))
        plan = self.bindery("plan", "-c", gateway.path)
        self.assertRegex(plan, r"ask +W")
        self.assertRegex(plan, r"load: \d+\.\d % of the line")
        about = self.receiver.wait_message("/m/about").json()
        places = {entry["name"]: (entry["at"], entry["type"]) for entry in about["tags"]}
        self.assertEqual(places["weight"], ("text:weight", "decimal"))
        self.assertEqual(places["status"], ("text:status", "string:2"))
        refused = self.bindery("read", "line", "--unit", "1", "holding:0", "-c", gateway.path,
                               status=1)
        self.assertIn("speaks no Modbus", refused)


if __name__ == "__main__":
    unittest.main()
