"""bindery read, write, scan and guess on lines: RTU and ASCII on pseudo-terminals and over TCP,
through the running daemon and without it."""
import json
import subprocess
import time
import unittest

from harness import BINDERY, Case, machine, tag, wait_for, write_config
from peers import ModbusServer, PtyPair, Unit, counting, words
from image import encode

FAST = ("--timeout", "100ms")


class Line(Case):
    def units(self):
        self.unit = Unit(holding={0: 0, **{a: 0 for a in range(10, 40)}}, on_read=counting(0))
        return {1: self.unit, 3: Unit(holding={5: 5}), 7: Unit(holding={0: 77})}

    def line(self, framing="rtu", over_tcp=False):
        """The machines on a line, and the link that reaches them."""
        driver = f"modbus-{framing}" + ("-tcp" if over_tcp else "")
        link = {"name": "line", "driver": driver, "timeout": "200ms"}
        if over_tcp:
            self.server = ModbusServer(self, self.units(), framing=framing)
            link["address"] = f"127.0.0.1:{self.server.port}"
        else:
            self.pair = PtyPair(self)
            self.server = ModbusServer(self, self.units(), device=self.pair.machine,
                                       framing=framing)
            link.update(device=self.pair.gateway, baud=9600,
                        format="7E1" if framing == "ascii" else "8N1")
        return link

    def run_daemon(self, link, every="1s"):
        config = self.config(None, [link], [machine("m", "line", [tag("count", "holding:0")],
                                                    every=every)])
        self.path = write_config(self, config)
        self.gw = self.gateway(config)
        wait_for(lambda: self.unit.served, what="the first poll")

    def ask(self, command, *arguments, **options):
        return self.bindery(command, "line", "-c", self.path, *arguments, **options)

    def check_all(self):
        """read, write, scan and guess once each, of a link."""
        self.unit.set("holding", 20, *words(encode("f32", 167.5)))
        self.assertIn("167.5", self.ask("read", "holding:20", "-t", "f32"))
        self.assertIn("exception 2", self.ask("read", "-u", "3", "holding:0", status=1))
        self.assertIn("did not answer", self.ask("read", "-u", "9", "holding:0", status=1))
        self.ask("write", "holding:30", "70000", "-t", "u32", "--yes")
        self.assertEqual([self.unit.areas["holding"][a] for a in (30, 31)], [1, 70000 - 65536])
        self.ask("write", "holding:32", "5", "--yes")
        self.assertEqual(self.unit.areas["holding"][32], 5)
        self.assertIn("no such unit", self.ask("read", "-u", "0", "holding:0", status=1))
        found = json.loads(self.ask("scan", "--units", "1-8", "--json"))
        self.assertEqual([(unit["unit"], unit["exception"]) for unit in found["units"]],
                         [(1, 0), (3, 2), (7, 0)])
        self.assertRegex(self.ask("guess", "--value", "167.5", "--to", "60", "--table", "holding"),
                         r"holding:20\s+f32\s+ABCD\s+scale 1 ")

    def check_both(self, framing, over_tcp):
        link = self.line(framing, over_tcp)
        self.run_daemon(link)
        self.check_all()
        self.gw.wait_log(r"link line: unit 1: written by hand: 10001E")
        self.gw.stop()
        self.check_all()

    def test_rtu_on_a_port(self):
        self.check_both("rtu", False)

    def test_rtu_over_tcp(self):
        self.check_both("rtu", True)

    def test_ascii_on_a_port(self):
        self.check_both("ascii", False)

    def test_ascii_over_tcp(self):
        self.check_both("ascii", True)

    def test_a_port_that_the_daemon_has_is_left_to_it(self):
        self.run_daemon(self.line())
        since = len(self.gw.lines)
        self.assertIn("link's name", self.bindery("read", self.pair.gateway, "holding:0",
                                                  status=1))
        self.assertIn("link's name", self.bindery("scan", self.pair.gateway, "--units", "1",
                                                  status=1))
        self.assertIsNone(self.gw.find("next try|timeout", since))

    def test_polls_of_a_line_keep_their_times_while_silent_units_are_asked(self):
        self.run_daemon(self.line(), every="2s")
        self.ask("scan", "--units", "10-13", status=1)
        wait_for(lambda: len(self.unit.served) >= 5, what="polls")
        # The very first waits until the line has been quiet.
        times = [at for at, *_ in self.unit.served][1:]
        steps = [b - a for a, b in zip(times, times[1:])]
        self.assertTrue(all(abs(step - 2) < 0.15 for step in steps), steps)

    def check_search(self, framing):
        self.line(framing)
        table = self.bindery("scan", self.pair.gateway, "--units", "1-3", *FAST)
        self.assertRegex(table, rf"modbus-{framing}, {self.pair.gateway} 9600 ")
        self.assertRegex(table, r"\b1\s+a value")
        self.assertRegex(table, r"\b3\s+exception 2")

    def test_scan_finds_rtu_on_an_unknown_port(self):
        self.check_search("rtu")

    def test_scan_finds_ascii_on_an_unknown_port(self):
        self.check_search("ascii")

    def test_scan_goes_on_to_all_units_where_one_answered(self):
        pair = PtyPair(self)
        ModbusServer(self, {n: Unit(holding={0: n}) for n in range(1, 248)}, device=pair.machine)
        found = json.loads(self.bindery("scan", pair.gateway, "--json", "--timeout", "2s",
                                        seconds=100))
        self.assertEqual([unit["unit"] for unit in found["units"]], list(range(1, 248)))

    def test_scan_says_that_nothing_answers(self):
        self.line()
        self.assertIn("no unit answers", self.bindery(
            "scan", self.pair.gateway, "--units", "20", "-b", "9600", *FAST, status=1))
        self.assertIn("No such file", self.bindery("scan", "/dev/nonexistent", status=1))


