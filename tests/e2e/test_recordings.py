"""Recorded devices, each played to the gateway and held against the readings it gave before.

A device is two files in tests/recordings: NAME.recording, whose head names the machines on the
link, and NAME.golden, the readings, a line each. All are played at once, each as a link of its own.

    python3 test_recordings.py --update [NAME…]    writes the golden files anew; look at the diff
"""
import difflib
import glob
import json
import os
import sys
import time
import unittest

from harness import wait_for
from receiver import BrokerCase

FOLDER = os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "recordings")
QUIET_S = 5  # after which nothing more comes


class Device:
    """A recording with its machines: {name in the recording: what the configuration says}."""

    def __init__(self, path):
        self.path = os.path.abspath(path)
        self.name = os.path.basename(path).removesuffix(".recording")
        self.golden = self.path.removesuffix(".recording") + ".golden"
        self.machines, self.options = {}, {}
        with open(path, encoding="utf-8") as file:
            for line in file:
                word, _, rest = line.strip().partition(" ")
                if word == "machine":
                    machine = json.loads(rest)
                    self.machines[machine.pop("name", "machine")] = machine
                elif word == "options":
                    self.options = json.loads(rest)

    def link(self):
        return {"name": self.name, "driver": "recording", "file": self.path, "speed": "fast",
                "timeout": "1s", **self.options}

    def configuration(self):
        return [{"name": f"{self.name}.{name}", "link": self.name, "every": "250ms", **machine}
                for name, machine in self.machines.items()]

    def lines(self, receiver):
        """What the gateway made of it so far, in the golden file's form."""
        lines = []
        for name in self.machines:
            for entry in receiver.readings(f"{self.name}.{name}"):
                reading = {"machine": name, "values": entry.values, "bad": entry.bad}
                lines.append(json.dumps({k: v for k, v in reading.items() if v}) + "\n")
        return lines

    def expected(self):
        with open(self.golden, encoding="utf-8") as file:
            return file.readlines()


def all_devices(names=()):
    paths = sorted(glob.glob(os.path.join(FOLDER, "*.recording")))
    return [device for device in map(Device, paths) if not names or device.name in names]


class Recordings(BrokerCase):
    def play(self, devices):
        os.symlink(os.path.abspath(os.path.join(FOLDER, "../../config/profiles")),
                   os.path.join(self.directory, "profiles"))
        self.run_gateway([device.link() for device in devices],
                         [one for device in devices for one in device.configuration()])

    def test_devices_read_as_they_did(self):
        devices = all_devices()
        self.assertGreater(len(devices), 0)
        self.play(devices)
        waiting = {device.name: (device, device.expected()) for device in devices}

        def all_there():
            for device, expected in list(waiting.values()):
                if len(device.lines(self.receiver)) >= len(expected):
                    waiting.pop(device.name)
            return not waiting
        try:
            wait_for(all_there, 60)
        except AssertionError:
            pass  # what is missing shows in the comparison
        different = []
        for device in devices:
            expected, lines = device.expected(), device.lines(self.receiver)
            if expected != lines:
                different.append("".join(difflib.unified_diff(
                    expected, lines, device.golden, "as it reads now")))
        self.assertEqual(different, [], "\n" + "\n".join(different))

    def update(self, names):
        """Once nothing more comes, that is what there is to read."""
        devices = all_devices(names)
        self.play(devices)
        count, since = 0, time.monotonic()
        while time.monotonic() - since < QUIET_S:
            time.sleep(0.1)
            now = sum(len(device.lines(self.receiver)) for device in devices)
            if now != count:
                count, since = now, time.monotonic()
        for device in devices:
            with open(device.golden, "w", encoding="utf-8") as file:
                file.writelines(device.lines(self.receiver))

    def runTest(self):
        self.update(sys.argv[2:])


if __name__ == "__main__":
    if sys.argv[1:2] == ["--update"]:
        result = unittest.TextTestRunner().run(Recordings("runTest"))
        sys.exit(not result.wasSuccessful())
    unittest.main()
