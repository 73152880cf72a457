"""bindery read, write, scan and guess: through the running daemon, without it, on real peers."""
import json
import os
import pty
import re
import select
import subprocess
import time
import unittest

from compat import set_identity
from harness import BINDERY, machine, tag, tcp_link, wait_for, write_config
from image import ORDERS, VALUES, Image, arrange, encode
from peers import (ModbusServer, ScriptedModbus, TcpServer, Unit, counting, modbus_answer,
                   receive, words)
from receiver import BrokerCase


class Ask(BrokerCase):
    """The machines: unit 1 counts in holding:0 whenever it is read, 3 and 7 are beside it."""

    def units(self):
        self.unit = Unit(holding={0: 0, **{a: 0 for a in range(10, 40)}}, coil={3: 0, 4: 1},
                         on_read=counting(0))
        return {1: self.unit, 3: Unit(holding={5: 5}), 7: Unit(holding={0: 77})}

    def tcp(self, every="1s", timeout="200ms", run=True, machines=True):
        """A Modbus TCP link with unit 1, polled by a running gateway or by nobody."""
        self.server = ModbusServer(self, self.units())
        config = self.config(None, [tcp_link("l", self.server.port, timeout=timeout)],
                             [machine("m", "l", [tag("count", "holding:0")], every=every)]
                             if machines else [])
        self.path = write_config(self, config)
        if run:
            self.gw = self.gateway(config)
            if machines:
                wait_for(lambda: self.unit.served, what="the first poll")

    def ask(self, command, *arguments, **options):
        return self.bindery(command, "l", "-c", self.path, *arguments, **options)

    def polls(self):
        """When the polled register was served."""
        return [at for at, area, address, _ in self.unit.served if area == "holding" and
                address == 0]

    def only_one_connection(self):
        """Nobody but the gateway has connected."""
        self.assertLessEqual(self.server.connections, 1)


