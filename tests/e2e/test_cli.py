"""bindery: check, plan, read, status, watch, simulate, verify; help and manual pages."""
import os
import re
import shutil
import subprocess
import unittest

from harness import BINDERY, Case, Mosquitto, free_port, machine, port_open, tag, tcp_link, \
    wait_for, write_config
from peers import ModbusServer, Unit, counting
from receiver import Receiver

SOURCE = os.environ.get("BINDERY_SOURCE", os.path.join(os.path.dirname(__file__), "..", ".."))
SUBCOMMANDS = ("check", "plan", "status", "watch", "read", "write", "scan", "guess", "tags",
               "record", "replay", "simulate", "support", "verify")

BROKEN = """\
gateway: has space
site: lab
colour: red
store: {path: /tmp/x.db, commit_every: 200}
uplinks:
  - {name: cloud, url: "http://broker"}
links:
  - {name: l, driver: modbus-tcp, address: "127.0.0.1:1502"}
  - {name: l, driver: modbus-tcp, address: "127.0.0.1:1503", timeout: 1s, timeout: 2s}
  - {name: s, driver: serial-text}
machines:
  - {name: m, link: nowhere, unit: 1, tags: [{name: a, at: "holding:70000", type: u16}]}
  - {name: n, link: l, unit: 999, tags: [{name: a, at: "holding:1", type: u17}]}
"""


