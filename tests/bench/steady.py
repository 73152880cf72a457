"""Scenarios in which machines are polled at an even pace: the floor and the gateway in turn."""
import statistics
from dataclasses import dataclass, field

import plant
from programs import FIRST_PORT, Gateway, Meter, Stage, pause, written_bytes
from certificates import Authority  # after programs, which knows where it lies

COMMIT_MS, TICK_MS = 200, 20


@dataclass
class Steady:
    """So many machines of 40 registers, asked once a second."""
    name: str
    machines: int
    gather: str = "gateway"
    changing: int = 40
    silent: int = 0
    refusing: int = 0
    durability: str = "always"
    tls: bool = False
    against_floor: bool = True
    targets: dict = field(default_factory=dict)


@dataclass
class Times:
    rounds: int = 3
    seconds: float = 20
    minutes: int = 60


def _machines(stage, scenario):
    return stage.worker("bench_machines", "--port", FIRST_PORT, "--count", scenario.machines,
                        "--changing", scenario.changing, "--silent", scenario.silent,
                        "--refusing", scenario.refusing)


def _floor_round(stage, scenario, machines, times):
    floor = stage.worker("bench_floor", "--port", FIRST_PORT, "--count", scenario.machines)
    pause(2)
    machines.mark()
    meter = Meter(floor.pid)
    pause(times.seconds)
    figures = meter.read() | machines.report()
    floor.kill()
    stage.end(floor)
    return figures | {"us_a_poll": us_a_poll(figures, figures["requests"])}


def _gateway_round(stage, scenario, machines, broker, times):
    uplink, port = {}, broker.port
    if scenario.tls:
        uplink, port = {"ca_file": f"{stage.directory}/ca/ca.crt"}, broker.tls_port
    url = f"{'mqtts' if scenario.tls else 'mqtt'}://localhost:{port}"
    config = plant.tcp_config(
        stage, url, scenario.machines, gather=scenario.gather, uplink=uplink,
        store={"durability": scenario.durability})
    receiver = stage.worker("bench_receiver", "--port", broker.port)
    machines.mark()
    gateway = stage.keep(Gateway(config))
    healthy = scenario.machines - scenario.silent - scenario.refusing
    gateway.wait_online(healthy)
    pause(3)
    first_all_ms = machines.report()["first_all_ms"]
    machines.mark()
    receiver.mark()
    written, meter = written_bytes(gateway.pid), Meter(gateway.pid)
    pause(times.seconds)
    figures = meter.read() | machines.report()
    received = receiver.report()
    status = gateway.status()
    # The end is in it, since only then the last of the write-ahead log goes into the database.
    written = stage.end(gateway) - written
    receiver.child.stdin.close()
    stage.end(receiver)
    figures.update(
        us_a_poll=us_a_poll(figures, figures["requests"]),
        first_all_ms=first_all_ms, received=received, latency=received["latency"],
        own_lateness={name: status["poll"][f"lateness_{name}_ms"] for name in ("p99", "max")},
        written_per_value=written / received["values"] if received["values"] else None)
    return figures


def us_a_poll(figures, polls):
    return figures["cpu_percent"] * 1e4 * figures["seconds"] / max(1, polls)


def run(scenario, times, say, gateway_round=_gateway_round, gateway="binderyd"):
    """Rounds of floor and gateway in turn; what came of them. The store is the same in all: what
    a new one costs, its first round shows."""
    floors, gateways = [], []
    with Stage() as stage:
        machines = _machines(stage, scenario)
        broker = _broker(stage, scenario)
        for number in range(times.rounds):
            if scenario.against_floor:
                say(f"{scenario.name}: floor, round {number + 1} of {times.rounds}")
                floors.append(_floor_round(stage, scenario, machines, times))
            say(f"{scenario.name}: {gateway}, round {number + 1} of {times.rounds}")
            gateways.append(gateway_round(stage, scenario, machines, broker, times))
    return summary(scenario, floors, gateways)


def _broker(stage, scenario):
    if not scenario.tls:
        return stage.broker()
    certificate, key = Authority(f"{stage.directory}/ca").sign("broker")
    return stage.broker(tls=[f"certfile {certificate}", f"keyfile {key}", "allow_anonymous true"])


def known(rounds, *path):
    """A figure that lies at this path, of the rounds that have it."""
    values = []
    for value in rounds:
        for key in path:
            value = value.get(key) if value else None
        if value is not None:
            values.append(value)
    return values


def middle(rounds, *path):
    values = known(rounds, *path)
    return statistics.median(values) if values else None


def summary(scenario, floors, gateways):
    wanted = (scenario.machines - scenario.silent - scenario.refusing) * 40 * \
        middle(gateways, "seconds")
    figures = {
        "cpu_percent": middle(gateways, "cpu_percent"),
        "us_a_poll": middle(gateways, "us_a_poll"),
        "resident_mb": max(one["resident_mb"] for one in gateways),
        "written_per_value": middle(gateways, "written_per_value"),
        "lateness_p50_ms": middle(gateways, "lateness", "p50_ms"),
        "lateness_p99_ms": middle(gateways, "lateness", "p99_ms"),
        "lateness_max_ms": max(known(gateways, "lateness", "max_ms"), default=None),
        "own_lateness_p99_ms": middle(gateways, "own_lateness", "p99"),
        "latency_p50_ms": middle(gateways, "latency", "p50_ms"),
        "latency_p99_ms": middle(gateways, "latency", "p99_ms"),
        "wakeups_per_s": middle(gateways, "wakeups_per_s"),
        "first_all_ms": max(known(gateways, "first_all_ms"), default=None),
        "values_wanted": round(wanted),
        "values_polled": middle(gateways, "registers_read"),
        "values_delivered": middle([one["received"] for one in gateways], "values"),
    }
    if floors:
        ratios = [gateway["us_a_poll"] / floor["us_a_poll"]
                  for gateway, floor in zip(gateways, floors)]
        figures |= {"floor_us_a_poll": middle(floors, "us_a_poll"),
                    "floor_cpu_percent": middle(floors, "cpu_percent"),
                    "floor_lateness_p99_ms": middle(floors, "lateness", "p99_ms"),
                    "ratio": statistics.median(ratios), "best_ratio": min(ratios),
                    "ratios": sorted(ratios)}
    return {"figures": figures, "rounds": {"floor": floors, "gateway": gateways}}