class Through(Ask):
    def test_read_goes_through_the_running_daemon(self):
        self.tcp()
        self.unit.set("holding", 10, 0x1234, 0x5678)
        self.assertIn(str(0x56781234), self.ask("read", "holding:10", "-t", "u32", "-o", "CDAB"))
        self.assertIn("77", self.ask("read", "-u", "7", "holding:0"))
        self.assertIn("exception 2", self.ask("read", "holding:500", status=1))
        self.assertIn("did not answer", self.ask("read", "-u", "9", "holding:0", status=1))
        self.only_one_connection()

    def test_read_works_without_the_daemon(self):
        self.tcp(run=False)
        self.unit.set("holding", 10, 4242)
        self.assertIn("4242", self.ask("read", "holding:10"))
        self.assertIn("4242", self.bindery("read", f"127.0.0.1:{self.server.port}", "holding:10"))

    def test_a_link_without_machines_can_be_asked(self):
        self.tcp(machines=False)
        self.assertIn("77", self.ask("read", "-u", "7", "holding:0"))
        self.server.stop()
        self.assertIn("bindery status", self.ask("read", "-u", "7", "holding:0", status=1))
        self.server.start()
        self.assertIn("77", self.ask("read", "-u", "7", "holding:0"))

    def test_a_link_that_is_down_says_so_at_once(self):
        self.tcp(every="200ms")
        self.server.stop()
        self.gw.wait_log("link l: .*next try")
        self.assertIn("bindery status", self.ask("read", "-u", "7", "holding:0", status=1))

    def test_a_reload_ends_what_waits_for_a_link_that_goes(self):
        self.tcp(every="200ms", timeout="30s")
        asked = subprocess.Popen([BINDERY, "read", "l", "-c", self.path, "-u", "9", "holding:0"],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        time.sleep(1)
        config = self.config(None, [tcp_link("other", self.server.port)],
                             [machine("m", "other", [tag("count", "holding:0")])])
        self.gw.reload(config)
        output, _ = asked.communicate(timeout=20)
        self.assertEqual(asked.returncode, 1)
        self.assertIn("down", output)

    def test_the_daemon_goes_on_while_a_client_waits(self):
        self.tcp(every="200ms", timeout="5s")
        asked = subprocess.Popen([BINDERY, "read", "l", "-c", self.path, "-u", "9", "holding:0"],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        began = time.monotonic()
        for _ in range(5):
            self.gw.status()
        self.assertLess(time.monotonic() - began, 2)
        self.assertIn("somebody else", self.ask("read", "-u", "9", "holding:0", status=1))
        output, _ = asked.communicate(timeout=30)
        self.assertIn("did not answer", output)

    def test_the_gateway_stops_while_a_client_waits(self):
        self.tcp(every="200ms", timeout="20s")
        asked = subprocess.Popen([BINDERY, "read", "l", "-c", self.path, "-u", "9", "holding:0"],
                                 stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
        time.sleep(1)
        self.assertEqual(self.gw.stop(), 0)
        output, _ = asked.communicate(timeout=10)
        self.assertEqual(asked.returncode, 1, output)

    def test_polls_keep_their_times_while_a_scan_meets_silent_units(self):
        self.tcp(every="1s", timeout="300ms")
        before = len(self.polls())
        began = time.monotonic()
        found = json.loads(self.ask("scan", "--units", "1-12", "--json"))
        took = time.monotonic() - began
        self.assertEqual([unit["unit"] for unit in found["units"]], [1, 3, 7])
        wait_for(lambda: len(self.polls()) > before + took, what="polls after the scan")
        times = self.polls()
        # Those of the scan itself are in it: polls are what lies on the second of the first.
        phase = times[0] % 1
        late = [abs((at % 1 - phase + 0.5) % 1 - 0.5) for at in times]
        on_time = [at for at, off in zip(times, late) if off < 0.1]
        steps = [b - a for a, b in zip(on_time, on_time[1:]) if b - a > 0.5]
        self.assertTrue(all(abs(step - 1) < 0.2 for step in steps), steps)
        self.only_one_connection()

    def test_polls_closer_than_a_timeout_wait_for_one_silent_unit_at_most(self):
        self.tcp(every="200ms", timeout="300ms")
        self.ask("scan", "--units", "9-10", status=1)
        wait_for(lambda: len(self.polls()) > 10, what="polls")
        times = self.polls()
        gaps = [b - a for a, b in zip(times, times[1:])]
        self.assertLess(max(gaps), 0.3 + 0.2 + 0.2)
        self.assertLessEqual(len([gap for gap in gaps if gap > 0.35]), 2)


class Write(Ask):
    def test_write_without_yes_only_shows(self):
        self.tcp()
        shown = self.ask("write", "holding:10", "4660", status=1)
        for word in ("now", "0x0000", "request", "function 6", "06000A1234", "new", "0x1234",
                     "nothing was written"):
            self.assertIn(word, shown)
        self.assertEqual(self.unit.areas["holding"][10], 0)

    def test_write_writes_each_type_and_reads_it_back(self):
        self.tcp()
        for at, value, options, area, expected, function in (
                ("holding:10", "1500", (), "holding", {10: 1500}, "06"),
                ("holding:11", "150", ("--several",), "holding", {11: 150}, "10"),
                ("holding:12", "305419896", ("-t", "u32", "-o", "CDAB"), "holding",
                 {12: 0x5678, 13: 0x1234}, "10"),
                ("holding:14", "12.5", ("-t", "f32"), "holding", {14: 0x4148, 15: 0}, "10"),
                ("holding:16", "1234.5", ("-t", "bcd32", "-s", "0.1"), "holding",
                 {16: 0x0001, 17: 0x2345}, "10"),
                ("holding:18", "Kleber", ("-t", "string:8"), "holding",
                 {18: 0x4B6C, 19: 0x6562, 20: 0x6572, 21: 0}, "10"),
                ("coil:3", "on", (), "coil", {3: 1}, "05"),
                ("coil:4", "0", ("--several",), "coil", {4: 0}, "0F")):
            with self.subTest(at):
                done = self.ask("write", at, value, *options, "--yes")
                self.assertIn("reads", done)
                for address, word in expected.items():
                    self.assertEqual(int(self.unit.areas[area][address]), word)
                self.gw.wait_log(rf"link l: unit 1: written by hand: {function}")
        self.bindery("write", "l", "-c", self.path, "--type", "s16", "--yes", "--", "holding:22",
                     "-20")
        self.assertEqual(self.unit.areas["holding"][22], 65516)

    def test_write_says_what_a_machine_refuses(self):
        self.tcp()
        self.assertIn("exception 2", self.ask("write", "holding:500", "1", "--yes", status=1))
        self.gw.wait_log("link l: unit 1: a write asked for by hand was refused with exception 2")
        self.assertIn("nothing was written",
                      self.ask("write", "-u", "9", "holding:10", "1", "--yes", status=1))

    def test_write_takes_no_value_the_type_can_not_hold(self):
        self.tcp(run=False)
        for arguments in (("holding:10", "65536"), ("holding:10", "1.5"), ("input:1", "1"),
                          ("discrete:1", "1"), ("holding:10.3", "1"), ("coil:3", "2"),
                          ("holding:65535", "1", "-t", "u32")):
            self.ask("write", *arguments, "--yes", status=2)
        self.assertEqual(self.unit.served, [])


class Leaver(TcpServer):
    """Unit 2 alone, whose word is 1; hangs up behind each answer, and in the place of others."""

    def serve(self, client):
        header = receive(client, 7)
        request = header + receive(client, int.from_bytes(header[4:6], "big") - 1)
        if request[6] == 2:
            client.sendall(modbus_answer(request, [1]) if request[7] == 3 else request)


class Scan(Ask):
    def test_scan_finds_units_and_who_they_are(self):
        set_identity("Bindery Works", "BW-7", "V2.1")
        self.addCleanup(set_identity, "", "", "")
        self.tcp(run=False)
        table = self.ask("scan", "--units", "0-8,255")
        for pattern in (r"\b1\s+a value", r"\b3\s+exception 2", r"\b7\s+a value",
                        r"Bindery Works BW-7 V2\.1"):
            self.assertRegex(table, pattern)
        self.assertEqual(len(re.findall(r"(?m)^\s+\d+  ", table)), 3)

    def test_scan_takes_a_bare_address_and_says_that_nobody_is_there(self):
        self.server = ModbusServer(self, self.units())
        self.assertIn("no unit answers", self.bindery(
            "scan", f"127.0.0.1:{self.server.port}", "--units", "20-21", "--timeout", "50ms",
            status=1))
        self.assertRegex(self.bindery("scan", "127.0.0.1:1", "--units", "1", status=1), "(?i)refused")

    def test_scan_tells_of_answers_that_came_too_late(self):
        server = ScriptedModbus(self, lambda request: [(0.25, modbus_answer(request, [1]))])
        late = self.bindery("scan", f"127.0.0.1:{server.port}", "--units", "1-4", "--timeout",
                            "200ms", status=1)
        self.assertRegex(late, r"no unit answers[^$]*came too late")

    def test_scan_goes_on_where_a_machine_hangs_up(self):
        server = Leaver(self)

        def scan(units, **options):
            return self.bindery("scan", f"127.0.0.1:{server.port}", "--units", units, "--timeout",
                                "2s", **options)
        self.assertRegex(scan("0-3"), r"\b2\s+a value")
        self.assertRegex(scan("0,1,3", status=1), "3 times the connection was closed")

    def test_scan_does_not_take_a_gateways_refusal_for_a_unit(self):
        def answer(request):
            if request[6] == 5:
                return [(0, modbus_answer(request, [1]))] if request[7] == 3 else []
            return [(0, request[:4] + bytes([0, 3, request[6], request[7] | 0x80, 11]))]
        server = ScriptedModbus(self, answer)
        found = json.loads(self.bindery("scan", f"127.0.0.1:{server.port}", "--units", "1-10",
                                        "--timeout", "300ms", "--json"))
        self.assertEqual([unit["unit"] for unit in found["units"]], [5])


class Guess(Ask):
    def plant(self, run=True):
        """Registers 0 to 199 with a hole, and the same numbers in input registers."""
        self.tcp(run=run)
        self.unit.areas["holding"].update({a: (a * 7919) & 0xFFFF for a in range(40, 200)
                                           if a not in range(90, 95)})
        self.unit.areas["input"].update({a: 0 for a in range(100)})

    def yaml_tags(self, output):
        return output[output.index("tags:"):]

    def test_guess_finds_a_number_behind_holes_and_prints_its_tag(self):
        for run in (True, False):
            with self.subTest(run=run):
                self.plant(run)
                self.unit.set("holding", 97, 0x4321, 0x0012)
                output = self.ask("guess", "--value", str(0x124321), "--to", "199")
                self.assertRegex(output, r"holding:97\s+u32\s+CDAB\s+scale 1\s")
                self.assertIn("- name: value\n    at: holding:97\n    type: u32\n    order: CDAB\n",
                              self.yaml_tags(output))
                if run:
                    self.gw.stop()

    def test_what_guess_prints_is_a_tag_that_reads_the_number(self):
        self.plant(run=False)
        self.unit.set("input", 50, *words(encode("f32", 167.53)))
        output = self.ask("guess", "--value", "167.5", "--table", "input", "--to", "99")
        self.assertRegex(output, r"input:50\s+f32\s+ABCD")
        self.assertIn("167.5", self.ask("read", "input:50", "-t", "f32"))

    def test_a_later_value_narrows_it_down(self):
        self.plant()
        keep = os.path.join(self.directory, "kept")
        self.unit.set("holding", 20, 1234)
        self.unit.set("holding", 30, 1234)
        first = self.ask("guess", "--value", "1234", "--to", "60", "--keep", keep)
        self.assertIn("holding:20", first)
        self.assertIn("holding:30", first)
        self.unit.set("holding", 30, 1240)
        then = self.ask("guess", "--then", "1240", "--keep", keep)
        self.assertNotIn("holding:20", then)
        self.assertRegex(then, r"holding:30\s+u16\s+ABCD\s+scale 1\s")
        self.assertIn("no register holds", self.ask("guess", "--then", "5", "--keep", keep,
                                                    status=1))

    def test_on_a_terminal_a_later_value_is_asked_for(self):
        self.plant(run=False)
        self.unit.set("holding", 20, 1234)
        self.unit.set("holding", 30, 1234)
        ours, theirs = pty.openpty()
        child = subprocess.Popen(
            [BINDERY, "guess", "l", "-c", self.path, "--value", "1234", "--to", "60"],
            stdin=theirs, stdout=theirs, stderr=theirs)
        os.close(theirs)
        said = ""

        def read_until(word):
            nonlocal said
            while word not in said:
                self.assertTrue(select.select([ours], [], [], 20)[0], said)
                said += os.read(ours, 4096).decode()
            before, _, said = said.partition(word)
            return before

        first = read_until("Enter ends) ")
        self.assertIn("holding:20", first)
        self.assertIn("holding:30", first)
        os.write(ours, b"nonsense\n")
        read_until("is no number")
        read_until("Enter ends) ")
        self.unit.set("holding", 20, 1235)
        os.write(ours, b"1235\n")
        narrowed = read_until("tags:")
        self.assertIn("holding:20", narrowed)
        self.assertNotIn("holding:30", narrowed)
        os.write(ours, b"\n")
        self.assertEqual(child.wait(20), 0)
        os.close(ours)

    def test_a_file_that_is_none_of_ours_is_told(self):
        self.plant(run=False)
        keep = os.path.join(self.directory, "kept")
        with open(keep, "w", encoding="utf-8") as file:
            file.write("bindery guess 1\nholding 5 u16 ABCD 99\n")
        self.assertIn(f"{keep}:2:", self.ask("guess", "--then", "5", "--keep", keep, status=1))

    def test_guess_refuses_what_tells_nothing(self):
        self.plant(run=False)
        for arguments in (("--value", "0"), ("--value", "x"), (), ("--then", "5"),
                          ("--value", "5", "--from", "9", "--to", "8"),
                          ("--value", "5", "--table", "coil")):
            self.ask("guess", *arguments, status=2)


class Mbpoll(Ask):
    """mbpoll, which others wrote, reads the same."""
    TYPES = {"u16": ("4", ()), "s16": ("4", ()), "u32": ("4:int", ("ABCD", "CDAB")),
             "s32": ("4:int", ("ABCD", "CDAB")), "f32": ("4:float", ("ABCD", "CDAB"))}

    def mbpoll(self, kind, address, *options):
        return subprocess.run(
            ["mbpoll", "-m", "tcp", "-p", str(self.server.port), "-a", "1", "-0", "-1", "-q",
             "-t", kind, "-r", str(address), "-c", "1", *options, "127.0.0.1"],
            capture_output=True, text=True, check=True, timeout=20).stdout

    def test_read_agrees_with_mbpoll_on_every_type(self):
        image = Image()
        self.server = ModbusServer(self, {1: Unit(**image.areas)})
        where = f"127.0.0.1:{self.server.port}"
        compared = 0
        for kind, (theirs, _) in self.TYPES.items():
            for item in image.tags:
                area, _, address = item["at"].partition(":")
                order = item.get("order", "ABCD")
                if item["type"] != kind or area not in ("holding", "input") or \
                        order not in (("ABCD",) if kind[1:] == "16" else ("ABCD", "CDAB")):
                    continue
                table = theirs.replace("4", "4" if area == "holding" else "3")
                big = ["-B"] if order == "ABCD" and kind[1:] == "32" else []
                said = re.search(rf"\[{address}\]:\s+(\S+)(?: \((-\d+)\))?",
                                 self.mbpoll(table, address, *big))
                number = float(said.group(2) if said.group(2) and kind[0] == "s"
                               else said.group(1))
                if kind == "u32" and number < 0:
                    number += 2 ** 32
                ours = self.bindery("read", where, item["at"], "-t", kind, "-o", order)
                value = float(ours.split()[-1])
                with self.subTest(item["name"]):
                    self.assertAlmostEqual(value, number, delta=abs(value) * 1e-5)
                compared += 1
        self.assertEqual(compared, 2 * (3 + 2 + 2 * (2 + 2 + 3)))
        for area, table in (("coil", "0"), ("discrete", "1")):
            for address in range(4):
                said = re.search(r"\[\d+\]:\s+(\d)", self.mbpoll(table, address)).group(1)
                ours = self.bindery("read", where, f"{area}:{address}").split()[-1]
                self.assertEqual(ours, {"0": "false", "1": "true"}[said])


del Ask, BrokerCase

if __name__ == "__main__":
    unittest.main()
