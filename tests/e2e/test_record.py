"""What is recorded on a link is what was on it, and plays as the machines did; the support bundle
holds what helps, and no secret."""
import json
import os
import re
import signal
import subprocess
import tarfile
import unittest

from harness import BINDERY, free_port, machine, tag, tcp_link, wait_for
from peers import ModbusServer, PtyPair, Unit, counting
from receiver import BrokerCase

LINE = re.compile(r"^\+\d+\.\d{6} ([><]) ((?:[0-9A-F]{2} ?)+)|^\+\d+\.\d{6} ! (.*)")


def chunks(text):
    """[(direction, bytes)…] and the marks of a recording."""
    found = [LINE.match(line) for line in text.splitlines() if line.startswith("+")]
    assert all(found), text
    return [(m[1], bytes.fromhex(m[2])) for m in found if m[1]], [m[3] for m in found if m[3]]


class Record(BrokerCase):
    def path(self, name):
        return os.path.join(self.directory, name)

    def record(self, link, seconds="1500ms"):
        """A recording of a link of the running gateway: its path and its text."""
        path = self.path(f"{link}.recording")
        self.bindery("record", link, "-c", self.path("bindery.yaml"), "--for", seconds,
                     "-o", path)
        with open(path, encoding="utf-8") as file:
            return path, file.read()

    def count_over_rtu(self):
        """A gateway that polls a counting unit on a pseudo-terminal."""
        pair = PtyPair(self)
        unit = Unit(holding={0: 0, 1: 7}, on_read=counting(0))
        ModbusServer(self, {3: unit}, device=pair.machine)
        gateway = self.run_gateway(
            [{"name": "line", "driver": "modbus-rtu", "device": pair.gateway}],
            [machine("m", "line", [tag("count", "holding:0")], 3, "100ms")])
        self.receiver.wait_reading(where=lambda e: e.values)
        return gateway

    def count_over_tcp(self):
        unit = Unit(holding={0: 0}, on_read=counting(0))
        server = ModbusServer(self, {1: unit})
        gateway = self.run_gateway([tcp_link("press", server.port)],
                                   [machine("m", "press", [tag("count", "holding:0")],
                                            every="100ms")])
        self.receiver.wait_reading(where=lambda e: e.values)
        return gateway

    def counts_in(self, text):
        """What the answers of unit 3 in a recording say, from the first request on."""
        way_and_data = chunks(text)[0]
        while way_and_data[0][0] == "<":
            way_and_data.pop(0)
        heard = b"".join(data for way, data in way_and_data if way == "<")
        return [int.from_bytes(heard[at + 3:at + 5], "big") for at in range(0, len(heard) - 6, 7)]

    def test_a_file_stays_where_nothing_is_recorded(self):
        config = self.config(self.broker.port, [tcp_link("press", 1)])
        path = self.path("kept.recording")
        for name, text in (("kept.recording", "kept"), ("bindery.yaml", json.dumps(config))):
            with open(self.path(name), "w", encoding="utf-8") as file:
                file.write(text)
        self.bindery("record", "press", "-c", self.path("bindery.yaml"), "-o", path, status=1)
        with open(path, encoding="utf-8") as file:
            self.assertEqual(file.read(), "kept")

    def test_a_line_is_recorded_byte_by_byte(self):
        self.count_over_rtu()
        _, text = self.record("line")
        self.assertIn("# bindery recording 1\nlink line\ndriver modbus-rtu\nbegan 20", text)
        self.assertIn("# machine m, unit 3, profile none\n", text)
        sent = {data for way, data in chunks(text)[0] if way == ">"}
        self.assertEqual(sent, {bytes.fromhex("030300000001 85E8")})
        heard = b"".join(data for way, data in chunks(text)[0] if way == "<")
        self.assertGreater(len(heard) // 7, 4)
        self.assertEqual(heard[-7:-4], bytes.fromhex("030302"))

    def test_a_recorded_line_plays_as_the_machine_did(self):
        gateway = self.count_over_rtu()
        path, text = self.record("line")
        gateway.stop()
        config = self.config(self.broker.port, [
            {"name": "line", "driver": "recording", "file": path, "speed": "fast",
             "timeout": "1s"}],
            [machine("played", "line", [tag("count", "holding:0")], 3, "100ms")])
        self.gateway(config)
        self.receiver.wait_reading("the end", 30, "played", where=lambda e: e.bad)
        played = [entry.values["count"] for entry in self.receiver.readings("played")
                  if entry.values]
        self.assertGreater(len(played), 4)
        self.assertEqual(played, self.counts_in(text))

    def test_a_recorded_connection_plays_over_tcp_to_whoever_asks(self):
        gateway = self.count_over_tcp()
        path, text = self.record("press")
        gateway.stop()
        answers = [data for way, data in chunks(text)[0] if way == "<"]
        self.assertGreater(len(answers), 4)
        port = free_port()
        replay = self.run_process([BINDERY, "replay", path, "--listen", f"127.0.0.1:{port}",
                                   "--fast", "--quiet"], "bindery replay")
        replay.wait_log("playing modbus-tcp")
        for data in answers[-3:]:
            said = self.bindery("read", f"127.0.0.1:{port}", "holding:0")
            self.assertRegex(said, r"holding:0 +0x[0-9A-F]{4} +\d+\n")
        said = self.bindery("read", f"127.0.0.1:{port}", "holding:9", "--timeout", "200ms",
                            status=1)
        self.assertIn("answer", said)
        replay.signal(signal.SIGTERM)
        wait_for(lambda: not replay.running, what="the end of the replay")
        self.assertEqual(replay.child.returncode, 0)

    def test_a_recording_plays_on_a_pseudo_terminal(self):
        with open(self.path("a.recording"), "w", encoding="utf-8") as file:
            file.write("# bindery recording 1\ndriver modbus-rtu\n"
                       "+1.000 > 01 03 21 02 00 02 6F F7\n+1.010 < 01 03 04 17 70 00 00 FE 5C\n")
        device = self.path("port")
        replay = self.run_process([BINDERY, "replay", self.path("a.recording"), "--device", device,
                                   "--repeat"], "bindery replay")
        replay.wait_log("playing modbus-rtu, 1 requests")
        for _ in range(2):
            said = self.bindery("read", device, "holding:8450", "--count", "2")
            self.assertIn("0x1770  6000", said)
        replay.signal(signal.SIGINT)
        replay.wait_log("2 of 1 recorded requests asked")
        wait_for(lambda: not replay.running, what="the end of the replay")
        self.assertFalse(os.path.lexists(device))

    def test_a_reload_puts_a_recording_in_service_and_takes_it_out(self):
        with open(self.path("a.recording"), "w", encoding="utf-8") as file:
            file.write("# bindery recording 1\ndriver modbus-rtu\n"
                       "+1.000 > 01 03 21 02 00 02 6F F7\n+1.010 < 01 03 04 17 70 00 00 FE 5C\n")
        link = {"name": "line", "driver": "recording", "file": self.path("a.recording"),
                "repeat": "on"}
        drive = machine("m", "line", [tag("set", "holding:8450"), tag("out", "holding:8451")],
                        every="100ms")
        gateway = self.run_gateway([], [])
        gateway.reload(self.config(self.broker.port, [link], [drive]))
        self.receiver.wait_latest("m", {"set": 6000, "out": 0})
        self.assertEqual(gateway.status()["links"][0]["driver"], "recording")
        said = self.bindery("read", "line", "holding:8450", "-n", "2", "-c", gateway.path)
        self.assertIn("0x1770  6000", said)
        since = gateway.reload(self.config(self.broker.port, [], []))
        gateway.wait_log("reloaded, 0 links", since=since)
        since = gateway.reload(self.config(self.broker.port, [{**link, "speed": "fast"}], [drive]))
        gateway.wait_log("link line: open", since=since)
        gateway.stop()
        said = self.bindery("read", "line", "holding:8450", "-c", gateway.path, status=1)
        self.assertIn("link line is a recording, which binderyd plays", said)

    def test_control_c_ends_a_recording_well(self):
        self.count_over_tcp()
        path = self.path("c.recording")
        record = self.run_process([BINDERY, "record", "press", "-c", self.path("bindery.yaml"),
                                   "-o", path], "bindery record")
        wait_for(lambda: os.path.exists(path) and os.path.getsize(path) > 500,
                 what="some lines of the recording")
        record.signal(signal.SIGINT)
        wait_for(lambda: not record.running, what="the end of the recording")
        self.assertEqual(record.child.returncode, 0)
        self.assertRegex(record.log(), r"c\.recording: \d+ lines, .* in \d+ s")
        with open(path, encoding="utf-8") as file:
            self.assertGreater(len(chunks(file.read())[0]), 3)

    def test_what_can_not_be_recorded_is_told(self):
        gateway = self.count_over_tcp()
        said = self.bindery("record", "nothing", "-c", self.path("bindery.yaml"), "--for", "1s",
                            "-o", self.path("n.recording"), status=1)
        self.assertIn("there is no such link", said)
        self.assertFalse(os.path.exists(self.path("n.recording")))
        gateway.stop()
        said = self.bindery("record", "press", "-c", self.path("bindery.yaml"), "--for", "1s",
                            "-o", self.path("n.recording"), status=1)
        self.assertIn("binderyd is not running", said)

    def test_recording_leaves_the_polls_alone(self):
        unit = Unit(holding={0: 0}, on_read=counting(0))
        server = ModbusServer(self, {1: unit})
        self.run_gateway([tcp_link("press", server.port)],
                         [machine("m", "press", [tag("count", "holding:0")], every="100ms")])
        self.receiver.wait_reading(where=lambda e: e.values)
        before = len(unit.served)
        self.record("press", "3s")
        self.assertGreaterEqual(len(unit.served) - before, 25)
        self.assertEqual([e.bad for e in self.receiver.readings("m") if e.bad], [])

    def test_a_closed_connection_is_in_the_recording(self):
        server = ModbusServer(self, {1: Unit(holding={0: 1})})
        self.run_gateway([tcp_link("press", server.port)],
                         [machine("m", "press", [tag("count", "holding:0")], every="200ms")])
        self.receiver.wait_reading(where=lambda e: e.values)
        path = self.path("p.recording")
        record = self.run_process([BINDERY, "record", "press", "-c", self.path("bindery.yaml"),
                                   "-o", path], "bindery record")
        wait_for(lambda: os.path.exists(path) and os.path.getsize(path) > 300, what="a begin")
        server.stop()

        def closed():
            with open(path, encoding="utf-8") as file:
                return "! closed" in file.read()
        wait_for(closed, what="the connection's end in the recording")
        record.signal(signal.SIGINT)
        wait_for(lambda: not record.running, what="the end of the recording")


class Support(BrokerCase):
    SECRETS = ("s3cretuser", "hunter2", "tok3n")

    def make(self, config, status=0):
        """The files of a bundle: {name below its folder: text}; no host has the archive's name."""
        archive = os.path.join(self.directory, "s:1.tar.gz")
        self.addCleanup(os.chdir, os.getcwd())
        os.chdir(self.directory)
        self.bindery("support", "-c", config, "-o", "s:1.tar.gz", "--listen", "1s", status=status)
        self.assertEqual(os.stat(archive).st_mode & 0o77, 0)
        with tarfile.open(archive) as tar:
            return {member.name.split("/", 1)[1]: tar.extractfile(member).read().decode()
                    for member in tar.getmembers() if member.isfile()}

    def assert_no_secret(self, files):
        for name, text in files.items():
            for secret in self.SECRETS:
                self.assertNotIn(secret, text, name)

    def write(self, name, text):
        path = os.path.join(self.directory, name)
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
        return path

    def config_with_secrets(self, port):
        password = self.write("password", "hunter2\n")
        self.write("more.yaml", "# s3cretuser:hunter2 stood here: mqtt://s3cretuser:hunter2@h\n"
                                f"links:\n- {{name: press, driver: modbus-tcp, "
                                f"address: '127.0.0.1:{port}'}}\n")
        config = self.config(self.broker.port, (), [
            machine("m", "press", [tag("count", "holding:0")], every="200ms")],
            uplink={"username": "s3cretuser", "password_file": password}, include="more.yaml")
        return config

    def test_a_bundle_of_a_running_gateway_holds_everything_but_secrets(self):
        server = ModbusServer(self, {1: Unit(holding={0: 1})})
        gateway = self.gateway(self.config_with_secrets(server.port))
        self.receiver.wait_reading(where=lambda e: e.values)
        files = self.make(gateway.path)
        self.assert_no_secret(files)
        self.assertEqual(json.loads(files["status.json"])["gateway"], "gw")
        self.assertEqual(json.loads(files["values.json"])["machines"][0]["machine"], "m")
        self.assertIn("bindery_polls_total", files["metrics.txt"])
        self.assertIn("bindery 0", files["versions.txt"])
        self.assertIn("holding", files["plan.txt"])
        self.assertIn("exit status 0", files["check.txt"])
        self.assertIn("bindery.db: ", files["store.txt"])
        self.assertIn("log.txt", files)
        sent = [data for way, data in chunks(files["links/press.recording"])[0] if way == ">"]
        self.assertGreater(len(sent), 1)
        config = [text for name, text in files.items() if name.endswith("/bindery.yaml")]
        self.assertIn('"password_file": ', config[0])
        self.assertIn('"username": ***', config[0])
        self.assertTrue(any(name.endswith("/more.yaml") for name in files))

    def test_a_bundle_leaves_out_a_configuration_in_utf16(self):
        path = os.path.join(self.directory, "bindery.yaml")
        text = json.dumps(self.config_with_secrets(1))
        with open(path, "w", encoding="utf-16") as file:
            file.write(text)
        files = self.make(path)
        self.assertIn("exit status 0", files["check.txt"])
        config = [text for name, text in files.items() if name.endswith("/bindery.yaml")]
        self.assertIn("left out", config[0])
        self.assertNotIn("s3cretuser", config[0].replace("\0", ""))

    def test_a_password_in_the_place_of_its_file_is_none_of_the_bundle(self):
        config = self.config(1, uplink={"username": "s3cretuser", "password_file": "hunter2"})
        self.assert_no_secret(self.make(self.write("bindery.yaml", json.dumps(config))))

    def test_a_bundle_without_the_daemon_says_so(self):
        path = self.write("bindery.yaml", json.dumps(self.config_with_secrets(1)))
        files = self.make(path)
        self.assert_no_secret(files)
        self.assertIn("binderyd is not running", files["status.json"])
        self.assertNotIn("metrics.txt", files)

    def test_a_bundle_is_made_where_no_path_has_a_folder(self):
        self.write("bindery.yaml", json.dumps({**self.config(), "store": {"path": "here.db"}}))
        made = subprocess.run([BINDERY, "support", "-c", "bindery.yaml", "-o", "s.tar.gz"],
                              cwd=self.directory, capture_output=True, text=True, check=False)
        self.assertEqual(made.returncode, 0, made.stderr)
        with tarfile.open(os.path.join(self.directory, "s.tar.gz")) as tar:
            self.assertTrue([n for n in tar.getnames() if n.endswith("/store.txt")])

    def test_a_bundle_of_a_faulty_configuration_holds_it(self):
        path = self.write("bindery.yaml", "gateway: g\nuplinks:\n- name: u\n  username:\n"
                                          "    s3cretuser\n  nonsense: 1\n"
                                          "  password: hunter2\n  url: 'mqtt://s3cretuser:"
                                          f"hunter2{60 * 'x'}@h'\n  # once token tok3n\n")
        files = self.make(path)
        self.assert_no_secret(files)
        self.assertIn("nonsense", files["check.txt"])
        self.assertIn("faulty", files["status.json"])
        config = [text for name, text in files.items() if name.endswith("/bindery.yaml")]
        self.assertIn("nonsense: 1", config[0])


if __name__ == "__main__":
    unittest.main()
