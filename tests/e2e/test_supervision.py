"""The watchdog tells the truth: fed while everything moves, whatever the world does; not fed once
any one loop stands still, and again when it goes on."""
import ctypes
import os
import signal
import socket
import subprocess
import threading
import time
import unittest

from harness import BINDERYD, Case, Mosquitto, free_port, machine, tag, tcp_link, wait_for, \
    write_config
from peers import ModbusServer, PtyPair, ScriptedModbus, Unit, counting
from test_systemd import NotifySocket

WATCHDOG_S = 3
LINE_TIMEOUT_S = 0.2
PTRACE_DETACH, PTRACE_SEIZE, PTRACE_INTERRUPT, WALL = 17, 0x4206, 0x4207, 0x40000000

libc = ctypes.CDLL(None, use_errno=True)
libc.ptrace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]


def ptrace(request, thread):
    if libc.ptrace(request, thread, None, None) < 0:
        raise OSError(ctypes.get_errno(), "ptrace")


class Stopped:
    """One thread of a process stands still, the others go on."""

    def __init__(self, thread):
        self.thread = thread

    def __enter__(self):
        ptrace(PTRACE_SEIZE, self.thread)
        ptrace(PTRACE_INTERRUPT, self.thread)
        os.waitpid(self.thread, WALL)

    def __exit__(self, *_):
        ptrace(PTRACE_DETACH, self.thread)


def threads(pid):
    """{name: thread} of a process; its first thread is "main"."""
    found = {}
    for thread in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{thread}/comm", encoding="utf-8") as file:
            name = file.read().strip()
        found["main" if int(thread) == pid else name] = int(thread)
    return found


