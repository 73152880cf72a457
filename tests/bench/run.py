"""Runs scenarios, prints one table, writes JSON. Exit status 1 where a target is missed."""
import argparse
import dataclasses
import json
import os
import platform
import sys
import time

import special
import steady
from scenarios import COMMIT_MS, GUARD, LONG, SPECIAL, STEADY

COLUMNS = [
    ("CPU %", "cpu_percent", "{:.2f}"), ("µs/poll", "us_a_poll", "{:.1f}"),
    ("floor", "floor_us_a_poll", "{:.1f}"), ("× floor", "ratio", "{:.2f}"),
    ("MB", "resident_mb", "{:.1f}"), ("B/value", "written_per_value", "{:.2f}"),
    ("late p50", "lateness_p50_ms", "{:.1f}"), ("p99", "lateness_p99_ms", "{:.1f}"),
    ("max", "lateness_max_ms", "{:.0f}"), ("latency p50", "latency_p50_ms", "{:.0f}"),
    ("p99", "latency_p99_ms", "{:.0f}"), ("wanted", "values_wanted", "{:,}"),
    ("polled", "values_polled", "{:,.0f}"), ("delivered", "values_delivered", "{:,.0f}"),
]


def say(what):
    if sys.stderr.isatty():
        print(f"\r\033[K{what} …", end="", file=sys.stderr, flush=True)
    else:
        print(what, file=sys.stderr, flush=True)


def judge(figures, targets):
    """(target, limit, measured, reached) each. A limit written (">=", x) is a least."""
    verdicts = []
    for name, limit in targets.items():
        value = figures.get(name)
        least = isinstance(limit, tuple)
        bound = limit[1] if least else limit
        reached = value is not None and (value >= bound if least else value <= bound)
        verdicts.append((name, f"{'≥' if least else '≤'} {bound:,}", value, reached))
    return verdicts


def cell(figures, key, form):
    value = figures.get(key)
    return "-" if value is None else form.format(value)


def print_table(results):
    rows = [["scenario", *(title for title, _, _ in COLUMNS)]]
    rows += [[name, *(cell(result["figures"], key, form) for _, key, form in COLUMNS)]
             for name, result in results.items()]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    print()
    for row in rows:
        print("  ".join(text.rjust(width) if i else text.ljust(width)
                        for i, (text, width) in enumerate(zip(row, widths))))
    print()
    for name, result in results.items():
        shown = {key for _, key, _ in COLUMNS}
        more = {key: value for key, value in result["figures"].items()
                if key not in shown and not isinstance(value, (dict, list))}
        if name in SPECIAL:
            print(f"{name}: " + ", ".join(f"{key} {number(value)}" for key, value in more.items()))
        if "ratios" in result["figures"]:
            ratios = ", ".join(f"{one:.2f}" for one in result["figures"]["ratios"])
            print(f"{name}: × floor in each round {ratios}")
        if "least_ratio" in result["figures"]:
            print_least(name, result["figures"])


def print_least(name, figures):
    print(f"{name}: the least that does the whole job {figures['least_us_a_poll']:.1f} µs a poll, "
          f"{figures['least_ratio']:.2f} × floor; binderyd {figures['over_least']:.2f} × the least")
    print(f"{name}: × floor at the same moment {figures['beside_ratio']:.2f}")


def number(value):
    return f"{value:,.2f}" if isinstance(value, float) else f"{value}"


def print_verdicts(results):
    print()
    for name, result in results.items():
        for target, limit, value, reached in result["verdicts"]:
            print(f"{'reached' if reached else 'MISSED '}  {name}: {target} {limit}: "
                  f"{'-' if value is None else number(value)}")


def parse():
    parser = argparse.ArgumentParser(
        prog="tests/bench/run.sh",
        description="Measures binderyd beside a bare epoll loop that asks the same machines.",
        epilog=f"Scenarios: {' '.join([one.name for one in STEADY] + list(SPECIAL))}. "
               f"Without an argument all but {' '.join(LONG)}. Commits every {COMMIT_MS} ms.")
    parser.add_argument("scenarios", nargs="*", metavar="SCENARIO")
    parser.add_argument("--rounds", type=int, default=3, help="of floor and gateway in turn (3)")
    parser.add_argument("--seconds", type=float, default=20, help="measured in each (20)")
    parser.add_argument("--minutes", type=int, default=60, help="of the soak (60)")
    parser.add_argument("--with", dest="peers", action="append", default=[],
                        choices=["collectd", "node-red"], help="measure another gateway as well")
    parser.add_argument("--output", default="build/bench.json", help="where the JSON goes")
    parser.add_argument("--guard", action="store_true",
                        help="a minute's check that no hot path has become twice as dear")
    return parser.parse_args()


def run_all(options):
    times = steady.Times(options.rounds, options.seconds, options.minutes)
    known = {one.name: one for one in STEADY}
    wanted = options.scenarios or [*known, *(name for name in SPECIAL if name not in LONG)]
    if options.guard:
        times, wanted = steady.Times(rounds=3, seconds=5), list(GUARD)
        known = {name: dataclasses.replace(one, least=False) for name, one in known.items()}
    for name in wanted:
        if name not in known and name not in SPECIAL:
            sys.exit(f"'{name}' is no scenario; expected some of {' '.join([*known, *SPECIAL])}")
    results = {}
    for name in wanted:
        if name in known:
            result, targets = steady.run(known[name], times, say), known[name].targets
        else:
            result, targets = getattr(special, name)(times, say), SPECIAL[name]
        limits = GUARD[name] if options.guard else targets
        results[name] = result | {"verdicts": judge(result["figures"], limits)}
    for peer in options.peers:
        import peers
        results[peer] = peers.run(peer, times, say) | {"verdicts": []}
    return results


def main():
    options = parse()
    results = run_all(options)
    if sys.stderr.isatty():
        print("\r\033[K", end="", file=sys.stderr)
    print_table(results)
    print_verdicts(results)
    machine = {"cores": os.cpu_count(), "kernel": platform.release(), "at": time.time()}
    with open(options.output, "w", encoding="utf-8") as file:
        json.dump({"machine": machine, "results": results}, file, indent=1)
    return int(any(not reached for result in results.values()
                   for _, _, _, reached in result["verdicts"]))


if __name__ == "__main__":
    sys.exit(main())
