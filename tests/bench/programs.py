"""The programs of a bench run: started, measured by the kernel's own accounting, ended."""
import json
import os
import resource
import shutil
import subprocess
import sys
import tempfile
import time

sys.path.append(os.path.join(os.path.dirname(os.path.abspath(__file__)), "..", "e2e"))
from harness import Mosquitto, Process, free_port, wait_for  # noqa: E402  pylint: disable=C0413

BUILD = os.environ.get("BINDERY_BUILD", "build/release")
# Below those that other tests take by chance.
FIRST_PORT = 3000


def process_tree(pid):
    """The process and all its descendants."""
    pids = [pid]
    for task in os.listdir(f"/proc/{pid}/task"):
        with open(f"/proc/{pid}/task/{task}/children", encoding="ascii") as file:
            for child in file.read().split():
                pids += process_tree(int(child))
    return pids


def cpu_seconds(pid):
    """User and system time of the tree, to the nanosecond: the processes' CPU clocks."""
    return sum(time.clock_gettime((~one << 3) | 2) for one in process_tree(pid))


def _field(path, name):
    with open(path, encoding="ascii") as file:
        for line in file:
            if line.startswith(name + ":"):
                return int(line.split()[1])
    return 0


def resident_mb(pid):
    return sum(_field(f"/proc/{one}/status", "VmRSS") for one in process_tree(pid)) / 1024


def written_bytes(pid):
    return sum(_field(f"/proc/{one}/io", "write_bytes") for one in process_tree(pid))


def context_switches(pid):
    total = 0
    for one in process_tree(pid):
        for task in os.listdir(f"/proc/{one}/task"):
            total += _field(f"/proc/{one}/task/{task}/status", "voluntary_ctxt_switches")
    return total


class Meter:
    """What a process used between its making and `read`."""

    def __init__(self, pid):
        self.pid = pid
        self.started, self.cpu = time.monotonic(), cpu_seconds(pid)
        self.switches = context_switches(pid)

    def read(self):
        seconds = time.monotonic() - self.started
        return {"seconds": seconds,
                "cpu_percent": 100 * (cpu_seconds(self.pid) - self.cpu) / seconds,
                "resident_mb": resident_mb(self.pid),
                "wakeups_per_s": (context_switches(self.pid) - self.switches) / seconds}


class Worker(Process):
    """One of the bench's own programs, which takes orders."""

    def __init__(self, name, *arguments):
        super().__init__([os.path.join(BUILD, "tests/bench", name), *map(str, arguments)], name,
                         standard_input=subprocess.PIPE)
        self.wait_log("^ready$", 60)

    def order(self, word):
        try:
            self.child.stdin.write(word + "\n")
            self.child.stdin.flush()
        except BrokenPipeError:
            raise AssertionError(
                f"{self.name} ended with {self.wait()}:\n{self.log()}") from None

    def mark(self):
        self.order("mark")

    def report(self):
        since = len(self.lines)
        self.order("report")
        return json.loads(self.wait_log(r"^\{", 60, since))


class Stage:
    """A directory on a real disk and whatever runs, all of which ends with it."""

    def __init__(self):
        self.directory = tempfile.mkdtemp(prefix="bindery-bench-", dir=os.environ.get("BENCH_DIR"))
        self.processes = []

    def __enter__(self):
        return self

    def __exit__(self, *_):
        for process in reversed(self.processes):
            if process.running:
                process.kill()
            process.child.stdout.close()
        shutil.rmtree(self.directory, ignore_errors=True)

    def run_process(self, arguments, name, **options):
        return self.keep(Process(arguments, name, **options))

    def keep(self, process):
        self.processes.append(process)
        return process

    def worker(self, name, *arguments):
        return self.keep(Worker(name, *arguments))

    def end(self, process):
        """Returns how many bytes it has written to disk in its life, its last words included."""
        blocks = resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock
        process.stop(60)
        process.child.stdout.close()
        self.processes.remove(process)
        return 512 * (resource.getrusage(resource.RUSAGE_CHILDREN).ru_oublock - blocks)

    def broker(self, lines=(), tls=None):
        return Mosquitto(self, persistent=False, lines=lines, tls=tls)


class Gateway(Process):
    """binderyd from the optimised build, on a configuration file."""

    def __init__(self, path):
        self.path = path
        super().__init__([os.path.join(BUILD, "daemon/binderyd"), "-c", path], "binderyd")

    def status(self):
        bindery = os.path.join(BUILD, "daemon/cli/bindery")
        done = subprocess.run([bindery, "status", "--json", "-c", self.path],
                              capture_output=True, text=True, timeout=30, check=False)
        return json.loads(done.stdout) if done.returncode == 0 else None

    def wait_online(self, count, seconds=60):
        """Until so many machines have answered."""
        def look():
            if not self.running:
                raise AssertionError("binderyd ended:\n" + self.log())
            status = self.status()
            return status and sum(one["online"] for one in status["machines"]) >= count
        wait_for(look, seconds, f"{count} machines online")


def pause(seconds):
    """Lets the programs work; a measurement is what needs time, not an event to wait for."""
    time.sleep(seconds)


__all__ = ["FIRST_PORT", "Gateway", "Meter", "Stage", "free_port", "pause", "resident_mb",
           "wait_for", "written_bytes"]
