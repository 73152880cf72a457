"""What is run, and what is to be reached: figure, and the most (or least) it may be."""
from steady import COMMIT_MS, TICK_MS, Steady

LATE = TICK_MS
LATENCY = COMMIT_MS + 2 * TICK_MS + 20

STEADY = [
    Steady("W100", 100, targets={"resident_mb": 10, "latency_p99_ms": LATENCY}),
    Steady("W500", 500, least=True,
           targets={"ratio": 1.5, "lateness_p99_ms": LATE, "latency_p99_ms": LATENCY,
                    "written_per_value": 12}),
    Steady("W500-machine", 500, gather="machine", least=True,
           targets={"ratio": 3, "lateness_p99_ms": LATE, "latency_p99_ms": LATENCY}),
    Steady("W500-tls", 500, tls=True),
    Steady("W500-quiet", 500, changing=3, targets={"written_per_value": 40}),
    Steady("W500-outage", 500, durability="outage", targets={"written_per_value": 1}),
    Steady("W500-dead", 500, silent=50, refusing=50, against_floor=False,
           targets={"lateness_p99_ms": LATE}),
    Steady("W6000", 6000, targets={"ratio": 1.8, "cpu_percent": 100, "resident_mb": 64,
                                   "lateness_p99_ms": LATE, "first_all_ms": 3000,
                                   "latency_p99_ms": LATENCY}),
    Steady("idle", 100, changing=0, targets={"ratio": 1.2}),
]

SPECIAL = {
    "line": {"capacity_percent": (">=", 85), "too_early": 0},
    "drain": {"values_per_s": (">=", 1_000_000), "latency_ratio": 2, "missing": 0},
    "reload": {"lateness_p99_ms": LATE, "skipped": 0, "new_connections": 0,
               "changed_machine_asked": (">=", 1)},
    "soak": {"growth_percent": 1, "missing": 0},
}

# What a normal test run holds to: figures that do not depend on the machine, with room for a busy
# one, and yet missed by a hot path that has become twice as dear.
GUARD = {"W500": {"best_ratio": 2.4, "written_per_value": 12}}

LONG = ["soak"]  # only when asked for by name

