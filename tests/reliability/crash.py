"""The gateway's process ends at every moment, and everything taken is there afterwards.

  kill        lives of about 100 ms under load and outage, each ended by SIGKILL
  syscalls    every system call on the store fails, once or from then on, or is the last one
  allocation  every allocation fails, once or from then on (not with a sanitizer in the program)

Of the last two a normal run tries a sample, by the seed; --all tries each."""
import argparse
import collections
import multiprocessing
import os
import queue
import random
import shutil
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
import allocation  # noqa: E402
import seeded  # noqa: E402
import syscalls  # noqa: E402
from killing import KillCase  # noqa: E402
from stage import Stage  # noqa: E402

PARTS = ("kill", "syscalls", "allocation")
SAMPLE_S = {"syscalls": 60, "allocation": 30}
CHAIN = 100  # lives of one store at most, one after the other


class Chain(KillCase):
    """Its seed is SEED:CHAIN:LIVES. Every fourth chain has durability outage."""

    def test_lives(self):
        _, chain, lives = map(int, self.seed.split(":"))
        if chain % 4 == 3:
            self.set_durability("outage")
        for _ in range(lives):
            self.live_and_be_killed()
        self.settle()
        ledgers = self.broker.heard.values()
        Stage.ending = {"lives": lives, "numbers": self.book.before.last_seq,
                        "repeated": sum(ledger.repeats for ledger in ledgers),
                        "cuts before an acknowledgement": self.broker.cuts,
                        "gaps": sum(len(ledger.gaps()) for ledger in ledgers)}


def kill_jobs(options):
    length = max(1, min(CHAIN, -(-options.cycles // 4)))
    chains = [min(length, options.cycles - done) for done in range(0, options.cycles, length)]
    return [(Chain, "test_lives", f"{options.seed}:{number}:{lives}")
            for number, lives in enumerate(chains)]


def jobs_of(part, options):
    if options.only:
        kind = {"kill": (Chain, "test_lives"), "syscalls": (syscalls.SyscallCase, "test_fault"),
                "allocation": (allocation.AllocationCase, "test_fault")}[part]
        allocation.library()
        return [(*kind, options.only)]
    if part == "kill":
        return kill_jobs(options)
    module = {"syscalls": syscalls, "allocation": allocation}[part]
    return module.all_jobs(random.Random(options.seed), options.all)


def row_of(part, job):
    """The line of the table that a run belongs to."""
    if part == "kill":
        return "durability outage" if int(job.split(":")[1]) % 4 == 3 else "durability always"
    if part == "syscalls":
        return job.split(":")[0]
    return "from then on" if job.endswith("+") else "once"


# --- running ---

def run_one(job):
    Stage.ending = None
    outcome = seeded.run_one(job)
    outcome.figures = {"failed": 1} if outcome.failure else Stage.ending
    return outcome


def run_all(jobs, at_once, seconds):
    """Outcomes as they come, of those that begin in time."""
    jobs, done, running = iter(jobs), queue.Queue(), 0
    until = time.monotonic() + seconds if seconds else float("inf")
    with multiprocessing.get_context("fork").Pool(at_once, maxtasksperchild=8) as pool:
        while True:
            while running < at_once and time.monotonic() < until and (job := next(jobs, None)):
                pool.apply_async(run_one, (job,), callback=done.put, error_callback=done.put)
                running += 1
            if running == 0:
                return
            outcome = done.get()
            running -= 1
            if isinstance(outcome, BaseException):
                raise outcome
            yield outcome


class Tally:
    """The lines of the table, and the failures."""

    def __init__(self, part):
        self.part, self.runs, self.failed = part, collections.Counter(), 0
        self.rows = collections.defaultdict(collections.Counter)

    def add(self, outcome):
        row = row_of(self.part, outcome.seed)
        self.runs[row] += 1
        self.rows[row].update(outcome.figures)
        if outcome.failure:
            self.failed += 1
            print(f"\nFAILED {self.part} --only {outcome.seed}\n{outcome.failure}", flush=True)

    def show(self):
        for row in sorted(self.rows):
            figures = ", ".join(f"{count} {what}" for what, count in self.rows[row].most_common())
            print(f"{self.part:11} {row:18} {self.runs[row]:6} runs: {figures}")


def run_part(part, options):
    began, tally = time.monotonic(), Tally(part)
    jobs = jobs_of(part, options)
    print(f"{part}: {len(jobs)} runs, seed {options.seed}, {options.jobs} at once", flush=True)
    seconds = None if options.all else SAMPLE_S.get(part)
    for outcome in run_all(jobs, options.jobs, seconds):
        tally.add(outcome)
        if sys.stdout.isatty():
            print(f"\r{part}: {sum(tally.runs.values())} of {len(jobs)}, {tally.failed} failed",
                  end="", flush=True)
    print(f"\n{part}: {sum(tally.runs.values())} of {len(jobs)} runs, {tally.failed} failed, "
          f"{time.monotonic() - began:.0f} s", flush=True)
    return tally


def missing(part):
    """Why this part can't run here; None if it can."""
    if part == "syscalls" and not shutil.which("strace"):
        return "strace is not installed"
    if part == "allocation":
        with open(os.environ.get("BINDERYD", "/usr/bin/binderyd"), "rb") as program:
            if b"__asan_init" in program.read():
                return "the program has a sanitizer, and so an allocator of its own"
    return None


def arguments():
    parser = argparse.ArgumentParser(prog="tests/reliability/crash.sh", description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("part", nargs="*", help="kill, syscalls, allocation; default: all three")
    parser.add_argument("--cycles", type=int, default=100, help="kill: lives (default: 100)")
    parser.add_argument("--seed", type=int, default=1, help="of moments and samples (default: 1)")
    parser.add_argument("--all", action="store_true", help="every fault, not a sample")
    parser.add_argument("--only", metavar="FAULT", help="the one that a failure named")
    parser.add_argument("--jobs", type=int, default=3 * (os.cpu_count() or 1),
                        help="how many run at once; most of them wait most of the time")
    options = parser.parse_args()
    options.part = options.part or list(PARTS)
    for part in options.part:
        if part not in PARTS:
            parser.error(f"'{part}' is unknown; expected kill, syscalls or allocation")
    if options.only and len(options.part) != 1:
        parser.error("--only wants the part that it belongs to")
    return options


def main():
    options, tallies = arguments(), []
    for part in options.part:
        why = missing(part)
        if why:
            print(f"{part}: skipped: {why}", flush=True)
        else:
            tallies.append(run_part(part, options))
    print()
    for tally in tallies:
        tally.show()
    if not tallies:
        return 77
    return 1 if any(tally.failed for tally in tallies) else 0


if __name__ == "__main__":
    sys.exit(main())
