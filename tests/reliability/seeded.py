"""Tests that are run once for each seed. A seed decides everything that is left to chance, and
replays it: `tests/reliability/run.sh NAME --seed N`."""
import multiprocessing
import os
import random
import sys
import time
import traceback
import unittest

from harness import Case
from oracle import Oracle, Truth


class SeededCase(Case):
    """A test with the truth, an oracle, and chance that comes from its seed."""

    seed = 0
    seeds_most = None  # where more would prove nothing new

    def setUp(self):
        super().setUp()
        self.random = random.Random(f"{self.id()}/{self.seed}")
        self.truth = Truth()
        self.oracle = Oracle(self.truth)


def find(modules, patterns):
    """Every test of the modules whose name, with or without its class, holds one of the patterns,
    in the files' order."""
    loader, cases = unittest.TestLoader(), []
    for module in modules:
        for suite in loader.loadTestsFromModule(module):
            cases += [(type(case), case._testMethodName) for case in suite]
    return [(kind, name) for kind, name in cases
            if not patterns or any(p in f"{kind.__module__}.{kind.__name__}.{name}" or
                                   p in f"{kind.__module__}.{name}" for p in patterns)]


class Outcome:
    def __init__(self, name, seed, seconds, failure, skipped):
        self.name, self.seed, self.seconds = name, seed, seconds
        self.failure, self.skipped = failure, skipped


def run_one(job):
    """In a process of its own: what it prints comes with the outcome, if it failed."""
    kind, name, seed = job
    random.seed()  # ports are not left to the seed: others run beside us
    case, result = kind(name), unittest.TestResult()
    case.seed = seed
    started = time.monotonic()
    log = os.path.join("/tmp", f"reliability-{os.getpid()}.log")
    with open(log, "w", encoding="utf-8") as file:
        before = os.dup(1), os.dup(2)
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
        try:
            case.run(result)
        except BaseException:
            result.errors.append((case, traceback.format_exc()))
        sys.stdout.flush()
        os.dup2(before[0], 1)
        os.dup2(before[1], 2)
    said = open(log, encoding="utf-8", errors="replace").read()
    os.unlink(log)
    failures = [text for _, text in result.errors + result.failures]
    skipped = result.skipped[0][1] if result.skipped else None
    return Outcome(f"{kind.__module__}.{name}", seed, time.monotonic() - started,
                   "\n".join(failures) + said if failures else None, skipped)


def jobs_of(cases, first, count):
    """By seed and then by test: what every test has in common fails early."""
    return [(kind, name, seed) for seed in range(first, first + count) for kind, name in cases
            if kind.seeds_most is None or seed - first < kind.seeds_most]


def run_all(jobs, at_once):
    """Outcomes as they come."""
    context = multiprocessing.get_context("fork")
    with context.Pool(at_once, maxtasksperchild=8) as pool:
        yield from pool.imap_unordered(run_one, jobs)
