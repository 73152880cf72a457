"""The reliability bench: every test of the catalogue, once for each seed."""
import argparse
import importlib
import os
import sys

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path[:0] = [HERE, os.path.join(HERE, "..", "e2e")]
import seeded  # noqa: E402

PARTS = [name[5:-3] for name in sorted(os.listdir(HERE))
         if name.startswith("test_") and name.endswith(".py")]


def arguments():
    parser = argparse.ArgumentParser(
        prog="tests/reliability/run.sh", description=__doc__,
        epilog="A failure prints its seed: name it with --seed to have the same again.")
    parser.add_argument("pattern", nargs="*", help="only tests whose name holds this; a part is "
                        f"named by its file: {', '.join(PARTS)}")
    parser.add_argument("--seeds", type=int, default=20, help="how many seeds (default: 20)")
    parser.add_argument("--seed", type=int, help="this seed alone")
    parser.add_argument("--first", type=int, default=1, help="the first seed (default: 1)")
    parser.add_argument("--jobs", type=int, default=3 * (os.cpu_count() or 1),
                        help="how many run at once; most of them wait most of the time")
    parser.add_argument("--list", action="store_true", help="names the tests and ends")
    return parser.parse_args()


class Tally:
    """What came of each test."""

    def __init__(self):
        self.runs, self.failed, self.skipped, self.seconds = {}, {}, {}, {}
        self.why = {}  # what the first of its failures said

    def add(self, outcome):
        name = outcome.name
        self.runs[name] = self.runs.get(name, 0) + 1
        self.seconds[name] = max(self.seconds.get(name, 0), outcome.seconds)
        if outcome.skipped:
            self.skipped[name] = outcome.skipped
        if outcome.failure:
            self.failed.setdefault(name, []).append(outcome.seed)
            self.why.setdefault(name, outcome.failure)
            print(f"\nFAILED {name} --seed {outcome.seed}\n{outcome.failure}", flush=True)

    def show(self):
        print(f"\n{'test':74} {'seeds':>6} {'failed':>7} {'longest':>8}")
        for name in sorted(self.runs):
            failed = self.failed.get(name, [])
            note = f"  seeds {failed[:10]}" if failed else ""
            if name in self.skipped:
                note = f"  skipped: {self.skipped[name]}"
            print(f"{name:74} {self.runs[name]:6} {len(failed):7} {self.seconds[name]:6.1f} s{note}")
        total = sum(self.runs.values())
        print(f"{total} runs of {len(self.runs)} tests, "
              f"{sum(map(len, self.failed.values()))} failed")
        # Again and last, where nobody has to look for them.
        for name in sorted(self.failed):
            print(f"FAILED {name} --seed {self.failed[name][0]}\n{self.why[name]}")


def main():
    options = arguments()
    modules = [importlib.import_module(f"test_{part}") for part in PARTS]
    cases = seeded.find(modules, options.pattern)
    if options.list or not cases:
        for kind, name in cases:
            print(f"{kind.__module__}.{name}")
        return 0 if cases else 2
    first, count = (options.seed, 1) if options.seed is not None else (options.first, options.seeds)
    jobs = seeded.jobs_of(cases, first, count)
    print(f"{len(cases)} tests, seeds {first} to {first + count - 1}: {len(jobs)} runs, "
          f"{options.jobs} at once", flush=True)
    tally, done = Tally(), 0
    for outcome in seeded.run_all(jobs, options.jobs):
        tally.add(outcome)
        done += 1
        if sys.stdout.isatty():
            print(f"\r{done} of {len(jobs)}, {len(tally.failed)} tests with failures", end="",
                  flush=True)
    tally.show()
    return 1 if tally.failed else 0


if __name__ == "__main__":
    sys.exit(main())