class Supervision(Case):
    def setUp(self):
        super().setUp()
        self.notify = NotifySocket(self)
        self.unit = Unit(holding={0: 0}, on_read=counting(0))
        self.server = ModbusServer(self, {1: self.unit})
        self.environment = {"NOTIFY_SOCKET": self.notify.path,
                            "WATCHDOG_USEC": str(WATCHDOG_S * 1000000)}
        self.links = [tcp_link("l", self.server.port)]
        self.machines = [machine("m", "l", [tag("a", "holding:0")], every="200ms")]

    def add_line(self):
        pair = PtyPair(self)
        ModbusServer(self, {1: Unit(holding={0: 5})}, device=pair.machine)
        self.links.append({"name": "line", "driver": "modbus-rtu", "device": pair.gateway,
                           "timeout": f"{int(LINE_TIMEOUT_S * 1000)}ms"})
        self.machines.append(machine("n", "line", [tag("a", "holding:0")], every="200ms"))

    def fed(self):
        """The moments at which the watchdog was fed."""
        return [at for at, told in self.notify.listen() if told == "WATCHDOG=1"]

    def wait_fed(self, since, seconds=WATCHDOG_S):
        wait_for(lambda: any(at > since for at in self.fed()), seconds, "food for the watchdog")

    def watch(self, until):
        """Takes down what comes, when it comes."""
        while time.monotonic() < until:
            self.fed()
            time.sleep(0.02)

    def assert_fed_for(self, seconds):
        """Never was the time between two feedings as long as the service manager waits."""
        since = time.monotonic()
        self.watch(since + seconds)  # the claim's own length
        moments = [since] + [at for at in self.fed() if at > since] + [time.monotonic()]
        gaps = [after - before for before, after in zip(moments, moments[1:])]
        self.assertLess(max(gaps), WATCHDOG_S, gaps)

    def starves_without(self, name, thread, promise_s):
        """The thread stands still: no more food once its promise and the limit are over; the others
        say who hangs; food again when it goes on."""
        self.wait_fed(time.monotonic())
        since = time.monotonic()
        with Stopped(thread):
            hungry = since + promise_s + WATCHDOG_S + 1
            self.watch(hungry + 2 * WATCHDOG_S)
            last = max(at for at in self.fed())
        resumed = time.monotonic()
        self.assertLess(last, hungry, f"{name} stood still and the watchdog was fed")
        self.wait_fed(resumed)
        return last - since

    def test_the_watchdog_starves_whichever_loop_stands_still(self):
        broker = Mosquitto(self)
        self.add_line()
        gateway = self.gateway(self.config(broker.port, self.links, self.machines),
                               environment=self.environment)
        gateway.wait_log("uplink cloud: connected")
        wait_for(lambda: all(m["online"] for m in gateway.status()["machines"]), what="machines")
        # each loop comes round at least once a second; a line may wait three time-outs a request
        promises = {"main": 0, "poll": 1, "forward": 1, "line": 1 + 6 * LINE_TIMEOUT_S}
        there = threads(gateway.pid)
        self.assertLessEqual(set(promises), set(there))
        told = {"poll": "the poll loop", "forward": "the forward loop", "line": "link line"}
        for name, promise_s in promises.items():
            with self.subTest(name):
                since = len(gateway.lines)
                took = self.starves_without(name, there[name], promise_s)
                print(f"\nsupervision: {name} stood still: last fed after {took:.1f} s")
                if name in told:
                    gateway.wait_log(f"gateway: alarm loop_hangs: {told[name]} hangs", since=since)
                    gateway.wait_log("gateway: alarm loop_hangs is over", since=since)
        self.assertEqual(gateway.stop(), 0)

    def test_threads_of_the_mqtt_library_that_stand_still_are_an_alarm(self):
        broker = Mosquitto(self)
        gateway = self.gateway(self.config(broker.port, self.links, self.machines),
                               environment=self.environment)
        gateway.wait_log("uplink cloud: connected")
        wait_for(lambda: gateway.status()["uplinks"][0]["acknowledged"] > 5, what="deliveries")
        there = threads(gateway.pid)
        receiving = next(there[name] for name in there if name.startswith("MQTTAsync_r"))
        since = len(gateway.lines)
        with Stopped(receiving):
            gateway.wait_log("uplink cloud: alarm no_acknowledgement", 40, since)
        gateway.wait_log("uplink cloud: connected", 60, since)
        gateway.wait_log("uplink cloud: alarm no_acknowledgement is over", 30, since)
        self.assertEqual(gateway.stop(), 0)

    def test_the_watchdog_is_fed_whatever_broker_and_machines_do(self):
        silent = ScriptedModbus(self, lambda request: [])
        self.add_line()
        self.machines[1]["unit"] = 9  # nobody
        broker = Mosquitto(self)
        config = self.config(broker.port, self.links + [
            tcp_link("silent", silent.port), tcp_link("dead", free_port())],
            self.machines + [machine("s", "silent", [tag("a", "holding:0")], every="200ms"),
                             machine("d", "dead", [tag("a", "holding:0")], every="200ms")])
        config["uplinks"].append({"name": "dead", "url": f"mqtt://127.0.0.1:{free_port()}"})
        gateway = self.gateway(config, environment=self.environment)
        self.notify.wait("WATCHDOG=1")
        self.assert_fed_for(2 * WATCHDOG_S)
        broker.process.signal(signal.SIGSTOP)
        self.assert_fed_for(3 * WATCHDOG_S)
        broker.process.signal(signal.SIGCONT)
        broker.kill()
        self.unit.silent = True
        self.assert_fed_for(3 * WATCHDOG_S)
        self.assertIsNone(gateway.find("loop_hangs"))
        self.assertEqual(gateway.stop(), 0)

    @unittest.skipUnless(os.geteuid() == 0, "mounting wants root")
    def test_the_watchdog_is_fed_while_the_disk_is_full(self):
        disk = os.path.join(self.directory, "disk")
        os.mkdir(disk)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", disk], check=True)
        self.addCleanup(subprocess.run, ["umount", "-l", disk], check=True)
        gateway = self.gateway(
            self.config(free_port(), self.links, self.machines,
                        store={"path": os.path.join(disk, "bindery.db")}),
            environment=self.environment)
        self.notify.wait("WATCHDOG=1")

        def fill():
            self.fed()
            try:
                with open(os.path.join(disk, "filler"), "ab", buffering=0) as file:
                    while True:
                        file.write(b"x" * 4096)
            except OSError:
                return gateway.find("store: .*kept in memory")
        wait_for(fill, 60, "a full disk")
        self.assert_fed_for(3 * WATCHDOG_S)
        self.assertIsNone(gateway.find("loop_hangs"))

    @unittest.skipUnless(os.geteuid() == 0, "a name server of one's own wants root")
    def test_the_watchdog_is_fed_while_names_take_their_time(self):
        """No name server answers, for much longer than the watchdog waits."""
        server = SilentNameServer(self)
        config = self.config(links=self.links + [
            tcp_link("named", 502, host="press-1.example"),
            {"name": "line", "driver": "modbus-rtu-tcp", "address": "server-1.example:502"}],
            machines=self.machines + [
                machine("x", "named", [tag("a", "holding:0")], every="200ms"),
                machine("y", "line", [tag("a", "holding:0")], every="200ms")],
            uplinks=[{"name": "cloud", "url": "mqtt://broker.example"}])
        path = write_config(self, config)
        gateway = self.run_process(
            ["unshare", "--mount", "sh", "-c", f"mount --bind {server.resolv_conf} "
             f"/etc/resolv.conf && exec {BINDERYD} -c {path}"], "binderyd",
            environment=self.environment)
        gateway.wait_log(r"gateway .*: running", 20)
        self.notify.wait("WATCHDOG=1")
        self.assert_fed_for(12)
        self.assertGreaterEqual(server.asked(), {"press-1", "server-1", "broker"})
        gateway.wait_log("link named: no name server answers")
        wait_for(lambda: gateway.find("uplink cloud: "), what="the uplink's trouble")
        self.assertIsNone(gateway.find("loop_hangs"))


class SilentNameServer:
    """Takes questions and keeps them."""

    address = "127.0.0.77"

    def __init__(self, test):
        self.questions = []
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((self.address, 53))
        self.resolv_conf = os.path.join(test.directory, "resolv.conf")
        with open(self.resolv_conf, "w", encoding="utf-8") as file:
            file.write(f"nameserver {self.address}\n")
        test.addCleanup(self.close)
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                self.questions.append(self.socket.recv(512))
            except OSError:
                return
            if not self.questions[-1]:
                return

    def asked(self):
        """The first labels of the names."""
        return {question[13:13 + question[12]].decode() for question in list(self.questions)
                if len(question) > 12}

    def close(self):
        self.socket.sendto(b"", (self.address, 53))
        self.socket.close()


if __name__ == "__main__":
    unittest.main()