class Mbpoll(Case):
    def test_read_agrees_with_mbpoll_over_rtu(self):
        """Both on the same pseudo-terminal, one after the other."""
        pair = PtyPair(self)
        unit = Unit(holding={0: 54321, 1: 65000, **dict(enumerate(words(
            encode("u32", 3000000000) + encode("s32", -2000000000) + encode("f32", 1234.5625)),
            2))}, input={4: 77}, coil={3: 1}, discrete={2: 1})
        ModbusServer(self, {1: unit}, device=pair.machine)
        for at, kind, theirs, options in (
                ("holding:0", "u16", "4", ()), ("holding:1", "s16", "4", ()),
                ("holding:2", "u32", "4:int", ("-B",)), ("holding:4", "s32", "4:int", ("-B",)),
                ("holding:6", "f32", "4:float", ("-B",)), ("input:4", "u16", "3", ()),
                ("coil:3", "bool", "0", ()), ("discrete:2", "bool", "1", ())):
            with self.subTest(at):
                done = subprocess.run(
                    ["mbpoll", "-m", "rtu", "-b", "9600", "-P", "none", "-a", "1", "-0", "-1",
                     "-q", "-t", theirs, "-r", at.split(":")[1], "-c", "1", *options,
                     pair.gateway], capture_output=True, text=True, check=True, timeout=20).stdout
                said = done.split("]:")[1].split()
                word = said[1].strip("()") if kind == "s16" and len(said) > 1 else said[0]
                ours = self.bindery("read", pair.gateway, at, "-t", kind).split()[-1]
                number = {"true": 1, "false": 0}.get(ours) if kind == "bool" else float(ours)
                theirs_number = float(word)
                if kind == "u32" and theirs_number < 0:
                    theirs_number += 2 ** 32
                self.assertAlmostEqual(number, theirs_number, delta=abs(number) * 1e-5)


if __name__ == "__main__":
    unittest.main()
