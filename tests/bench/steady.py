"""Scenarios in which machines are polled at an even pace: the floor and the gateway in turn, and
where wanted the least that does the whole job as well."""
import os
import statistics
from dataclasses import dataclass, field

import plant
from programs import FIRST_PORT, Gateway, Meter, Stage, pause, written_bytes
from certificates import Authority  # after programs, which knows where it lies

COMMIT_MS, TICK_MS = 200, 20
WINDOWS = 3  # in which gateway and floor are measured at the same moment


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
    least: bool = False  # against the least too, and against the floor at the same moment
    targets: dict = field(default_factory=dict)


@dataclass
class Times:
    rounds: int = 3
    seconds: float = 20
    minutes: int = 60


def _machines(stage, scenario, port=FIRST_PORT):
    return stage.worker("bench_machines", "--port", port, "--count", scenario.machines,
                        "--changing", scenario.changing, "--silent", scenario.silent,
                        "--refusing", scenario.refusing)


def _floor(stage, scenario, port=FIRST_PORT):
    return stage.worker("bench_floor", "--port", port, "--count", scenario.machines)


def _least(stage, scenario, broker):
    return stage.worker("bench_least", "--port", FIRST_PORT, "--count", scenario.machines,
                        "--broker", broker.port, "--gather", scenario.gather,
                        "--file", os.path.join(stage.directory, "least"))


def _yardstick_round(stage, yardstick, machines, times):
    """The floor or the least, for a round; it ends with it."""
    pause(2)
    machines.mark()
    yardstick.mark()
    meter = Meter(yardstick.pid)
    pause(times.seconds)
    figures = meter.read() | machines.report()
    own = yardstick.report()
    yardstick.kill()
    stage.end(yardstick)
    return figures | {"own": own, "us_a_poll": us_a_poll(figures, figures["requests"])}


def _config(stage, scenario, broker):
    uplink, port = {}, broker.port
    if scenario.tls:
        uplink, port = {"ca_file": f"{stage.directory}/ca/ca.crt"}, broker.tls_port
    url = f"{'mqtts' if scenario.tls else 'mqtt'}://localhost:{port}"
    return plant.tcp_config(
        stage, url, scenario.machines, gather=scenario.gather, uplink=uplink,
        store={"durability": scenario.durability})


def _start_gateway(stage, scenario, config):
    """binderyd, once every machine that can has answered and is asked at its own pace."""
    gateway = stage.keep(Gateway(config))
    gateway.wait_online(scenario.machines - scenario.silent - scenario.refusing)
    pause(3)
    return gateway


def _gateway_round(stage, scenario, machines, broker, times):
    config = _config(stage, scenario, broker)
    receiver = stage.worker("bench_receiver", "--port", broker.port)
    machines.mark()
    gateway = _start_gateway(stage, scenario, config)
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


def _beside(stage, scenario, machines, broker, times):
    """Windows in which gateway and floor run at the same moment, each with machines of its own."""
    port = FIRST_PORT + scenario.machines
    others = _machines(stage, scenario, port)
    stage.worker("bench_receiver", "--port", broker.port)
    floor = _floor(stage, scenario, port)
    gateway = _start_gateway(stage, scenario, _config(stage, scenario, broker))
    return [_window({"gateway": (gateway, machines), "floor": (floor, others)}, times.seconds / 2)
            for _ in range(WINDOWS)]


def _window(pairs, seconds):
    """µs a poll of each who asks, by name, and their ratio."""
    meters = {}
    for name, (asking, asked) in pairs.items():
        asked.mark()
        meters[name] = Meter(asking.pid)
    pause(seconds)
    used = {name: meter.read() for name, meter in meters.items()}
    window = {name: us_a_poll(used[name], asked.report()["requests"])
              for name, (_, asked) in pairs.items()}
    return window | {"ratio": window["gateway"] / window["floor"]}


def us_a_poll(figures, polls):
    return figures["cpu_percent"] * 1e4 * figures["seconds"] / max(1, polls)


def run(scenario, times, say, gateway_round=_gateway_round, gateway="binderyd"):
    """Rounds of yardsticks and gateway in turn; what came of them. The store is the same in all:
    what a new one costs, its first round shows."""
    rounds = {"floor": [], "least": [], "gateway": [], "beside": []}
    with Stage() as stage:
        machines = _machines(stage, scenario)
        broker = _broker(stage, scenario)
        for number in range(times.rounds):
            turn = f"round {number + 1} of {times.rounds}"
            if scenario.against_floor:
                say(f"{scenario.name}: floor, {turn}")
                floor = _floor(stage, scenario)
                rounds["floor"].append(_yardstick_round(stage, floor, machines, times))
            if scenario.least:
                say(f"{scenario.name}: least, {turn}")
                least = _least(stage, scenario, broker)
                rounds["least"].append(_yardstick_round(stage, least, machines, times))
            say(f"{scenario.name}: {gateway}, {turn}")
            rounds["gateway"].append(gateway_round(stage, scenario, machines, broker, times))
        if scenario.least:
            say(f"{scenario.name}: floor and {gateway} at the same moment")
            rounds["beside"] = _beside(stage, scenario, machines, broker, times)
    return summary(scenario, rounds)


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


def ratios(uppers, lowers):
    """Of the CPU a poll, round by round."""
    return [upper["us_a_poll"] / lower["us_a_poll"] for upper, lower in zip(uppers, lowers)]


def summary(scenario, rounds):
    floors, leasts, gateways = rounds["floor"], rounds["least"], rounds["gateway"]
    figures = gateway_figures(scenario, gateways)
    if floors:
        over_floor = ratios(gateways, floors)
        figures |= {"floor_us_a_poll": middle(floors, "us_a_poll"),
                    "floor_cpu_percent": middle(floors, "cpu_percent"),
                    "floor_lateness_p99_ms": middle(floors, "lateness", "p99_ms"),
                    "ratio": statistics.median(over_floor), "best_ratio": min(over_floor),
                    "ratios": sorted(over_floor)}
    if leasts:
        figures |= {"least_us_a_poll": middle(leasts, "us_a_poll"),
                    "least_ratio": statistics.median(ratios(leasts, floors)),
                    "over_least": statistics.median(ratios(gateways, leasts)),
                    "beside_ratio": middle(rounds["beside"], "ratio")}
    return {"figures": figures, "rounds": {name: done for name, done in rounds.items() if done}}


def gateway_figures(scenario, gateways):
    wanted = (scenario.machines - scenario.silent - scenario.refusing) * 40 * \
        middle(gateways, "seconds")
    return {
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