class Cli(Case):
    def plant(self, broker_port=1883):
        self.unit = Unit(holding={**{a: 0 for a in range(10)}, 10: 0x1234, 11: 0x5678,
                                  12: 0x8000, 13: 563},
                         input={5: 42}, coil={3: 1, 4: 0}, on_read=counting(0))
        self.server = ModbusServer(self, {1: self.unit})
        config = self.config(broker_port, [tcp_link("l", self.server.port)],
                             [machine("m", "l", [tag("count", "holding:0"),
                                                 tag("speed", "holding:13", scale=0.1),
                                                 tag("wide", "holding:10", "u32")],
                                      every="200ms")])
        return config, write_config(self, config)

    def test_check_accepts_a_good_file(self):
        _, path = self.plant()
        self.bindery("check", "-c", path)

    def test_check_lists_every_fault_with_its_place(self):
        path = write_config(self, BROKEN)
        done = self.bindery("check", "-c", path, status=1)
        faults = [line for line in done.splitlines() if line.startswith(path)]
        for line, word in ((1, "has space"), (3, "colour"), (4, "200"), (6, "http"),
                           (9, "'?l'?"), (9, "timeout"), (10, "serial-text"), (12, "nowhere"),
                           (12, "70000"), (13, "999"), (13, "u17")):
            self.assertTrue([f for f in faults if re.match(rf"{re.escape(path)}:{line}:\d+: ", f)
                             and re.search(word, f)], f"no fault at {line} with {word}: {done}")

    def test_check_names_a_file_that_is_not_there(self):
        self.assertIn("/nonexistent.yaml", self.bindery("check", "-c", "/nonexistent.yaml",
                                                        status=1))

    def test_plan_shows_requests(self):
        _, path = self.plant()
        plan = self.bindery("plan", "-c", path)
        self.assertRegex(plan, r"holding")
        for name in ("m", "count", "speed", "wide", "%"):
            self.assertIn(name, plan)

    def test_check_warns_of_a_line_that_has_too_much_to_do(self):
        tags = [tag(f"t{n}", f"holding:{40 * n}") for n in range(10)]
        for every, word in (("800ms", "OVER"), ("1s", "HIGH"), ("10s", "EASY")):
            with self.subTest(every):
                path = write_config(self, self.config(1883, [
                    {"name": "line", "driver": "modbus-ascii", "device": "/dev/ttyX", "gap": 0,
                     "format": "7E1", "pause": "50ms"}],
                    [machine("m", "line", tags, every=every)]))
                done = subprocess.run([BINDERY, "check", "-c", path], capture_output=True,
                                      text=True, check=True, timeout=20)
                load = re.search(r"link line: its machines take (\d+) % of the line", done.stderr)
                planned = re.search(r"load: (\d+)\.", self.bindery("plan", "-c", path)).group(1)
                self.assertEqual(bool(load), word != "EASY", done.stderr)
                self.assertEqual("polls will be late" in done.stderr, word == "OVER")
                if load:
                    self.assertAlmostEqual(int(load.group(1)), int(planned), delta=1)

    def test_read_agrees_with_mbpoll(self):
        _, path = self.plant()
        for at, kind, mbpoll, address, count in (
                ("holding:10", "u16", "4", 10, 1), ("holding:13", "u16", "4", 13, 1),
                ("input:5", "u16", "3", 5, 1), ("coil:3", "bool", "0", 3, 1),
                ("coil:4", "bool", "0", 4, 1)):
            with self.subTest(at):
                ours = self.bindery("read", "l", "-c", path, "--unit", "1", at, "--type", kind)
                theirs = subprocess.run(
                    ["mbpoll", "-m", "tcp", "-p", str(self.server.port), "-a", "1", "-0", "-1",
                     "-q", "-t", mbpoll, "-r", str(address), "-c", str(count), "127.0.0.1"],
                    capture_output=True, text=True, check=True, timeout=20).stdout
                value = int(re.search(rf"\[{address}\]:\s+(\d+)", theirs).group(1))
                word = {0: "false", 1: "true"}[value] if kind == "bool" else str(value)
                self.assertRegex(ours, rf"\b({word}|{value})\b")

    def test_read_takes_type_and_order(self):
        _, path = self.plant()
        for order, expected in (("ABCD", 0x12345678), ("CDAB", 0x56781234),
                                ("BADC", 0x34127856), ("DCBA", 0x78563412)):
            self.assertIn(str(expected), self.bindery(
                "read", "l", "-c", path, "--unit", "1", "holding:10", "--type", "u32",
                "--order", order))

    def test_read_says_what_went_wrong(self):
        _, path = self.plant()
        answer = self.bindery("read", "l", "-c", path, "--unit", "1", "holding:500", status=1)
        self.assertRegex(answer, "exception.*2|2.*exception")
        self.server.stop()
        self.assertRegex(self.bindery("read", "l", "-c", path, "--unit", "1", "holding:10",
                                      status=1), "(?i)refused")

    def test_status_and_watch_show_what_is(self):
        broker = Mosquitto(self)
        receiver = Receiver(self, broker.port)
        config, path = self.plant(broker.port)
        self.assertRegex(self.bindery("status", "-c", path, status=1), "(?i)not running|no such")
        gateway = self.gateway(config)
        receiver.wait_reading()
        wait_for(lambda: gateway.status()["uplinks"][0]["connected"], what="a connected uplink")
        status = gateway.status()
        self.assertEqual([m["name"] for m in status["machines"]], ["m"])
        self.assertTrue(status["store"]["id"])
        text = self.bindery("status", "-c", path)
        for word in ("gw", "cloud", "l"):
            self.assertIn(word, text)
        watch = self.run_process([os.environ.get("BINDERY", "bindery"), "watch", "m", "-c", path],
                                 "bindery watch")
        watch.wait_log("speed.*56.3")
        watch.stop()

    def test_simulate_serves_a_whole_plant_for_verify(self):
        broker, port = Mosquitto(self), free_port()
        device = os.path.join(self.directory, "line")
        config = self.config(
            broker.port,
            [tcp_link("l", port), {"name": "s", "driver": "modbus-rtu", "device": device,
                                   "baud": 9600, "format": "8E1"}],
            [machine("m", "l", [tag("count", "holding:100", "u32"), tag("on", "coil:3", "bool"),
                                tag("glue_temp", "input:9")]),
             machine("n", "s", [tag("speed", "input:7")], 3),
             machine("o", "s", [tag("count", "holding:7")], 4)])
        path = write_config(self, config)
        simulator = self.simulate(path, [port])
        wait_for(lambda: os.path.exists(device), what="the pseudo-terminal")
        receiver = Receiver(self, broker.port)
        gateway = self.gateway(config)
        for name in "mno":
            receiver.wait_reading(machine=name, where=lambda e: e.values)
        # Counts stand still while a machine has a stop; its glue cools and is heated always.
        first = receiver.readings("m")[0].values["glue_temp"]
        receiver.wait_reading("values that move", 30, "m",
                              where=lambda e: e.values.get("glue_temp", first) != first)
        verify = self.bindery("verify", "--url", f"mqtt://127.0.0.1:{broker.port}",
                              "--topic", "bindery/lab/gw", "--for", "5s")
        self.assertRegex(verify, r"\d")
        gateway.stop()
        self.assertEqual(simulator.stop(), 0)
        self.assertFalse(os.path.lexists(device))
        self.assertFalse(port_open(port))

    def test_simulate_refuses_what_it_can_not_do(self):
        path = write_config(self, self.config(links=[tcp_link("l", free_port())], machines=[
            machine("m", "l", [tag("count", "holding:100", "u32")])]))
        for speed in ("0", "3601", "fast"):
            self.bindery("simulate", "-c", path, "--speed", speed, status=2)
        told = self.bindery("simulate", "-c", path, "--ledger",
                            os.path.join(self.directory, "no", "ledger"), status=1)
        self.assertIn("No such file or directory", told)

    def test_verify_finds_a_hole(self):
        broker = Mosquitto(self)
        path = os.environ.get("BINDERY", "bindery")
        verify = self.run_process([path, "verify", "--url", f"mqtt://127.0.0.1:{broker.port}",
                                   "--topic", "bindery/lab/gw", "--for", "4s"], "bindery verify")
        wait_for(lambda: re.search(r"(?m)New client connected", broker.process.log()), 10)
        publisher = Receiver(self, broker.port, topic="$SYS/nothing", name="publisher")
        publisher.client.subscribe("bindery/lab/gw/#", qos=1)

        def publish(*numbers):
            readings = ",".join(f'{{"seq":{n},"ts":{n},"values":{{"a":{n}}}}}' for n in numbers)
            publisher.client.publish(
                "bindery/lab/gw/m/readings", '{"gateway":"gw","store":"s1","machine":"m",'
                f'"readings":[{readings}]}}', qos=1).wait_for_publish()
        while verify.running and len(publisher.messages) < 400:
            publish(1, 2, 4)
            publisher.subscribed.wait(0.01)
        self.assertEqual(verify.wait(), 1, verify.log())
        self.assertRegex(verify.log(), r"\b3\b|\b1\b")

    def test_help_of_everything(self):
        self.assertIn("check", self.bindery("--help"))
        for subcommand in SUBCOMMANDS:
            self.assertRegex(self.bindery(subcommand, "--help"), rf"bindery {subcommand}")
        daemon = subprocess.run([os.environ.get("BINDERYD", "binderyd"), "--help"], check=True,
                                capture_output=True, text=True, timeout=20)
        self.assertIn("-c", daemon.stdout)

    def test_an_unknown_subcommand_is_refused(self):
        self.bindery("frobnicate", status=2)

    def test_manual_pages_are_well_formed(self):
        pages = [os.path.join(folder, name) for folder, _, names in os.walk(SOURCE)
                 for name in names if re.fullmatch(r"bindery(d|\.yaml)?\.[158]", name)
                 and "build" not in os.path.relpath(folder, SOURCE).split(os.sep)]
        self.assertEqual(sorted(map(os.path.basename, pages)),
                         ["bindery.1", "bindery.yaml.5", "binderyd.8"])
        self.assertTrue(shutil.which("mandoc"))
        for page in pages:
            done = subprocess.run(["mandoc", "-T", "lint", "-W", "warning", page], check=False,
                                  capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stdout), (0, ""))


if __name__ == "__main__":
    unittest.main()
