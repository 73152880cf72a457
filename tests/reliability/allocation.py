"""The n-th allocation fails, or that and all after it: for every n of a short life. The gateway's
own end it with a clear line; a library may go on without. One that falls over where nobody can
keep it from it costs a restart, and nothing that was taken."""
import atexit
import os
import re
import shutil
import signal
import subprocess
import tempfile

import seeded
from stage import GENTLE_ENDS, Stage

HERE = os.path.dirname(os.path.abspath(__file__))
LIVES = 3  # that are counted; no two make the same number of calls


def library():
    """The preloaded one: the build's, or made here where there is none."""
    if "ALLOCATION" not in os.environ:
        directory = tempfile.mkdtemp(prefix="allocation-")
        atexit.register(shutil.rmtree, directory)
        path = os.path.join(directory, "allocation.so")
        subprocess.run([os.environ.get("CC", "cc"), "-std=gnu17", "-D_GNU_SOURCE", "-O2", "-Wall",
                        "-Wextra", "-Werror", "-shared", "-fPIC", "-o", path,
                        os.path.join(HERE, "allocation.c")], check=True)
        os.environ["ALLOCATION"] = path
    return os.environ["ALLOCATION"]


class AllocationCase(Stage):
    """One fault: its seed is the number of the call, and `12+` means from the twelfth on."""

    every, commit_every_ms = "20ms", 10

    def live(self, setting):
        """The life that meets the fault: deliveries, an outage, a reload, the end."""
        self.broker.open()
        daemon = self.start(environment={"LD_PRELOAD": os.environ["ALLOCATION"],
                                         "ALLOCATION_FAIL": setting})
        self.wait_polls(daemon, 6)
        daemon.signal(signal.SIGHUP)
        self.broker.cut()
        self.wait_polls(daemon, 6)
        daemon.signal(signal.SIGTERM)
        return daemon

    def test_fault(self):
        daemon = self.start(wait=True)
        self.wait_asked(6)
        self.kill(daemon)
        daemon = self.live(self.seed)
        status, log = daemon.wait(20), daemon.log()
        refused = re.findall(r"allocation: call \d+ refused to (\S+)", log)
        Stage.ending = {self.judge_end(status, log, refused): 1}
        if status != 0 or re.search("could not be written|were lost while", log):
            self.excuse(daemon.started)
        self.retire(daemon)
        self.settle()

    def judge_end(self, status, log, refused):
        if not refused:
            self.assertEqual(status, 0, log[-2000:])
            return "not reached"
        if status == 0:
            return "went on"
        if status in GENTLE_ENDS:
            self.assertRegex(log, r"error: |bindery\.yaml:\d+:\d+: ", "it ended without a word")
            return "ended with a word"
        return self.judge_death(status, log)

    def judge_death(self, status, log):
        """A library that falls over a NULL can't be kept from it. What is ours may not."""
        dead = re.search(r"allocation: signal \d+ in (\S+)", log)
        if status == 127:  # the loader had not even begun
            return "was not loaded"
        self.assertIn(status, (-signal.SIGABRT, -signal.SIGSEGV, -signal.SIGBUS), log[-2000:])
        self.assertIsNotNone(dead, f"ended with {status}:\n{log[-2000:]}")
        self.assertTrue(dead[1].startswith("lib"), f"{dead[1]} ended with {status}:\n{log[-2000:]}")
        return f"{dead[1].split('.')[0]} fell over"

    def test_count(self):
        """No fault; how many calls there are goes into the file that the seed names."""
        daemon = self.live("0")
        self.assertEqual(daemon.wait(20), 0, daemon.log())
        found = re.search(r"allocation: (\d+) calls", daemon.log())
        self.assertIsNotNone(found, daemon.log())
        self.retire(daemon)
        with open(self.seed, "w", encoding="utf-8") as file:
            file.write(found[1])


def count_calls():
    """The most that a life made."""
    most = 0
    with tempfile.TemporaryDirectory(prefix="allocation-") as directory:
        path = os.path.join(directory, "count")
        for _ in range(LIVES):
            outcome = seeded.run_one((AllocationCase, "test_count", path))
            if outcome.failure:
                raise SystemExit(f"a life without any fault failed:\n{outcome.failure}")
            with open(path, encoding="utf-8") as file:
                most = max(most, int(file.read()))
    return most


def all_jobs(chance, _):
    """Shuffled, so that a part of them is a sample."""
    library()
    faults = [f"{number}{more}" for number in range(1, count_calls() + 1) for more in ("", "+")]
    chance.shuffle(faults)
    return [(AllocationCase, "test_fault", fault) for fault in faults]
