"""The service: what the daemon tells systemd, whether the unit is sound, what gets installed."""
import glob
import os
import shutil
import signal
import socket
import subprocess
import time
import unittest

from harness import Case, Mosquitto, machine, tag, tcp_link, wait_for
from peers import ModbusServer, Unit, counting

SOURCE = os.environ.get("BINDERY_SOURCE", os.path.join(os.path.dirname(__file__), "..", ".."))


class NotifySocket:
    """Stands in for systemd: keeps what it is told, and when."""

    def __init__(self, test):
        self.path, self.told = os.path.join(test.directory, "notify"), []
        self.socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.socket.bind(self.path)
        self.socket.setblocking(False)
        test.addCleanup(self.socket.close)

    def listen(self):
        while True:
            try:
                data = self.socket.recv(4096).decode()
            except BlockingIOError:
                return self.told
            self.told += [(time.monotonic(), line) for line in data.splitlines()]

    def count(self, line, since=0):
        return sum(1 for at, told in self.listen() if told == line and at >= since)

    def wait(self, line, seconds=15, since=0):
        wait_for(lambda: self.count(line, since), seconds, f"{line} on the notify socket")


class Systemd(Case):
    def run_gateway(self, watchdog_s=2):
        self.broker = Mosquitto(self)
        self.notify = NotifySocket(self)
        self.unit = Unit(holding={0: 0}, on_read=counting(0))
        server = ModbusServer(self, {1: self.unit})
        self.configuration = self.config(self.broker.port, [tcp_link("l", server.port)],
                                         [machine("m", "l", [tag("a", "holding:0")])])
        return self.gateway(self.configuration, environment={
            "NOTIFY_SOCKET": self.notify.path, "WATCHDOG_USEC": str(watchdog_s * 1000000)})

    def test_it_says_ready_feeds_the_watchdog_and_says_stopping(self):
        gateway = self.run_gateway()
        self.notify.wait("READY=1")
        wait_for(lambda: self.notify.count("WATCHDOG=1") >= 5, 15, "five feedings")
        moments = [at for at, told in self.notify.listen() if told == "WATCHDOG=1"]
        for before, after in zip(moments, moments[1:]):
            self.assertLess(after - before, 2)
        self.assertEqual(gateway.stop(), 0)
        self.notify.wait("STOPPING=1")

    def test_the_watchdog_is_fed_without_a_broker_and_without_machines(self):
        self.run_gateway()
        self.notify.wait("READY=1")
        self.broker.stop()
        self.unit.silent = True
        since = time.monotonic()
        wait_for(lambda: self.notify.count("WATCHDOG=1", since) >= 8, 20, "feedings")

    def test_a_stopped_daemon_does_not_feed(self):
        gateway = self.run_gateway()
        self.notify.wait("WATCHDOG=1")
        gateway.signal(signal.SIGSTOP)
        self.notify.listen()
        since = time.monotonic()
        wait_for(lambda: time.monotonic() - since > 3, 5)
        self.assertEqual(self.notify.count("WATCHDOG=1", since + 0.5), 0)
        gateway.signal(signal.SIGCONT)
        self.notify.wait("WATCHDOG=1", since=since + 3)


class Install(Case):
    def install(self):
        build = os.environ.get("BINDERY_BUILD")
        if not build:
            self.skipTest("BINDERY_BUILD is not set")
        subprocess.run([os.environ.get("CMAKE_COMMAND", "cmake"), "--install", build,
                        "--prefix", "/usr"], check=True, capture_output=True,
                       env={**os.environ, "DESTDIR": self.directory})
        return self.directory

    def test_everything_is_where_debian_would_put_it(self):
        root = self.install()
        for path in ("usr/sbin/binderyd", "usr/bin/bindery",
                     "usr/share/man/man8/binderyd.8", "usr/share/man/man1/bindery.1",
                     "usr/share/man/man5/bindery.yaml.5",
                     "usr/lib/systemd/system/binderyd.service",
                     "usr/lib/sysusers.d/bindery.conf"):
            self.assertTrue(glob.glob(os.path.join(root, path) + "*"), path)
        self.assertTrue(os.access(os.path.join(root, "usr/sbin/binderyd"), os.X_OK))

    @unittest.skipUnless(shutil.which("systemd-analyze"), "systemd-analyze is not here")
    def test_the_unit_is_sound(self):
        root = self.install()
        unit = os.path.join(root, "usr/lib/systemd/system/binderyd.service")
        with open(unit, encoding="utf-8") as file:
            text = file.read()
        self.assertIn("\nExecStart=/usr/sbin/binderyd -c /etc/bindery/bindery.yaml\n", text)
        # Verified with the program where it lies here: verify wants it to exist.
        local = os.path.join(root, "binderyd.service")
        with open(local, "w", encoding="utf-8") as file:
            file.write(text.replace("/usr/sbin/binderyd", os.path.join(root, "usr/sbin/binderyd")))
        done = subprocess.run(["systemd-analyze", "verify", "--man=no", local], check=False,
                              capture_output=True, text=True, timeout=60)
        ours = [line for line in done.stderr.splitlines() if "binderyd" in line]
        self.assertEqual(ours, [], done.stderr)


if __name__ == "__main__":
    unittest.main()
