"""What every end-to-end test stands on: processes that end with the test, a broker, the gateway.

Nothing here sleeps for luck: whatever must come is waited for with a deadline, and a test that
fails prints the logs of what it ran. The programs come from the environment (BINDERYD, BINDERY)."""
import json
import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

os.environ["PATH"] += os.pathsep + "/usr/sbin" + os.pathsep + "/sbin"
BINDERYD = os.environ.get("BINDERYD", "binderyd")
BINDERY = os.environ.get("BINDERY", "bindery")


def wait_for(condition, seconds=15, what="a condition"):
    """Calls condition until it gives something true, and returns that."""
    deadline = time.monotonic() + seconds
    while True:
        result = condition()
        if result:
            return result
        if time.monotonic() > deadline:
            raise AssertionError(f"{what} did not come within {seconds} s")
        time.sleep(0.02)


def free_ports(count, host="127.0.0.1"):
    """Ports nobody listens on, below the range the kernel gives to outgoing connections."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    ports = []
    while len(ports) < count:
        port = random.randrange(10000, 32000)
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            try:
                probe.bind((host, port))
            except OSError:
                continue
        if port not in ports:
            ports.append(port)
    return ports


def free_port(host="127.0.0.1"):
    return free_ports(1, host)[0]


def port_open(port, host="127.0.0.1"):
    try:
        socket.create_connection((host, port), timeout=1).close()
        return True
    except OSError:
        return False


class Process:
    """A child whose output is gathered line by line, with the moment each line came."""

    def __init__(self, arguments, name, environment=None, standard_input=subprocess.DEVNULL):
        self.name, self.lines = name, []
        self.child = subprocess.Popen(
            arguments, stdin=standard_input, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
            text=True, errors="replace", env={**os.environ, **(environment or {})})
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self):
        for line in self.child.stdout:
            self.lines.append((time.monotonic(), line.rstrip("\n")))

    @property
    def pid(self):
        return self.child.pid

    @property
    def running(self):
        return self.child.poll() is None

    def log(self):
        return "\n".join(line for _, line in self.lines)

    def find(self, pattern, since=0):
        """The first line from the since-th on that matches; None without."""
        for _, line in self.lines[since:]:
            if re.search(pattern, line):
                return line
        return None

    def wait_log(self, pattern, seconds=15, since=0):
        def look():
            found = self.find(pattern, since)
            if not found and not self.running:
                self._reader.join(2)
                found = self.find(pattern, since)
                if not found:
                    raise AssertionError(
                        f"{self.name} ended with {self.child.returncode} before '{pattern}'")
            return found
        return wait_for(look, seconds, f"'{pattern}' in the log of {self.name}")

    def signal(self, number):
        if self.running:
            self.child.send_signal(number)

    def wait(self, seconds=15):
        """The exit status; one that does not end in time is killed, and that is a failure."""
        try:
            status = self.child.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()
            raise AssertionError(f"{self.name} did not end within {seconds} s") from None
        self._reader.join(2)
        return status

    def stop(self, seconds=15):
        self.signal(signal.SIGTERM)
        return self.wait(seconds)

    def kill(self):
        self.signal(signal.SIGKILL)
        self.child.wait()
        self._reader.join(2)


class Mosquitto:
    """A broker on loopback. `persistent` keeps sessions and messages over a stop."""

    def __init__(self, test, persistent=True, lines=(), tls=None, port=None):
        self.test, self.persistent = test, persistent
        self.port = port or free_port()
        self.tls_port = free_port() if tls else None
        self.directory = tempfile.mkdtemp(prefix="broker-", dir=test.directory)
        self.process = None
        self.lines = list(lines)
        if not any(line.startswith("allow_anonymous") for line in self.lines):
            self.lines.append("allow_anonymous true")
        if tls:
            self.lines += [f"listener {self.tls_port} 127.0.0.1"] + list(tls)
        self.start()

    def start(self):
        path = os.path.join(self.directory, "mosquitto.conf")
        with open(path, "w", encoding="utf-8") as file:
            file.write("\n".join([
                f"persistence {'true' if self.persistent else 'false'}",
                f"persistence_location {self.directory}/",
                "max_queued_messages 0", "max_inflight_messages 0", "set_tcp_nodelay true",
                "user root" if os.geteuid() == 0 else "",
                f"listener {self.port} 127.0.0.1", *self.lines, ""]))
        self.process = self.test.run_process(["mosquitto", "-c", path], "mosquitto")
        wait_for(lambda: port_open(self.port) or not self.process.running, what="the broker")
        if not self.process.running:
            raise AssertionError("mosquitto did not start:\n" + self.process.log())

    def stop(self):
        """Ends it in good order, so that what it keeps is on disk."""
        self.process.stop()

    def kill(self):
        self.process.kill()

    def empty(self):
        """Forgets everything; it must not run."""
        shutil.rmtree(self.directory)
        os.mkdir(self.directory)


class Gateway(Process):
    """binderyd on a configuration, which is a dict (JSON is YAML) or text."""

    def __init__(self, test, config, environment=None, wait=True):
        self.test = test
        self.path = write_config(test, config)
        super().__init__([BINDERYD, "-c", self.path], "binderyd", environment)
        if wait:
            self.wait_log(r"gateway .*: running", 20)

    def reload(self, config):
        write_config(self.test, config)
        since = len(self.lines)
        self.signal(signal.SIGHUP)
        return since

    def status(self):
        """What `bindery status --json` says."""
        return json.loads(self.test.bindery("status", "--json", "-c", self.path))


def write_config(test, config):
    path = os.path.join(test.directory, "bindery.yaml")
    text = config if isinstance(config, str) else json.dumps(config, indent=1)
    with open(path + ".new", "w", encoding="utf-8") as file:
        file.write(text)
    os.replace(path + ".new", path)
    return path


class Case(unittest.TestCase):
    """A test with a directory of its own, whose processes and peers end with it."""

    def setUp(self):
        self.directory = tempfile.mkdtemp(prefix="bindery-e2e-")
        self.processes = []
        self.addCleanup(self._end)

    def _end(self):
        for process in reversed(self.processes):
            if process.running:
                process.kill()
        for process in self.processes:
            process.child.stdout.close()
            if self._failed() and process.name != "mosquitto":
                lines = process.log().splitlines()
                print(f"\n--- {self.id()}: {process.name} ({process.child.returncode})")
                print("\n".join(lines if len(lines) < 200 else lines[:60] + ["…"] + lines[-120:]))
        shutil.rmtree(self.directory, ignore_errors=True)
        # A sanitizer's report is a failure even where nobody asked for the exit status.
        for process in self.processes:
            if process.child.returncode == 99 or "Sanitizer" in process.log():
                raise AssertionError(f"a sanitizer's report of {process.name}:\n{process.log()}")

    def _failed(self):
        result = self._outcome.result
        return any(getattr(case, "test_case", case) is self
                   for case, _ in result.errors + result.failures)

    def run_process(self, arguments, name, **options):
        process = Process(arguments, name, **options)
        self.processes.append(process)
        return process

    def gateway(self, config, **options):
        gateway = Gateway(self, config, **options)
        self.processes.append(gateway)
        return gateway

    def simulate(self, path, ports):
        """`bindery simulate`, up once it listens on all of the ports."""
        simulator = self.run_process([BINDERY, "simulate", "-c", path], "bindery simulate")
        for port in ports:
            wait_for(lambda p=port: port_open(p), 30, f"the simulator on port {port}")
        return simulator

    def bindery(self, *arguments, status=0, seconds=60):
        """Runs the command line tool to its end; its output."""
        done = subprocess.run([BINDERY, *arguments], capture_output=True, text=True,
                              timeout=seconds, check=False, stdin=subprocess.DEVNULL)
        self.assertEqual(done.returncode, status, f"bindery {' '.join(arguments)}: "
                         f"{done.stdout}\n{done.stderr}")
        return done.stdout + (done.stderr if status else "")

    def config(self, broker_port=None, links=(), machines=(), store=(), uplink=(), **top):
        """A configuration with one uplink and the store in the test's directory."""
        config = {
            "gateway": "gw", "site": "lab",
            "store": {"path": os.path.join(self.directory, "bindery.db"), **dict(store)},
            "links": list(links), "machines": list(machines), **top,
        }
        if broker_port:
            config["uplinks"] = [{"name": "cloud", "url": f"mqtt://127.0.0.1:{broker_port}",
                                  "publish_every": "200ms", **dict(uplink)}]
        return config


def tcp_link(name, port, host="127.0.0.1", **options):
    address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return {"name": name, "driver": "modbus-tcp", "address": address, **options}


def machine(name, link, tags, unit=1, every="1s", **options):
    return {"name": name, "link": link, "unit": unit, "every": every, "tags": list(tags),
            **options}


def tag(name, at, kind="u16", **options):
    return {"name": name, "at": at, "type": kind, **options}
